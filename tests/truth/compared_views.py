"""Every view of a store beside its recount."""

import itertools
from collections.abc import Callable
from typing import Any

from storage.store import Store
from tests.truth import views_of_facts, views_of_stays
from tests.truth.asked_store import asked
from tests.truth.recount import Recount
from tests.truth.views_of_stays import Row, counted

VIEWS: dict[str, Callable[[Recount, int], list[Row]]] = {
    "room_events": views_of_facts.room_events,
    "state_intervals": views_of_stays.state_intervals,
    "sessions": views_of_stays.sessions,
    "open_stays": views_of_stays.open_stays,
    "rooms": views_of_stays.rooms,
    "live_rooms": views_of_stays.live_rooms,
    "live_sessions": views_of_stays.live_sessions,
    "minute_stats": views_of_facts.minute_stats,
    "violations": views_of_facts.violations,
    "dead_letters": views_of_facts.dead_letters,
    "ledger": views_of_facts.ledger,
    "accounting": views_of_facts.accounting,
}
"""The recount of each view."""

NOT_RECOUNTED = {
    "room_events": {"judged_at", "inserted_at", "epoch", "session_number", "extra"},
    "live_sessions": {"session_number"},
}
"""Columns that the log does not tell: `check_numbers` and the ledger look at them."""

_SELECTED = {"dead_letters": "* REPLACE (hex(bytes) AS bytes)"}


async def check_views(store: Store, recount: Recount, now: int) -> None:
    """Every view has the recount's rows and no others."""
    for name, recounted in VIEWS.items():
        left_out = NOT_RECOUNTED.get(name, set())
        rows = await asked(store, f"SELECT {_SELECTED.get(name, '*')} FROM {name}")
        found = [comparable({key: row[key] for key in row if key not in left_out}) for row in rows]
        wanted = [comparable(row) for row in recounted(recount, now)]
        missing, surplus = counted(wanted) - counted(found), counted(found) - counted(wanted)
        assert not missing + surplus, f"{name}\nrecounted {list(missing)[:2]}\nanswered {list(surplus)[:2]}"


def comparable(row: Row) -> Row:
    """Return a row; what a parser says of a line that it can't read is its own."""
    is_unread = row.get("reason") == "not_an_input" and "detail" in row
    return row | {"detail": ""} if is_unread else row


async def check_numbers(store: Store) -> None:
    """Every opening has a number that increases in its partition, and a live session shows its own."""
    rows = await asked(
        store,
        "SELECT room_kind, room_id, session_id, opened_at, session_number, log_partition FROM room_events"
        " WHERE fact = 'session_opened' ORDER BY log_partition, log_offset, log_index",
    )
    for partition in {row["log_partition"] for row in rows}:
        numbers = [row["session_number"] for row in rows if row["log_partition"] == partition]
        assert all(before < after for before, after in itertools.pairwise(numbers))
    assert len({row["session_number"] for row in rows}) == len(rows)
    shown: dict[Any, int] = {_stay(row): row["session_number"] for row in rows}
    for row in await asked(store, "SELECT * FROM live_sessions"):
        assert row["session_number"] == shown[_stay(row)]


def _stay(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("room_kind", "room_id", "session_id", "opened_at"))
