"""Everything that the routes share, made once and wired here."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from ingest.client_address import address_keeper
from ingest.commands import Commands
from ingest.decisions import DecisionFollower
from ingest.directory import Directory, DirectoryLimits
from ingest.keys import Keys
from ingest.metrics import Metrics
from ingest.store_gate import StoreGate
from ingest.tokens import SessionTokens
from ingest.writer import FrameWriter, WriterLimits
from storage.event_log import EventLog
from storage.reading import live_calls, rooms_of_live_calls
from storage.settings import Settings
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
_FILL_PAUSES_S: Final = (0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Bounds of what this process holds in memory."""

    writer: WriterLimits = field(default_factory=WriterLimits)
    directory: DirectoryLimits = field(default_factory=DirectoryLimits)


class Edge:
    """The parts of one ingest process; started and stopped with its application."""

    def __init__(self, settings: Settings, log: EventLog, store: StoreGate, limits: EdgeLimits | None = None) -> None:
        limits = limits or EdgeLimits()
        self.settings = settings
        self.log = log
        self.store = store
        self.partitions = log.partitions
        self.metrics = Metrics()
        self.keys = Keys.of(settings.signing_secret(), settings.previous_signing_secret())
        self.tokens = SessionTokens(self.keys)
        self.keep_address = address_keeper(settings.client_ip)
        self.writer = FrameWriter(log, settings.log_timeout_ms / 1000, self.metrics, limits.writer)
        self.directory = Directory(store, self.metrics, limits.directory)
        self.follower = DecisionFollower(log, self.directory.apply, self.metrics)
        self.commands = Commands(
            self.writer, self.follower, self.partitions, settings.decision_timeout_ms / 1000, self.metrics
        )
        self._limits = limits.directory
        self._filling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Follow the decisions, then fill the directory behind the scenes, then take requests.

        Raises: LogUnavailable.
        """
        self.follower.start()
        self.writer.start()
        self._filling = asyncio.create_task(self._fill())

    async def stop(self) -> None:
        """Write what was taken, then let go of everything but the log."""
        if self._filling is not None:
            self._filling.cancel()
        await self.writer.close()
        await self.follower.close()
        await self.store.close()

    async def _fill(self) -> None:
        tries = 0
        while True:
            try:
                sessions = await live_calls(self.store, self._limits.sessions)
                self.directory.fill(sessions, await rooms_of_live_calls(self.store, self._limits.rooms))
                return
            except StoreError as error:
                if tries == 0:
                    _LOG.warning("the directory begins empty, the store is asked again: %s", error)
                await asyncio.sleep(_FILL_PAUSES_S[min(tries, len(_FILL_PAUSES_S) - 1)])
                tries += 1
