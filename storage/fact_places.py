"""Where facts stand in the log, and the SQL that orders by it, begins behind it and ends at it.

In log order an input's answer (fact 0) follows its consequences.
"""

from typing import Any, Final, NamedTuple


class Place(NamedTuple):
    """Where a fact stands, as the columns of these names say it."""

    log_partition: int
    log_offset: int
    log_index: int
    fact_index: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


PLACE: Final = "(log_partition, log_offset, log_index, fact_index = 0, fact_index)"
"""What sorts rows in log order."""
AFTER: Final = """({log_partition:Int64}, {log_offset:Int64}, {log_index:Int64}, {fact_index:Int64} = 0,
    {fact_index:Int64})"""
UNTIL: Final = """({until_partition:Int64}, {until_offset:Int64}, {until_index:Int64}, {until_fact:Int64} = 0,
    {until_fact:Int64})"""

_BEGINNING: Final = Place(-1, 0, 0, 0)


def after_parameters(place: Place | None) -> dict[str, Any]:
    """Return the parameters of `AFTER`; None is before everything."""
    return (place or _BEGINNING)._asdict()


def until_parameters(place: Place) -> dict[str, Any]:
    """Return the parameters of `UNTIL`."""
    return dict(zip(("until_partition", "until_offset", "until_index", "until_fact"), place, strict=True))


def place_of(fact: dict[str, Any]) -> Place:
    """Return where a fact that was read stands."""
    return Place(fact["log_partition"], fact["log_offset"], fact["log_index"], fact["fact_index"])


def read_place(text: str) -> Place | None:
    """Return the place that reads so; empty: none."""
    return Place(*map(int, text.split("."))) if text else None
