"""The fence on a real broker and a real store: whoever comes too late, dies or is replaced, every row is there once."""

import asyncio
import signal

from processors.block import Block
from processors.effects import Effects, Patience
from processors.rows import rows_of
from processors.step import judge
from processors.taken import Taken, decode_slice
from processors.takeover import Takeover
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC
from storage.store import StaleEpoch, Store
from tests.processors.builders import RULES
from tests.processors.pipeline import PARTITIONS, Pipeline, wait_until
from tests.processors.talk import some_talk

EVERYTHING = "took over partitions 0, 1, 2, 3"


def test_a_worker_that_froze_before_its_insert_is_replaced_refused_and_works_on(kafka_pipeline: Pipeline) -> None:
    wanted = kafka_pipeline.folder / "freeze"
    frozen = kafka_pipeline.start_worker(freeze=str(wanted))
    frozen.wait_until_printed(EVERYTHING)
    kafka_pipeline.append(some_talk(1, now_ms()))
    kafka_pipeline.wait_until_stored()
    wanted.touch()
    kafka_pipeline.append(some_talk(2, now_ms()))
    frozen.wait_until_frozen()
    successor = kafka_pipeline.start_worker()
    successor.wait_until_printed(EVERYTHING)
    kafka_pipeline.wait_until_stored()
    kafka_pipeline.append(some_talk(3, now_ms()))
    frozen.thaw()
    frozen.wait_until_printed("another worker took a partition over")
    wait_until(lambda: frozen.printed.count("took over") == 2, f"it to join again: {frozen.printed}")
    kafka_pipeline.append(some_talk(4, now_ms()))
    kafka_pipeline.wait_until_stored()
    assert frozen.stop() == 0, frozen.printed
    assert successor.stop() == 0, successor.printed
    assert "gave up partitions 0, 1, 2, 3" in frozen.printed
    assert "another worker" not in successor.printed, "nobody took anything from the successor"
    kafka_pipeline.check()


async def test_of_two_that_take_the_same_partitions_over_at_the_same_moment_one_writes(
    kafka_pipeline: Pipeline,
) -> None:
    kafka_pipeline.append(some_talk(1, now_ms()))
    async with await Store.connect(kafka_pipeline.store_url) as store:
        outcomes = await asyncio.gather(
            *(_take_over_and_insert(store, kafka_pipeline, owner) for owner in ("one", "other")), return_exceptions=True
        )
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [StaleEpoch]
    kafka_pipeline.check_rows()


async def _take_over_and_insert(store: Store, pipeline: Pipeline, owner: str) -> None:
    """Do what a worker does with everything that is in the log, in one block."""
    patience = Patience()
    taken, _ = await Takeover(store, pipeline.log, RULES, owner, patience).take(frozenset(range(PARTITIONS)))
    block = Block()
    for number, held in taken.items():
        for record in pipeline.log.read(INPUTS_TOPIC, number, 0, 1 << 20):
            frame = Taken(number, record.offset, record.appended_at_ms, record.value, lambda: None)
            judge(decode_slice(frame, 0, 1 << 20), held, PARTITIONS, RULES, block)
    rows = rows_of(block, {number: held.epoch for number, held in taken.items()}, now_ms())
    await asyncio.sleep(0.2)  # both have taken over by now
    await Effects(store, pipeline.log, patience).insert(rows)


def test_a_rebalance_waits_for_the_batch_that_is_in_flight(kafka_pipeline: Pipeline) -> None:
    slow = kafka_pipeline.start_worker(slow_insert_s=1.5)
    slow.wait_until_printed(EVERYTHING)
    kafka_pipeline.append(some_talk(1, now_ms()))
    other = kafka_pipeline.start_worker()
    other.wait_until_printed("took over")
    wait_until(
        lambda: -1 < slow.printed.find("gave up") < slow.printed.rfind("took over"),
        f"the slow one to give up and take over its share: {slow.printed}",
    )
    kafka_pipeline.append(some_talk(2, now_ms()))
    kafka_pipeline.wait_until_stored()
    assert slow.stop() == 0, slow.printed
    assert other.stop() == 0, other.printed
    assert "another worker" not in slow.printed + other.printed
    kafka_pipeline.check()


def test_a_worker_may_be_killed_between_any_two_effects(kafka_pipeline: Pipeline) -> None:
    gaps = [("insert", "before", 1), ("insert", "after", 1), ("publish", "after", 2), ("ack", "after", 1)]
    for number, gap in enumerate(gaps):
        kafka_pipeline.append(some_talk(number, now_ms()))
        assert kafka_pipeline.start_worker(crash=gap).wait() == -signal.SIGKILL
    kafka_pipeline.append(some_talk(9, now_ms()))
    last = kafka_pipeline.start_worker()
    kafka_pipeline.wait_until_stored()
    assert last.stop() == 0, last.printed
    kafka_pipeline.check()
