"""`roomstate chaos` as a whole: it finds nothing where nothing is wrong, and names what was done behind its back."""

import signal
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roomstate.chaos.faults import FAULTS
from roomstate.commands.breaking import HELP
from tests.fixtures_kafka import require_kafka
from tests.roomstate.running_chaos import RunningChaos
from tests.roomstate.running_up import until

QUICK = ("kill processor", "insert cut after", "log disk full", "kill ingest")


Start = Callable[..., RunningChaos]


@pytest.fixture
def chaos(tmp_path: Path) -> Iterator[Start]:
    """Start a run with the options; it is over when the test is."""
    started: list[RunningChaos] = []

    def start(*options: str) -> RunningChaos:
        started.append(RunningChaos(tmp_path, *options))
        return started[-1]

    yield start
    for run in started:
        run.end(signal.SIGKILL)


def only(*names: str) -> list[str]:
    """Return the options that draw from these faults alone."""
    return [word for name in names for word in ("--fault", name)]


def behind_its_back(begin: dict[str, Any], sql: str) -> str:
    """Run a statement as the store's writing user, as no part of the pipeline would."""
    password = (Path(begin["folder"]) / "data" / "store.password").read_text().strip()
    headers = {"X-ClickHouse-User": "roomstate", "X-ClickHouse-Key": password, "X-ClickHouse-Database": "roomstate"}
    request = urllib.request.Request(begin["store"], sql.encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


def place_of_a_stored(begin: dict[str, Any], kind: str) -> tuple[str, str, str, str]:
    """Return partition, offset, index and mark of some input of that kind."""
    sql = "SELECT log_partition, log_offset, log_index, user_agent FROM room_events WHERE fact_index = 0"
    found = behind_its_back(begin, f"{sql} AND kind = '{kind}' AND user_agent LIKE 'chaos/1/%' LIMIT 1 FORMAT TSV")
    partition, offset, index, mark = found.split()
    return partition, offset, index, mark


def test_nothing_is_lost_or_doubled(chaos: Start) -> None:
    run = chaos("--rounds", "4", "--seed", "short", *only(*QUICK))
    begin, *rounds, end = run.lines_to_end()
    assert run.end() == 0, (rounds[-1]["wrong"], run.error_path.read_text())
    assert begin["begin"]["seed"] == "short"
    assert {fault for played in rounds for fault in played["faults"]} == set(QUICK)
    for played in rounds:
        assert played["wrong"] == []
        assert (played["lost"], played["doubled"], played["broken"], played["pending"]) == (0, 0, 0, 0)
        assert played["verified"]
        assert played["balanced"]
        assert played["inputs"]["accepted"] > 20
    assert end["end"]["rounds"] == 4
    assert rounds[-1]["stored"] >= end["end"]["inputs"]["accepted"] == sum(one["inputs"]["accepted"] for one in rounds)
    assert not Path(begin["begin"]["folder"]).exists()
    assert run.parts_left() == []


@pytest.mark.timeout(240)
def test_nothing_is_lost_or_doubled_on_kafka(chaos: Start) -> None:
    require_kafka()
    faults = ("kill broker", "freeze processor", "kill ingest", "kill processor")
    *_, end = run = chaos("--kafka", "--rounds", "3", "--seed", "short", *only(*faults)).lines_to_end()
    assert [played["wrong"] for played in run[1:-1]] == [[]] * 3
    assert end["end"]["inputs"]["accepted"] > 60


def test_a_fault_that_there_is_not_is_refused(chaos: Start) -> None:
    run = chaos("--fault", "earthquake")
    assert run.end() == 2
    assert "earthquake" in run.error_path.read_text()
    assert "kill store" in run.error_path.read_text()


def test_its_help_names_every_fault() -> None:
    assert [fault.name for fault in FAULTS if fault.name not in " ".join(HELP)] == []


def test_a_row_that_vanished_and_one_that_came_twice_are_named(chaos: Start) -> None:
    run = chaos("--rounds", "20", *only("insert cut before"))
    begin = run.line()["begin"]
    assert run.line()["wrong"] == []
    lost_partition, lost_offset, lost_index, lost_mark = place_of_a_stored(begin, "status")
    place = f"log_partition = {lost_partition} AND log_offset = {lost_offset} AND log_index = {lost_index}"
    behind_its_back(begin, f"ALTER TABLE room_events DELETE WHERE {place} SETTINGS mutations_sync = 2")
    partition, offset, index, mark = place_of_a_stored(begin, "open")
    place = f"log_partition = {partition} AND log_offset = {offset} AND log_index = {index}"
    behind_its_back(begin, f"INSERT INTO room_events SELECT * FROM room_events WHERE {place}")
    *_, found, end = run.lines_to_end()
    assert run.end() == 1
    assert found["lost"] > 0
    assert found["doubled"] > 0
    told = "\n".join(found["wrong"])
    for thing in (
        f"lost: {lost_mark} (status",
        f"missing: partition {lost_partition}, offsets {lost_offset},",
        f"doubled: {mark} (open",
    ):
        assert thing in told
    kept = Path(end["end"]["kept"])
    assert (kept / "logs" / "processor.log").stat().st_size > 0
    assert lost_mark in (kept / "posts.jsonl").read_text()
    assert run.parts_left() == []


def test_an_interruption_leaves_nothing_running(chaos: Start) -> None:
    run = chaos("--rounds", "5", *only("freeze processor"))
    begin = run.line()["begin"]
    assert len(run.parts()) >= 3
    run.process.send_signal(signal.SIGINT)
    assert "end" in run.lines_to_end()[-1]
    assert run.end() == 130
    assert run.parts_left() == []
    assert not Path(begin["folder"]).exists()


def test_killed_itself_it_leaves_nothing_running_not_even_what_is_frozen(chaos: Start) -> None:
    run = chaos("--rounds", "5", *only("freeze store"))
    run.line()
    until(lambda: any(is_frozen(pid) for pid in run.parts()), 20.0, lambda: "nothing was frozen")
    run.end(signal.SIGKILL)
    assert run.parts_left() == []


def is_frozen(pid: int) -> bool:
    """Tell whether the process is suspended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return False
