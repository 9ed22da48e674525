"""One evening, posted over HTTP, from the SQLite log and from a Kafka log: the same rows, verdicts and views."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from storage.event_log import INPUTS_TOPIC, EventLog, Frame
from storage.open_log import open_log
from tests.fixtures_store import EmbeddedStore
from tests.roomstate.running_up import RunningUp

PARTITIONS = 8
OF_THE_WRITER = "judged_at, inserted_at, epoch"
"""What a second judging of the same log may say anew."""
VIEWS = ("sessions", "state_intervals", "live_sessions", "dead_letters", "accounting")
READ_BYTES = 1 << 20


@contextmanager
def running(folder: Path, log_url: str, store_url: str, **settings: str) -> Iterator[RunningUp]:
    folder.mkdir()
    patience = {"decision_timeout_ms": "30000", "log_timeout_ms": "30000"}
    up = RunningUp(folder, log_url=log_url, store_url=store_url, partitions=str(PARTITIONS), **patience, **settings)
    try:
        yield up.wait_until_ready()
        assert up.end() == 0, up.log
    finally:
        up.end(signal.SIGKILL)


def frames(log: EventLog) -> Iterator[Frame]:
    for partition, bounds in log.bounds(INPUTS_TOPIC).items():
        offset = bounds.start
        while offset < bounds.end:
            for record in log.read(INPUTS_TOPIC, partition, offset, READ_BYTES):
                yield Frame(record.topic, partition, record.value, record.lines)
                offset = record.offset + 1


def differing(store: EmbeddedStore, columns: str, table: str, one: str, other: str) -> list[str]:
    """Return some of the rows that one of the databases has and the other has not."""
    found = []
    for left, right in ((one, other), (other, one)):
        only = f"SELECT {columns} FROM {left}.{table} EXCEPT ALL SELECT {columns} FROM {right}.{table}"
        sql = f"SELECT * FROM ({only}) LIMIT 3 FORMAT TSV"
        found += store.run(sql).decode().splitlines()
    return found


@pytest.mark.timeout(300)
def test_both_logs_give_the_same(kafka_url: str, embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    sqlite_url = f"sqlite://{tmp_path / 'log.db'}"
    with running(tmp_path / "one", sqlite_url, embedded_store.url("evening_sqlite")) as up:
        assert up.command("replay", "--speed", "0", "--url", up.url).returncode == 0
        evening = ("--calls", "30", "--rate", "6000", "--speed", "100", "--seed", "7", "--misbehaving", "0.3")
        assert up.command("simulate", *evening, "--url", up.url).returncode == 0
        assert up.account()["balanced"]
    with closing(open_log(sqlite_url, PARTITIONS)) as log, closing(open_log(kafka_url, PARTITIONS)) as kafka_log:
        kafka_log.append(list(frames(log)), 30.0)
    secrets = {"secret": "s", "api_token": "t", "processors": "2"}
    with running(tmp_path / "other", kafka_url, embedded_store.url("evening_kafka"), **secrets) as up:
        assert up.account()["balanced"]
    databases = ("evening_sqlite", "evening_kafka")
    rows = [int(embedded_store.run(f"SELECT count() FROM {database}.room_events")) for database in databases]
    assert rows[0] == rows[1] > 500
    assert int(embedded_store.run("SELECT uniqExact(verdict) FROM evening_kafka.room_events WHERE verdict != ''")) >= 6
    assert differing(embedded_store, f"* EXCEPT ({OF_THE_WRITER})", "room_events", *databases) == []
    for view in VIEWS:
        assert differing(embedded_store, "*", view, *databases) == [], view
