"""What a panel is asked, and the words of docs/metrics.md that all panels share: spans, filters, steps, percentiles."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.truth.plain_stays import StayTold
from tests.truth.recount import Recount
from tests.truth.told import Told

Row = dict[str, Any]


@dataclass(frozen=True)
class Question:
    """Values of a panel's parameters, and the moment of asking; times are milliseconds."""

    start: int
    end: int
    step_s: int
    now: int
    room_kind: str = ""
    room: str = ""
    user_agent: str = ""
    session: str = ""
    limit: int = 1_000_000
    at: int = 0

    def spans(self, at: int) -> bool:
        return self.start <= at < self.end

    def takes_room(self, each: Told) -> bool:
        return self.room_kind in ("", each.room_kind) and self.room in ("", each.room_id)

    def takes(self, each: Told) -> bool:
        """Tell whether a fact is of the span, the room and the user agent that is asked for."""
        return self.spans(each.at) and self.takes_room(each) and self.user_agent in ("", each.said("user_agent"))

    def takes_stay(self, stay: StayTold) -> bool:
        is_told = self.user_agent in ("", stay.last_said("user_agent"))
        return self.takes_room(stay.opening) and is_told

    def step_of(self, at: int) -> int:
        """Return when the step began that holds a moment."""
        return at // (1000 * self.step_s) * 1000 * self.step_s

    def steps(self) -> list[int]:
        """Return the beginnings of all steps: the one that holds the start, and what begins before end and now."""
        last = min(self.end, self.now)
        return list(range(self.step_of(self.start), last, 1000 * self.step_s))

    def over_time(self, counted: Callable[[int], Row]) -> list[Row]:
        return [{"time": step} | counted(step) for step in self.steps()]

    def calls(self, recount: Recount) -> list[StayTold]:
        """Return the stays of the span in calls."""
        return [
            stay
            for stay in recount.stays
            if stay.opening.room_kind == "call" and self.spans(stay.opened_at) and self.takes_stay(stay)
        ]

    def live(self, recount: Recount) -> list[StayTold]:
        return [stay for stay in recount.live(self.now) if self.takes_stay(stay)]


def narrowed(question: Question, changes: dict[str, Any]) -> Question:
    """Return a question with other values of some parameters."""
    return dataclasses.replace(question, **changes)


def rounded(value: float, digits: int) -> float:
    """Return a number rounded, a half to the even neighbour."""
    return float(round(value * 10**digits) / 10**digits)


def percent(part: int, whole: int, digits: int = 2) -> float | None:
    return rounded(100 * part / whole, digits) if whole else None


def percentile(values: Iterable[int], share: float) -> int | None:
    """Return the value at place ⌊share · n⌋ of the n values in order."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else None


def percentiles(values: Sequence[int], prefix: str, shares: Sequence[int]) -> Row:
    return {f"{prefix}p{share}_ms": percentile(values, share / 100) for share in shares}


def newest_first(each: Told) -> tuple[int, ...]:
    """Return what puts facts newest first: by time, then partition, then place backwards."""
    partition, offset, index = each.line.place
    return -each.at, partition, -offset, -index


def by(rows: Iterable[Told], *names: str) -> dict[tuple[Any, ...], list[Told]]:
    """Return facts grouped by attributes of theirs, or by what the client said."""
    grouped: dict[tuple[Any, ...], list[Told]] = {}
    for each in rows:
        key = tuple(each.said(name) if name == "user_agent" else getattr(each, name) for name in names)
        grouped.setdefault(key, []).append(each)
    return grouped
