"""From a seeded evening to rows: the real log, real workers that crash, and the recount of the same log."""

import signal
from collections.abc import Sequence

from storage.event_log import INPUTS_TOPIC, Frame
from storage.store import Store
from tests.processors.pipeline import Pipeline, wait_until
from tests.truth.asked_store import learn_what_was_written
from tests.truth.evening import EveningFrame
from tests.truth.plain_lines import lines_of
from tests.truth.recount import Recount, recounted


def append(pipeline: Pipeline, frames: Sequence[EveningFrame]) -> None:
    pipeline.append_frames(Frame(INPUTS_TOPIC, each.partition, each.value, each.lines) for each in frames)


def store_undisturbed(pipeline: Pipeline) -> None:
    """Bring what is in the log to the store."""
    worker = pipeline.start_worker(leave_ended_leases=True)
    pipeline.wait_until_stored()
    assert worker.stop() == 0


def store_with_crashes(pipeline: Pipeline) -> None:
    """Bring the log to the store by workers that kill themselves: before an insert, after one, before they answer."""
    for crash in (("insert", "before", 2), ("insert", "after", 1), ("publish", "before", 2)):
        worker = pipeline.start_worker(leave_ended_leases=True, crash=crash)
        assert worker.wait() == -signal.SIGKILL, worker.printed
    assert pipeline.stored_inputs() < len(pipeline.places())
    store_undisturbed(pipeline)


def store_what_ended(pipeline: Pipeline) -> None:
    """Let a worker ask for what has ended, as workers do, until nothing is left to ask for."""
    worker = pipeline.start_worker()
    overdue = "SELECT count() FROM sessions WHERE closed_at IS NULL AND lease_ends_at < now64(3)"
    wait_until(lambda: pipeline.query(overdue) == [(0,)], "every lease that is over to be closed")
    pipeline.wait_until_stored()
    assert worker.stop() == 0


async def recount_of(pipeline: Pipeline, store: Store) -> Recount:
    """Return the log told again, with what the store alone knows."""
    lines = [
        line
        for record in pipeline.records(INPUTS_TOPIC)
        for line in lines_of(
            (record.partition, record.offset),
            record.appended_at_ms,
            record.value,
            pipeline.partitions,
            record.schema,
        )
    ]
    recount = recounted(lines)
    await learn_what_was_written(store, recount)
    return recount
