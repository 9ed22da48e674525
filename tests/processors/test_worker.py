"""The worker as it runs: a real process between the real log and the real store."""

from pathlib import Path

from state_machine.inputs import Input
from storage.clock import now_ms
from storage.migrate import migrate
from tests.processors.builders import command, status
from tests.processors.pipeline import Pipeline, run_apart, wait_until


def some_calls(count: int, received_at_ms: int) -> list[Input]:
    """Return calls of two in rooms of their own: opened, talking, one leaving."""
    items = []
    for number in range(count):
        room, at = f"room {number}", received_at_ms + number
        for session in ("a", "b"):
            items += [
                command("open", room, session, received_at_ms=at, id=f"{room}/{session}", user=session),
                status(room, session, received_at_ms=at),
                status(room, session, received_at_ms=at, state="starting", connections=2),
            ]
        items.append(command("close", room, "a", received_at_ms=at, id=f"{room}/leave"))
    return items


def test_what_is_in_the_log_gets_into_the_store_and_what_was_asked_is_answered(pipeline: Pipeline) -> None:
    pipeline.append(some_calls(20, now_ms()))
    worker = pipeline.start_worker()
    pipeline.wait_until_stored()
    wait_until(lambda: len(pipeline.decisions()) >= 60, "60 decisions")
    pipeline.append(some_calls(3, now_ms()))
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()


def test_a_stopped_worker_leaves_nothing_that_it_took_unstored(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker()
    worker.wait_until_printed("took over")
    for _ in range(5):
        pipeline.append(some_calls(30, now_ms()))
    assert worker.stop() == 0, worker.printed
    assert "not stored yet" not in worker.printed
    pipeline.start_worker()
    pipeline.wait_until_stored()
    pipeline.check()


def test_a_standby_takes_over_as_soon_as_the_worker_is_killed(pipeline: Pipeline) -> None:
    pipeline.append(some_calls(10, now_ms()))
    first = pipeline.start_worker()
    pipeline.wait_until_stored()
    second = pipeline.start_worker()
    second.wait_until_printed("standing by")
    pipeline.append(some_calls(10, now_ms()))
    first.kill()
    pipeline.append(some_calls(10, now_ms()))
    pipeline.wait_until_stored()
    assert second.stop() == 0, second.printed
    pipeline.check()


def test_a_worker_waits_for_a_store_that_is_not_there_yet(pipeline: Pipeline) -> None:
    nobody = "http://nobody:secret@127.0.0.1:9/nothing"
    worker = pipeline.start_worker(store_url=nobody)
    worker.wait_until_printed("waiting for the store")
    assert "secret" not in worker.printed
    assert worker.stop() == 0


def test_a_worker_waits_for_the_schema(tmp_path: Path, empty_database: str) -> None:
    made = Pipeline(tmp_path, empty_database)
    worker = made.start_worker()
    worker.wait_until_printed("waiting for the store")
    made.append(some_calls(2, now_ms()))
    run_apart(migrate(empty_database))
    made.wait_until_stored()
    assert worker.stop() == 0
    made.check()
    made.close()


def test_a_worker_leaves_no_files_behind(pipeline: Pipeline, tmp_path: Path) -> None:
    before = set(Path.cwd().iterdir())
    worker = pipeline.start_worker()
    worker.wait_until_printed("took over")
    assert worker.stop() == 0
    assert set(Path.cwd().iterdir()) == before
    assert not [path for path in tmp_path.rglob("*") if "faust" in path.name]


def test_a_lease_that_ends_closes_its_session_at_that_time(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker(settings={"participant_ttl_s": 1})
    worker.wait_until_printed("took over")
    opened_at_ms = now_ms()
    pipeline.append([command("open", session="a", received_at_ms=opened_at_ms, id="i")])
    closed = "SELECT toUnixTimestamp64Milli(at), reason, kind FROM room_events WHERE fact = 'session_closed'"
    wait_until(lambda: bool(pipeline.query(closed)), "the session to be closed")
    assert pipeline.query(closed) == [(opened_at_ms + 1000, "expired", "expire")]
    assert worker.stop() == 0
    assert [decision.fact for decision in pipeline.decisions()] == ["session_opened", "session_closed"]
