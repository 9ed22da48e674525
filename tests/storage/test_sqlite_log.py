"""The SQLite engine keeps the port's promises, and recognises what is no log of its own."""

import contextlib
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Bounds, Frame, LogMismatch, LogUnavailable
from storage.open_log import open_log
from storage.sqlite_log import SqliteLog
from storage.sqlite_log_trim import STEP_FRAMES
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, EventLogContract, OpenAgain, append, frame, read_all


class TestSqliteLog(EventLogContract):
    @pytest.fixture
    def open_again(self, tmp_path: Path) -> Iterator[OpenAgain]:
        opened: list[SqliteLog] = []

        def open_one(partitions: int = PARTITIONS) -> SqliteLog:
            opened.append(SqliteLog(tmp_path / "folder" / "log.db", partitions))
            return opened[-1]

        yield open_one
        for log in opened:
            log.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def test_two_logs_have_two_ids(tmp_path: Path) -> None:
    first, second = SqliteLog(tmp_path / "1.db", 1), SqliteLog(tmp_path / "2.db", 1)
    assert first.log_id != second.log_id
    first.close()
    second.close()


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"these are somebody's notes\n" * 100)
    with pytest.raises(LogMismatch, match="no Roomstate log"):
        SqliteLog(path, PARTITIONS)
    assert path.read_bytes() == b"these are somebody's notes\n" * 100


def test_another_program_s_database_is_refused_and_left_alone(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(LogMismatch, match="no Roomstate log"):
        SqliteLog(path, PARTITIONS)
    assert path.read_bytes() == before


def test_a_log_of_another_schema_is_refused(path: Path) -> None:
    SqliteLog(path, PARTITIONS).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LogMismatch, match="schema 99"):
        SqliteLog(path, PARTITIONS)


def test_only_its_owner_may_read_it(path: Path) -> None:
    log = SqliteLog(path, 2)
    log.append([Frame(INPUTS_TOPIC, 0, b"{}", 1)], 5.0)
    modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    log.close()
    assert path.name in modes
    assert set(modes.values()) <= {0o600, 0o700}, modes


def test_an_empty_file_becomes_a_log(path: Path) -> None:
    path.touch()
    log = SqliteLog(path, PARTITIONS)
    assert append(log, "a") == [0]
    log.close()


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LogUnavailable, match="folder cannot be made"):
        SqliteLog(tmp_path / "file" / "below" / "log.db", PARTITIONS)
    with pytest.raises(LogUnavailable, match="cannot be"):
        SqliteLog(Path("/proc/roomstate/log.db"), PARTITIONS)


def test_processes_that_make_the_log_at_once_agree_on_it(path: Path) -> None:
    code = "import sys; from storage.sqlite_log import SqliteLog; print(SqliteLog(sys.argv[1], 4).log_id)"
    makers = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    said = {maker.communicate(timeout=60)[0] for maker in makers}
    assert len(said) == 1
    log = SqliteLog(path, 4)
    assert said == {log.log_id + "\n"}
    log.close()


def test_a_url_opens_the_file_that_it_names(tmp_path: Path) -> None:
    log = open_log(f"sqlite://{tmp_path}/with%20space.db", 2)
    assert (tmp_path / "with space.db").exists()
    assert log.partitions == 2
    log.close()


@pytest.mark.parametrize("url", ["", "log.db", "mysql:///x", "sqlite://host/log.db", "sqlite:log.db", "sqlite:///tmp/"])
def test_a_url_that_names_no_log_is_refused(url: str) -> None:
    with pytest.raises(LogMismatch, match="sqlite:///"):
        open_log(url, 2)


def test_trimming_in_several_steps_stops_at_the_first_young_frame(path: Path) -> None:
    log = SqliteLog(path, 1)
    count = STEP_FRAMES * 2 + 7
    log.append([frame() for _ in range(count)], TIMEOUT_S)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE frames SET appended_at_ms = ? WHERE offset >= ?", (now_ms() + 10**9, count - 5))
    assert log.trim(INPUTS_TOPIC, {0: count}, now_ms() + 1) == count - 5
    assert log.bounds(INPUTS_TOPIC) == {0: Bounds(count - 5, count)}
    assert [record.offset for record in read_all(log)] == list(range(count - 5, count))
    log.close()


def test_room_that_trimming_freed_is_used_again(path: Path) -> None:
    log = SqliteLog(path, 1)

    def fill_and_trim() -> None:
        for _ in range(20):
            log.append([frame(b"x" * 100_000) for _ in range(5)], TIMEOUT_S)
        log.trim(INPUTS_TOPIC, {0: log.bounds(INPUTS_TOPIC)[0].end}, now_ms() + 1)

    fill_and_trim()
    first_bytes = path.stat().st_size
    for _ in range(4):
        fill_and_trim()
    assert path.stat().st_size < first_bytes * 2
    log.close()


def test_offsets_that_a_group_committed_are_kept_apart_by_group_and_topic(path: Path) -> None:
    log = SqliteLog(path, PARTITIONS)
    log.commit("group", INPUTS_TOPIC, {0: 5, 1: 7})
    log.commit("group", INPUTS_TOPIC, {0: 6})
    log.commit("other", INPUTS_TOPIC, {0: 1})
    log.close()
    log = SqliteLog(path, PARTITIONS)
    assert log.committed("group", INPUTS_TOPIC) == {0: 6, 1: 7}
    assert log.committed("other", INPUTS_TOPIC) == {0: 1}
    assert log.committed("nobody", INPUTS_TOPIC) == {}
    log.close()
