"""Everything that the routes share, made once and wired here."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from ingest.client_address import address_keeper
from ingest.commands import Commands
from ingest.decisions import DecisionFollower
from ingest.directory import Directory, DirectoryLimits
from ingest.heard import HeardPlaces
from ingest.keys import Keys
from ingest.lag import LagWatch
from ingest.large_bodies import LargeBodies
from ingest.metrics import Metrics
from ingest.nonces import NONCE_MEMORY_S, SeenNonces
from ingest.siblings import Sibling
from ingest.store_gate import StoreGate
from ingest.streams.known_streams import KnownStreams
from ingest.streams.publishing import Publishing
from ingest.tokens import SessionTokens
from ingest.writer import FrameWriter, WriterLimits
from storage.calls import ends_of_live_calls
from storage.decisions import Decision
from storage.event_log import EventLog
from storage.frames import partition_of
from storage.reading import live_calls
from storage.settings import Settings
from storage.store import StoreError
from storage.stream_nodes import parse_nodes

_LOG = logging.getLogger(__name__)
_MEASURE_S: Final = 1.0
_FILL_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds of what this process holds in memory."""

    writer: WriterLimits = field(default_factory=WriterLimits)
    directory: DirectoryLimits = field(default_factory=DirectoryLimits)


class Edge:
    """The parts of one ingest process; started and stopped with its application."""

    def __init__(
        self,
        settings: Settings,
        log: EventLog,
        store: StoreGate,
        limits: EdgeLimits | None = None,
        sibling: Sibling | None = None,
    ) -> None:
        limits = limits or EdgeLimits()
        self.settings = settings
        self.sibling = sibling
        self.log = log
        self.store = store
        self.partitions = log.partitions
        self.metrics = Metrics(sibling)
        store.on_trouble = lambda reason: self.metrics.store_errors.labels(reason=reason).inc()
        self.large_bodies = LargeBodies()
        self.nonces = SeenNonces(NONCE_MEMORY_S, sibling)
        self.keys = Keys.of(settings.signing_secret(), settings.previous_signing_secret())
        self.tokens = SessionTokens(self.keys)
        self.keep_address = address_keeper(settings.client_ip)
        self.writer = FrameWriter(log, settings.log_timeout_ms / 1000, self.metrics, limits.writer)
        self.directory = Directory(store, self.metrics, limits.directory)
        self.nodes = parse_nodes(settings.nodes)
        self.streams = KnownStreams(store, self.catch_up_stream)
        self.publishing = Publishing(self.streams, self.nodes)
        self.follower = DecisionFollower(log, self._apply, self.metrics, HeardPlaces(self.partitions, sibling))
        self.commands = Commands(
            self.writer, self.follower, self.partitions, settings.decision_timeout_ms / 1000, self.metrics
        )
        self.lag = LagWatch(log, store)
        self.metrics.show(self.lag)
        self._limits = limits.directory
        self._beside: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Follow the decisions, then fill the directory behind the scenes, then take requests.

        Raises: LogUnavailable.
        """
        self.follower.start()
        self.writer.start()
        self.metrics.begin()
        self._beside = [asyncio.create_task(self._fill()), asyncio.create_task(self._measure())]

    async def stop(self) -> None:
        """Write what was taken, then let go of everything but the log."""
        for task in self._beside:
            task.cancel()
        await self.writer.close()
        await self.follower.close()
        self.streams.close()
        await self.store.close()

    async def catch_up(self, call: str) -> None:
        """Return when what clients of sibling processes know of the call is known here too."""
        await self.follower.catch_up(partition_of("call", call, self.partitions))

    async def catch_up_stream(self, stream: str) -> None:
        """Return when what clients of sibling processes know of the stream is known here too."""
        await self.follower.catch_up(partition_of("stream", stream, self.partitions))

    def _apply(self, decision: Decision) -> None:
        self.directory.apply(decision)
        self.streams.apply(decision)

    def measure(self) -> None:
        """Note what the gauges show of this process."""
        metrics = self.metrics
        lines, size_bytes = self.writer.waiting
        sessions, rooms = self.directory.size
        metrics.queue_inputs.set(lines)
        metrics.queue_bytes.set(size_bytes)
        metrics.directory_sessions.set(sessions)
        metrics.directory_rooms.set(rooms)

    async def _measure(self) -> None:
        """Keep the gauges fresh: a sibling may be asked for them."""
        while True:
            self.measure()
            await asyncio.sleep(_MEASURE_S)

    async def _fill(self) -> None:
        tries = 0
        while True:
            try:
                store = await self.store.store()
                async for sessions in live_calls(store, self._limits.sessions):
                    self.directory.fill(sessions, ())
                async for rooms in ends_of_live_calls(store, self._limits.rooms):
                    self.directory.fill((), rooms)
                return
            except StoreError as error:
                if tries == 0:
                    _LOG.warning("the directory begins empty, the store is asked again: %s", error)
                await asyncio.sleep(_FILL_PAUSES_S[min(tries, len(_FILL_PAUSES_S) - 1)])
                tries += 1
