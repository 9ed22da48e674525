"""The load: a handful of clients of both contracts, bounded in number and pace, and the witness of what they sent."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from random import Random
from typing import Final, Protocol

from ingest.keys import Keys
from roomstate.chaos.instance import Instance
from roomstate.chaos.loop_client import LoopFamily
from roomstate.chaos.native_client import NativeClient
from roomstate.chaos.native_inputs import NativeRooms
from roomstate.chaos.sending import Sender
from roomstate.chaos.witness import Witness

_NATIVE_CLIENTS: Final = 6
_LOOP_FAMILIES: Final = 4
_PAUSE_S: Final = 0.08
"""Mean pause of a client between two deeds."""
_POSTS_MAX: Final = 3_000
"""Of one round; the clients rest when they have sent so many."""
_ERA_ROUNDS: Final = 5
"""For so long native clients stay in the same rooms."""
_PROBE_PAUSE_S: Final = 0.1


class _Client(Protocol):
    async def act(self) -> None:
        """Do one thing."""


class Load:
    """Clients that live as long as the experiment."""

    def __init__(self, instance: Instance, witness: Witness, seed: str) -> None:
        self._witness = witness
        self._random = Random(f"{seed}/load")
        self._urls = instance.urls
        self._sender = Sender(instance.urls, self._random)
        token = instance.settings.bearer_token()
        keys = Keys.of(instance.settings.signing_secret())
        self._native = [
            NativeClient(self._sender, witness, self._random, token, never_waits=number % 3 == 0)
            for number in range(_NATIVE_CLIENTS)
        ]
        in_doubt = instance.broker is not None
        self._loop = [
            LoopFamily(self._sender, witness, self._random, keys, is_log_ever_in_doubt=in_doubt)
            for _ in range(_LOOP_FAMILIES)
        ]
        self._prober = NativeClient(self._sender, witness, self._random, token)

    @property
    def crowded_room(self) -> str:
        """The room with few seats."""
        return self._prober.rooms.crowded_room

    def begin_round(self, number: int) -> None:
        """Count anew; go on in new rooms from time to time."""
        self._witness.begin_round(number)
        if number % _ERA_ROUNDS == 1:
            for client in (*self._native, self._prober):
                client.begin_era(NativeRooms(self._random, number // _ERA_ROUNDS))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Let the clients act until the block is left; each ends what it does."""
        stopping = asyncio.Event()
        clients: list[_Client] = [*self._native, *self._loop]
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(self._keep_acting(client, stopping))
            try:
                yield
            finally:
                stopping.set()

    async def until_answered(self, patience_s: float) -> str:
        """Return '' once each ingest process got an input decided, else which one did not in time."""
        deadline_s = time.monotonic() + patience_s
        for url in self._urls:
            while not await self._prober.probe(url):
                if time.monotonic() > deadline_s:
                    return f"{url} got no decision within {patience_s:.0f} s"
                await asyncio.sleep(_PROBE_PAUSE_S)
        return ""

    async def close(self) -> None:
        """Close every connection."""
        await self._sender.close()

    async def _keep_acting(self, client: _Client, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            if len(self._witness.posts) < _POSTS_MAX:
                await client.act()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), self._random.expovariate(1 / _PAUSE_S))
