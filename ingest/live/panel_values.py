"""The values of a panel's parameters: what a request says, what is assumed where it says nothing, what is refused.

`from` and `to` are ISO 8601 (UTC unless it says otherwise), epoch milliseconds, or relative to now as in `-15m`, `-1h`,
`-30d`, `now`, and so is `at` (without it: now). Without them: the last hour. `step_s` is chosen so that there are about
a hundred points. Filters that are left out are '' (all); `limit` is 100.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

TIME_MS_MAX: Final = 4_102_444_800_000
"""2100."""
POINTS_MAX: Final = 3_000
LIMIT_MAX: Final = 10_000
ROOM_KINDS: Final = frozenset({"", "call", "account", "stream"})

_TEXT_CHARACTERS_MAX: Final = 12_000
_SPAN_MS_MAX: Final = 400 * 86_400_000
_DEFAULT_SPAN_MS: Final = 3_600_000
_POINTS: Final = 120
_LIMIT: Final = 100
_STEPS_S: Final = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_UNITS_MS: Final[Mapping[str, int]] = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_RELATIVE: Final = re.compile(r"-(\d{1,6})([smhd])", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)


class OddParameter(ValueError):
    """A parameter can't be used; the text says which and what would be right."""


def panel_values(wanted: Iterable[str], said: Iterable[tuple[str, str]], now_ms: int) -> dict[str, Any]:
    """Return a value for each parameter that the panel wants.

    Shape: `said` are names and values as the request has them. Times come back in epoch milliseconds.
    Raises: OddParameter.
    """
    names = set(wanted)
    given: dict[str, str] = {}
    for name, text in said:
        if name not in names:
            raise OddParameter(f"{name[:40]}: this panel takes {', '.join(sorted(names)) or 'no parameters'}")
        if name in given:
            raise OddParameter(f"{name}: given twice")
        given[name] = text
    values: dict[str, Any] = {}
    if "at" in names:
        values["at"] = _time_ms("at", given.get("at", "now"), now_ms)
    if names & {"from", "to", "step_s"}:
        values = _times(given, now_ms)
    for name in names - {"from", "to", "step_s", "at"}:
        values[name] = _value(name, given.get(name))
    return {name: value for name, value in values.items() if name in names}


def _times(given: Mapping[str, str], now_ms: int) -> dict[str, Any]:
    until_ms = _time_ms("to", given.get("to", "now"), now_ms)
    from_ms = _time_ms("from", given["from"], now_ms) if "from" in given else until_ms - _DEFAULT_SPAN_MS
    if from_ms >= until_ms:
        raise OddParameter("from: has to be before to")
    if until_ms - from_ms > _SPAN_MS_MAX:
        raise OddParameter("from: at most 400 days before to")
    return {"from": from_ms, "to": until_ms, "step_s": _step_s(given.get("step_s"), until_ms - from_ms)}


def _time_ms(name: str, text: str, now_ms: int) -> int:
    found = now_ms if text == "now" else None
    if relative := _RELATIVE.fullmatch(text):
        found = now_ms - int(relative[1]) * _UNITS_MS[relative[2]]
    elif _NUMBER.fullmatch(text):
        found = int(text)
    elif found is None:
        # A plus of the zone that was not escaped arrives as a space.
        found = _iso_ms(re.sub(r" (\d\d:?\d\d)\Z", r"+\1", text) if "T" in text else text)
    if found is None or not 0 <= found < TIME_MS_MAX:
        raise OddParameter(f"{name}: a time as 2026-05-01T20:00:00Z, epoch milliseconds, or -15m, -1h, -30d, now")
    return found


def _iso_ms(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    try:
        return round(aware.timestamp() * 1000)
    except (OverflowError, ValueError):
        return None


def _step_s(text: str | None, span_ms: int) -> int:
    if text is None:
        return next((step for step in _STEPS_S if span_ms <= step * 1000 * _POINTS), _STEPS_S[-1])
    step_s = _whole("step_s", text, 86_400)
    if span_ms > step_s * 1000 * POINTS_MAX:
        raise OddParameter(f"step_s: too many points; at least {-(-span_ms // (1000 * POINTS_MAX))} for this range")
    return step_s


def _value(name: str, text: str | None) -> Any:
    if name == "limit":
        return _LIMIT if text is None else _whole("limit", text, LIMIT_MAX)
    value = text or ""
    if name == "room_kind" and value not in ROOM_KINDS:
        raise OddParameter("room_kind: call, account, stream, or nothing for all")
    if len(value) > _TEXT_CHARACTERS_MAX:
        raise OddParameter(f"{name}: at most {_TEXT_CHARACTERS_MAX} characters")
    return value


def _whole(name: str, text: str, most: int) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise OddParameter(f"{name}: a whole number from 1 to {most}")
    return int(text)
