"""The broker of the experiment: its blocking calls in a thread that lives as long as the experiment does.

The kernel ends the broker with the thread that started it, so it must always be the same one, and must not end.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from roomstate.broker.node import BrokerNode
from roomstate.chaos.part import limit_files_of


class BrokerPart:
    """One Apache Kafka node in the folder of the experiment."""

    def __init__(self, folder: Path) -> None:
        self.name = "broker"
        self._node = BrokerNode(folder / "kafka")
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="broker")

    @property
    def url(self) -> str:
        """The log's URL on this broker."""
        return self._node.url

    async def start(self) -> None:
        """Start the broker and return once it takes records.

        Raises: BrokerMissing, CommandRefused.
        """
        await self._done(self._node.start)

    async def kill(self) -> None:
        """End the broker as a crash would."""
        await self._done(self._node.kill)

    async def stop(self) -> None:
        """End the broker as an operator would."""
        await self._done(self._node.stop)

    def freeze(self) -> None:
        """Suspend the process."""
        self._node.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        self._node.thaw()

    def limit_files(self, size_bytes: int | None) -> None:
        """Let every write behind so many bytes of a file fail, on which the broker ends; None: no limit."""
        limit_files_of(self._node.pid, size_bytes)

    async def revive(self) -> None:
        """Start the broker if it has ended."""
        if not self._node.pid:
            await self.start()

    async def close(self) -> None:
        """Kill the broker; it can't be started any more."""
        await self.kill()
        self._thread.shutdown()

    async def _done(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, work)
