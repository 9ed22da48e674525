"""A day that is over is packed closer, whether the retention is set or not; today's is not."""

from storage.clock import now_ms
from storage.migrate import migrate
from storage.retention import retention_days
from storage.store import Store
from tests.storage.stays_of_days import put_stay, wait_for_rows

_DAY_MS = 86_400_000
_CODECS = """
SELECT default_compression_codec, sum(rows)
FROM system.parts WHERE active AND database = currentDatabase() AND table = 'room_events'
GROUP BY 1 ORDER BY 1"""
_PROJECTIONS = """
SELECT uniqExact(name) = (SELECT count() FROM system.projections
    WHERE database = currentDatabase() AND table = 'room_events')
FROM system.projection_parts WHERE active AND database = currentDatabase() AND table = 'room_events'"""
_OWN_CODECS = """
SELECT name, compression_codec
FROM system.columns
WHERE database = currentDatabase() AND table = 'room_events' AND compression_codec != ''
    AND compression_codec NOT LIKE '%Default%'"""


async def test_a_day_that_is_over_is_packed_closer_than_today(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        today_ms = now_ms()
        await put_stay(store, "old", today_ms - 2 * _DAY_MS, 0)
        await put_stay(store, "new", today_ms, 10)
        await wait_for_rows(store, _CODECS, [("ZSTD(15)", 2), ("ZSTD(3)", 2)])
        await store.command("OPTIMIZE TABLE room_events FINAL")
        assert await store.rows(_CODECS) == [("ZSTD(15)", 2), ("ZSTD(3)", 2)]


async def test_no_column_is_left_out_when_a_day_is_packed(store_database: str) -> None:
    """A column with a codec of its own, whatever it is, keeps it when its day is over."""
    async with await Store.connect(store_database) as store:
        assert await store.rows(_OWN_CODECS) == []


async def test_the_store_packs_days_that_were_written_before_it_knew_how(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await store.command("ALTER TABLE room_events MODIFY TTL toDate(judged_at) + INTERVAL 30 DAY")
        await put_stay(store, "s", now_ms() - 2 * _DAY_MS, 0)
        assert await store.rows(_CODECS) == [("ZSTD(3)", 2)]
        await migrate(store_database, retention_days=30)
        await wait_for_rows(store, _CODECS, [("ZSTD(15)", 2)])
        assert await retention_days(store) == 30
        assert len(await store.rows("SELECT * FROM sessions WHERE closed_at IS NOT NULL")) == 1
        assert await store.rows(_PROJECTIONS) == [(1,)]


async def test_a_day_is_packed_whatever_the_retention(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        for number, days in enumerate((0, 30, 7, 0)):
            await migrate(store_database, retention_days=days)
            await put_stay(store, f"s{number}", now_ms() - (2 + number) * _DAY_MS, 10 * number)
            assert await retention_days(store) == days
            await wait_for_rows(store, _CODECS, [("ZSTD(15)", 2 * number + 2)])
