"""What a panel's parameters may be, and what is assumed where nothing is said."""

import pytest

from ingest.live.panel_values import OddParameter, panel_values

NOW = 1_800_000_000_000
SPAN = ("from", "to", "step_s")


def values(*said: tuple[str, str]) -> dict[str, object]:
    return panel_values((*SPAN, "room_kind", "room", "limit"), said, NOW)


def test_without_any_it_is_the_last_hour_of_everything() -> None:
    assert values() == {"from": NOW - 3_600_000, "to": NOW, "step_s": 30, "room_kind": "", "room": "", "limit": 100}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-15m", NOW - 900_000),
        ("-1h", NOW - 3_600_000),
        ("-30d", NOW - 30 * 86_400_000),
        ("1799999999999", 1_799_999_999_999),
        ("2027-01-15T08:00:00Z", 1_800_000_000_000 - 0),
        ("2027-01-15T07:59:59.5", 1_799_999_999_500),
        ("2027-01-15T09:59:00+02:00", 1_799_999_940_000),
        ("2027-01-15T09:59:00 02:00", 1_799_999_940_000),
        ("2027-01-14", 1_799_884_800_000),
    ],
)
def test_times_as_people_and_machines_write_them(text: str, expected: int) -> None:
    assert panel_values(SPAN, [("from", text), ("to", str(NOW + 1))], NOW)["from"] == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("from", text) for text in ("", "x", "-1w", "-h", "1e3", "99999999999999", "-9999999d", "2027-13-01", "٣")),
        *(("from", text) for text in ("now", "2028-01-01", "-500d")),
        *(("step_s", text) for text in ("0", "-1", "1", "1.5", "86401", "x", "")),
        *(("limit", text) for text in ("0", "10001", "ten")),
        ("room_kind", "calls"),
        ("room", "x" * 12_001),
        ("session", "s"),
        ("since", "-1h"),
    ],
)
def test_what_can_not_be_used_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(OddParameter, match=f"^{name}: "):
        values((name, text))


def test_one_given_twice_is_refused() -> None:
    with pytest.raises(OddParameter, match="room: given twice"):
        values(("room", "a"), ("room", "b"))


def test_a_panel_without_parameters_takes_none() -> None:
    assert panel_values((), [], NOW) == {}
    with pytest.raises(OddParameter, match="no parameters"):
        panel_values((), [("from", "-1h")], NOW)


@pytest.mark.parametrize("span_s", [1, 60, 3600, 86_400, 30 * 86_400, 400 * 86_400])
def test_there_are_never_too_many_points(span_s: int) -> None:
    found = panel_values(SPAN, [("from", str(NOW - span_s * 1000)), ("to", str(NOW))], NOW)
    assert 1 <= span_s / found["step_s"] <= 400
