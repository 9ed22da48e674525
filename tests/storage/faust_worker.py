"""A Faust app on a SQLite log for tests, in this process or as a process of its own.

As a process: `python -m tests.storage.faust_worker LOG [CHECKPOINT]` prints `ready`, then one line
`<partition> <offset>` for each frame it was given. With a checkpoint (a file of such lines, the stand-in of the store)
it continues behind what the file holds, and a frame is in the file before its line is printed.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import faust

from storage.checkpoint import Checkpoint
from storage.event_log import INPUTS_TOPIC, PROCESSOR_GROUP, Record

PARTITIONS = 4
WAIT_S = 30.0

Place = tuple[int, int]
Handler = Callable[[list[Any]], Awaitable[None]]


class _App(faust.App):
    checkpoint: Checkpoint | None = None


def make_app(path: Path, handle: Handler, checkpoint: Checkpoint | None = None, **options: Any) -> faust.App:
    """Return an app whose agent gives whatever there is to `handle` and acknowledges it afterwards."""
    app = _App(
        PROCESSOR_GROUP,
        broker=f"sqlite://{path}",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        web_enabled=False,
        autodiscover=False,
        broker_commit_interval=0.2,
        stream_wait_empty=False,
        **options,
    )
    app.checkpoint = checkpoint
    topic = app.topic(INPUTS_TOPIC, value_type=bytes, value_serializer="raw")

    @app.agent(topic, name="roomstate-tests")
    async def agent(stream: Any) -> None:
        async for events in stream.noack_take(100, within=0.01):
            await handle(events)
            for event in events:
                event.ack()

    return app


@contextlib.asynccontextmanager
async def running(app: faust.App, *, is_awaited: bool = True) -> AsyncIterator[faust.App]:
    """Start the app, and stop it whatever happens; a start ends only when partitions were taken over."""
    starting = asyncio.create_task(app.start())
    try:
        if is_awaited:
            await starting
        yield app
    finally:
        await app.stop()
        await starting


async def until(is_true: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    give_up_at = time.monotonic() + WAIT_S
    while not is_true():
        if time.monotonic() > give_up_at:
            raise AssertionError(f"never: {what}")
        await asyncio.sleep(0.01)


def records_of(events: list[Any]) -> Iterator[Record]:
    """Yield the frames of the runs that the events hold."""
    for event in events:
        yield from event.value


class Seen:
    """A handler that remembers what it was given, in order."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.places: list[Any] = []

    async def __call__(self, events: list[Any]) -> None:
        for record in records_of(events):
            self.values.append(record.value)
            self.places.append((record.partition, record.offset))


class FileCheckpoint:
    """The stand-in of the store: what is in the file is done."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def places(self) -> list[Place]:
        """Return what is done, in the order in which it was done."""
        lines = self.path.read_text().splitlines()
        return [(int(partition), int(offset)) for partition, offset in map(str.split, lines)]

    async def take_over(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Return the offset behind the highest that is done."""
        offsets = dict.fromkeys(partitions, 0)
        for partition, offset in self.places():
            offsets[partition] = max(offsets[partition], offset + 1)
        return offsets

    async def give_up(self, partitions: frozenset[int]) -> None:
        """Have nothing to finish: each batch is done when it is written."""

    async def stand_still(self, partition: int, offset: int, why: str) -> None:
        """Fail: the log of a test hands over everything."""
        raise AssertionError(f"partition {partition} stopped at {offset}: {why}")


async def main(path: Path, checkpoint_path: Path | None) -> None:
    """Run until killed."""
    checkpoint = None if checkpoint_path is None else FileCheckpoint(checkpoint_path)

    async def handle(events: list[Any]) -> None:
        lines = "".join(f"{record.partition} {record.offset}\n" for record in records_of(events))
        if checkpoint is not None:
            with checkpoint.path.open("a") as done:
                done.write(lines)
        print(lines, end="", flush=True)
        await asyncio.sleep(0.002)

    async with running(make_app(path, handle, checkpoint), is_awaited=False) as app:
        await until(lambda: app.consumer.started, "the consumer's start")
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
