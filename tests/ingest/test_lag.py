"""What /metrics and /readyz say of the distance between log and store, also when one of them is away."""

import asyncio
import time
from pathlib import Path

from ingest.lag import LagWatch
from ingest.store_gate import StoreGate
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame
from storage.lag import Tail, all_tails, read_tails
from storage.sqlite_log import SqliteLog
from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import served, settings_for
from tests.ingest.whole_pipeline import fresh_database

PARTITIONS = 4


def appended(log: SqliteLog, partition: int, frames: int, lines: int, size_bytes: int = 10) -> None:
    value = b"\n".join([b"x" * size_bytes] * lines)
    log.append([Frame(INPUTS_TOPIC, partition, value, lines)] * frames, 10.0)


def tail(log: SqliteLog, partition: int, mark: int, later_ms: int = 0) -> Tail:
    return read_tails(log, log.bounds(INPUTS_TOPIC), {partition: mark}, now_ms() + later_ms)[partition]


def test_a_short_tail_is_counted_exactly(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    appended(log, 1, frames=3, lines=5)
    appended(log, 1, frames=1, lines=2)
    assert tail(log, 1, -1, 5000)[:2] == (4, 17)
    assert 5000 <= tail(log, 1, -1, 5000).age_ms < 20_000
    assert tail(log, 1, 2)[:2] == (1, 2)
    assert tail(log, 1, 3) == tail(log, 0, -1) == Tail()
    log.close()


def test_a_long_tail_is_estimated_from_all_of_it_and_soon(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    appended(log, 2, frames=1000, lines=1)
    appended(log, 2, frames=2000, lines=40)
    begun_s = time.monotonic()
    found = tail(log, 2, -1)
    assert time.monotonic() - begun_s < 0.5
    assert found.frames == 3000
    assert 0.5 * 81_000 < found.inputs < 1.5 * 81_000
    log.close()


def test_partitions_are_summed_and_the_oldest_counts() -> None:
    assert all_tails([Tail(1, 2, 30), Tail(), Tail(4, 5, 6)]) == Tail(5, 7, 30)
    assert all_tails([]) == Tail()


def values_of(page: str) -> dict[str, float]:
    pairs = (line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    return {
        name: float(value) for name, value in pairs if name.startswith(("roomstate_l", "roomstate_st", "roomstate_r"))
    }


def test_the_lag_is_told_in_frames_inputs_and_seconds(tmp_path: Path, embedded_store: EmbeddedStore) -> None:
    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    with fresh_database(embedded_store) as url, served(settings_for(tmp_path), log, StoreGate.to(url)) as server:
        appended(log, 3, frames=2, lines=5)
        time.sleep(0.2)
        values = values_of(server.http.get("/metrics").text)
        assert values['roomstate_lag_frames{partition="3"}'] == 2
        assert values['roomstate_lag_inputs{partition="3"}'] == 10
        assert 0.2 <= values['roomstate_lag_seconds{partition="3"}'] < 20
        assert values['roomstate_lag_frames{partition="0"}'] == 0
        assert values['roomstate_log_end_offset{partition="3"}'] == 2
        assert values['roomstate_stored_offset{partition="3"}'] == -1
        assert values['roomstate_reachable{part="store"}'] == 1
        assert values['roomstate_reachable{part="processor"}'] == 0
        ready = server.http.get("/readyz").json()
        assert (ready["ready"], ready["missing"], ready["store"]) == (False, ["processor"], "ok")
        assert (ready["lag"]["frames"], ready["lag"]["inputs"]) == (2, 10)
    log.close()


def test_what_only_the_store_knows_is_left_out_while_it_is_away(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    appended(log, 3, frames=2, lines=5)
    with served(settings_for(tmp_path), log) as server:
        values = values_of(server.http.get("/metrics").text)
        assert values['roomstate_log_end_offset{partition="3"}'] == 2
        assert values['roomstate_reachable{part="store"}'] == 0
        assert not [name for name in values if name.startswith(("roomstate_lag", "roomstate_stored"))]
        assert server.http.get("/readyz").json()["lag"] is None
    log.close()


async def test_a_store_that_keeps_silent_is_waited_for_once(tmp_path: Path) -> None:
    async def silent() -> Store:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits so long")

    log = SqliteLog(tmp_path / "log.db", PARTITIONS)
    watch = LagWatch(log, StoreGate(silent))
    begun_s = time.monotonic()
    await watch.look()
    first_s = time.monotonic() - begun_s
    assert watch.troubles["store"] == "no answer in time"
    assert watch.troubles["log"] == ""
    await asyncio.sleep(0.6)
    begun_s = time.monotonic()
    await watch.look()
    assert time.monotonic() - begun_s < first_s / 2
    assert watch.troubles["store"] == "no answer in time"
    log.close()
