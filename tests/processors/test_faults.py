"""Faults in the middle of the work: whatever happens, every input is stored once and every answer is published."""

import signal

import pytest

from roomstate.chaos.store_proxy import InsertFault
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame
from storage.frames import FRAME_BYTES_MAX, INPUT_BYTES_MAX
from storage.ownership import claim
from storage.store import Store
from tests.fixtures_store import EmbeddedStore
from tests.processors.pipeline import Pipeline, run_apart, wait_until
from tests.processors.store_proxy import ThreadedStoreProxy
from tests.processors.talk import some_talk


@pytest.mark.parametrize(
    ("effect", "when"),
    [("insert", "before"), ("insert", "after"), ("publish", "after"), ("ack", "after")],
    ids=["before the insert", "between insert and publication", "between publication and ack", "after the ack"],
)
def test_a_worker_may_stop_between_any_two_effects(pipeline: Pipeline, effect: str, when: str) -> None:
    pipeline.append(some_talk(1, now_ms()))
    first = pipeline.start_worker()
    pipeline.wait_until_stored()
    assert first.stop() == 0
    pipeline.append(some_talk(2, now_ms()))
    stored_before = pipeline.stored_inputs()
    crashing = pipeline.start_worker(crash=[effect, when, 1 if effect != "publish" else 2])
    assert crashing.wait() == -signal.SIGKILL
    assert (pipeline.stored_inputs() > stored_before) == ((effect, when) != ("insert", "before"))
    pipeline.append(some_talk(3, now_ms()))
    last = pipeline.start_worker()
    pipeline.wait_until_stored()
    assert last.stop() == 0, last.printed
    pipeline.check()


def test_a_worker_whose_epoch_is_stale_asks_again_and_stores_nothing_twice(pipeline: Pipeline) -> None:
    pipeline.append(some_talk(1, now_ms()))
    worker = pipeline.start_worker()
    pipeline.wait_until_stored()

    async def take_away() -> None:
        async with await Store.connect(pipeline.store_url) as store:
            await claim(store, [0, 1, 2, 3], "somebody else", pipeline.log.log_id, now_ms())

    run_apart(take_away())
    pipeline.append(some_talk(2, now_ms()))
    worker.wait_until_printed("another worker took a partition over")
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()


@pytest.mark.parametrize("fault", list(InsertFault))
def test_an_insert_whose_outcome_is_unknown_is_stored_once(pipeline: Pipeline, fault: InsertFault) -> None:
    with ThreadedStoreProxy(pipeline.store_url).running() as proxy:
        pipeline.append(some_talk(1, now_ms()))
        worker = pipeline.start_worker(store_url=proxy.url, store_timeout_s=3)
        pipeline.wait_until_stored()
        for number in (2, 3):
            proxy.break_next(fault)
            pipeline.append(some_talk(number, now_ms()))
            pipeline.wait_until_stored()
        wait_until(lambda: proxy.faults_done == 2, "both faults")
        pipeline.append(some_talk(4, now_ms()))
        pipeline.wait_until_stored()
        assert worker.stop() == 0, worker.printed
    assert "taking over again" in worker.printed
    pipeline.check()


def test_a_store_that_is_killed_while_draining_gets_everything_once(
    pipeline: Pipeline, embedded_store: EmbeddedStore
) -> None:
    worker = pipeline.start_worker()
    worker.wait_until_printed("took over")
    for round_number in range(3):
        for number in range(6):
            pipeline.append(some_talk(10 * round_number + number, now_ms()))
        embedded_store.kill()
        try:
            pipeline.append(some_talk(100 + round_number, now_ms()))
        finally:
            embedded_store.start()
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()


def test_what_is_no_frame_becomes_dead_letters_and_stops_nobody(pipeline: Pipeline) -> None:
    good = b'{"kind":"status","received_at_ms":%d,"room":"room 1","session":"s","state":"waiting"}' % now_ms()
    values = [
        b"",
        b"\n\n",
        b"\x00\xff garbage \xfe",
        good[:-9],
        good + b"\n" + good[:40],
        b"x" * (INPUT_BYTES_MAX + 1),
        b"\n".join([b"y" * 1000] * (2 * FRAME_BYTES_MAX // 1000)),
        b"\n" * 40_000,
        b"[" * 5_000,
        good.replace(b'"s"', b'"\\ud800"'),
    ]
    frames = [Frame(INPUTS_TOPIC, number, value, 1) for value in values for number in range(pipeline.partitions)]
    pipeline.append(some_talk(1, now_ms()))
    pipeline.append_frames(frames)
    pipeline.append(some_talk(2, now_ms()))
    worker = pipeline.start_worker()
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()
    dead = "SELECT countIf(fact = 'dead_letter'), countIf(fact_index = 0) FROM room_events"
    [(dead_lettered, answered)] = pipeline.query(dead)
    assert dead_lettered > 160_000
    assert answered == len(pipeline.places())


def test_a_frame_larger_than_a_block_goes_on_where_a_killed_worker_stopped(pipeline: Pipeline) -> None:
    pipeline.append_frames([Frame(INPUTS_TOPIC, 1, b"\n" * 50_000, 0)])
    crashing = pipeline.start_worker(crash=["insert", "after", 2])
    assert crashing.wait() == -signal.SIGKILL
    stored = pipeline.stored_inputs()
    assert 0 < stored < 50_001
    worker = pipeline.start_worker()
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()


def test_a_partition_that_lost_its_end_stands_still_and_says_so(pipeline: Pipeline) -> None:
    pipeline.append(some_talk(1, now_ms()))
    worker = pipeline.start_worker()
    pipeline.wait_until_stored()
    assert worker.stop() == 0
    mark = f"INSERT INTO owners SELECT 2, {1 << 62}, 'test', '{pipeline.log.log_id}', now64(3), 1000, 0, 0, 0"
    run_apart(_command(pipeline.store_url, mark))
    before = pipeline.stored_inputs()
    again = pipeline.start_worker()
    pipeline.append(some_talk(2, now_ms()))
    again.wait_until_printed("partition 2 stands still")
    others = sum(1 for number, _, _ in pipeline.places() if number != 2)
    wait_until(
        lambda: (
            pipeline.query("SELECT countIf(fact_index = 0) FROM room_events WHERE log_partition != 2") == [(others,)]
        ),
        "the other partitions",
    )
    assert "offset 1000" in again.printed
    assert again.stop() == 0, again.printed
    assert pipeline.stored_inputs() > before


def test_a_frame_that_never_came_is_read_again(pipeline: Pipeline) -> None:
    worker = pipeline.start_worker(lose_frame=6)
    worker.wait_until_printed("took over")
    for number in range(5):
        pipeline.append(some_talk(number, now_ms()))
    worker.wait_until_printed("seeking there")
    pipeline.wait_until_stored()
    assert worker.stop() == 0, worker.printed
    pipeline.check()


async def _command(store_url: str, sql: str) -> None:
    async with await Store.connect(store_url) as store:
        await store.command(sql)


def test_a_store_of_another_log_is_refused(pipeline: Pipeline) -> None:
    claimed = "INSERT INTO owners SELECT 0, 1, 'test', 'another log', now64(3), -1, 0, 0, 0"
    run_apart(_command(pipeline.store_url, claimed))
    worker = pipeline.start_worker()
    assert worker.wait() == 1
    assert "the store holds facts of log another log" in worker.printed
