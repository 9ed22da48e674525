"""What a store answers, as plain rows: times in milliseconds, and what its writers chose."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from storage.store import Store
from tests.truth.recount import Recount, Written
from tests.truth.told import Place
from tests.truth.views_of_stays import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(value: Any) -> Any:
    """Return a value as a recount has it."""
    if isinstance(value, datetime):
        since = (value if value.tzinfo else value.replace(tzinfo=UTC)) - _EPOCH
        return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value


async def asked(store: Store, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """Return the answer's rows by column name, in their order."""
    rows = await store.dicts(sql, parameters or {})
    return [{name: plain(value) for name, value in row.items()} for row in rows]


async def learn_what_was_written(store: Store, recount: Recount) -> None:
    """Take from the store's own table what the log does not know."""
    rows = await asked(
        store,
        "SELECT DISTINCT log_partition, log_offset, log_index, judged_at, inserted_at, epoch FROM room_events",
    )
    written: dict[Place, Written] = {}
    for row in rows:
        place = (row["log_partition"], row["log_offset"], row["log_index"])
        assert place not in written, f"{place} was stored by several inserts"
        written[place] = Written(row["judged_at"], row["inserted_at"], row["epoch"])
    recount.written = written
    recount.takeovers = [
        (row["claimed_at"], row["owner"], row["log_partition"], row["epoch"])
        for row in await asked(store, "SELECT claimed_at, owner, log_partition, epoch FROM owners")
    ]
