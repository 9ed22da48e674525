"""The proxy that breaks inserts, for tests without an event loop: it serves in a thread of its own."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

from roomstate.chaos.store_proxy import InsertFault, StoreProxy


class ThreadedStoreProxy:
    """A proxy before one store; `break_next` may be called from any thread."""

    def __init__(self, store_url: str) -> None:
        self._proxy = StoreProxy(store_url)
        self._loop = asyncio.new_event_loop()
        self._is_ready = threading.Event()
        self._stop = asyncio.Event()

    @property
    def url(self) -> str:
        """The store's URL, through this proxy."""
        return self._proxy.url

    @property
    def faults_done(self) -> int:
        """How many inserts met a fault."""
        return self._proxy.faults_done

    def break_next(self, fault: InsertFault) -> None:
        """Let the fault happen to the next insert."""
        self._proxy.break_next(fault)

    @contextlib.contextmanager
    def running(self) -> Iterator["ThreadedStoreProxy"]:
        """Serve."""
        thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        thread.start()
        self._is_ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join()
            self._loop.close()

    async def _serve(self) -> None:
        async with self._proxy.running():
            self._is_ready.set()
            await self._stop.wait()
