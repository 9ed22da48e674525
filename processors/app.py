"""The Faust app: one agent that hands frames of the inputs topic to the drain, in order.

Every name is explicit, so that renaming a file never renames a topic or a group. There are no tables, no Faust
transactions and no deserialisation: values are runs of frames. The agent does not ack; the drain does, after the
insert. It iterates the stream as it is, because Faust's own batching (`noack_take`) waits for a timer: here the queue
behind `offer` collects while an insert is in flight, and its bound holds Faust back.
Source: design sections 2 and 6.
"""

import asyncio
import logging
from pathlib import Path
from typing import cast

import faust
from faust.app.base import BootStrategy
from faust.streams import Stream
from faust.tables.manager import TableManager
from faust.types import StreamT

from processors.drain import Drain
from processors.effects import LOGGER
from processors.judging import SEEK_AFTER_S, Judging
from processors.taken import taken_of
from storage.checkpoint import CheckpointSeek
from storage.event_log import EventLog
from storage.faust_engine import faust_engine

AGENT_NAME = "roomstate-drain"

_TAKEOVER_TIMEOUT_S = 24 * 3600.0
"""Faust gives up a seek that takes longer; a takeover waits as long as the store is out of reach."""
_BUFFER_FRAMES = 4096
"""Of Faust's own queue; the transport delivers half of that unfinished at most, so it is never under pressure."""
_SEEKS_MAX = 3
_NOISY_LOGGERS = (
    *("faust", "mode", "aiokafka", "processors.app"),
    *("storage.faust_sqlite_consumer", "storage.faust_sqlite_producer"),
    *("storage.faust_kafka_consumer", "storage.faust_kafka_thread"),
)


class NoTables(TableManager):
    """Faust's table manager without its second of waiting for tables to register: there are none."""

    async def on_start(self) -> None:
        """Say at once that every table is known."""
        await self._update_channels()
        await self.recovery.start()


class ConsumerAlone(BootStrategy):
    """Starts no producer of Faust's: decisions are appended through the log."""

    enable_kafka_producer = False


class ProcessorApp(faust.App):
    """Faust's app with what the transport's consumer asks for: where to start, and the log itself."""

    BootStrategy = ConsumerAlone
    checkpoint: Drain
    event_log: EventLog
    inputs_topic: str

    @property
    def reader(self) -> CheckpointSeek:
        """The consumer, which delivers the frames."""
        return cast(CheckpointSeek, self.consumer)


def make_app(log_url: str, log: EventLog, data_dir: Path, drain: Drain) -> ProcessorApp:
    """Return the app, not started.

    Shape: `log` is the log at the URL; `data_dir` is where Faust may keep files.
    Raises: LogMismatch if the URL names no log.
    """
    engine = faust_engine(log_url)
    app = ProcessorApp(
        engine.group,
        datadir=data_dir,
        autodiscover=False,
        web_enabled=False,
        TableManager=NoTables,
        topic_partitions=log.partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_buffer_maxsize=_BUFFER_FRAMES,
        # What was taken is in the store or in the log; neither needs Faust to wait.
        stream_wait_empty=False,
        broker_request_timeout=_TAKEOVER_TIMEOUT_S,
        key_serializer="raw",
        value_serializer="raw",
        **engine.settings,
    )
    app.checkpoint = drain
    app.event_log = log
    app.inputs_topic = engine.inputs_topic
    app.transport = engine.make_transport(app)
    inputs = app.topic(engine.inputs_topic, key_type=bytes, value_type=bytes, partitions=log.partitions)

    @app.agent(inputs, name=AGENT_NAME, concurrency=1)
    async def hand_over(stream: StreamT[bytes]) -> None:
        async for event in cast(Stream[bytes], stream).noack().events():
            await drain.offer(taken_of(event.message.value, event.ack))

    app.finalize()
    return app


async def keep_seeking(app: ProcessorApp, judging: Judging) -> None:
    """Make Faust read again what never came, until cancelled: a safety net under Faust's own bookkeeping."""
    while True:
        await asyncio.sleep(SEEK_AFTER_S)
        for number, offset, times in judging.seeks_due():
            if times > _SEEKS_MAX:
                app.reader.stop_reading(number)
                await app.checkpoint.stand_still(number, offset, f"offset {offset} never came, though asked for again")
                continue
            LOGGER.warning("partition %d: frames before offset %d never came; seeking there", number, offset)
            await app.reader.read_from(number, offset)


def quieten_faust() -> None:
    """Let through only what Faust warns of; its start and stop take dozens of lines otherwise."""
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Of a rebalance that overtook another one; only Faust's own statistics miss it.
    logging.getLogger("faust.app.base").addFilter(lambda record: "Missing sensor state" not in str(record.msg))
