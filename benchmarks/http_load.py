"""A cheap HTTP client for benchmarks: keep-alive connections, one request at a time on each, bytes made beforehand.

It understands just enough of HTTP for replies without a body, so that the client is never what is measured.
"""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_EXPECTED = b"HTTP/1.1 204 "


class Target(NamedTuple):
    """Where one connection posts to, with which headers."""

    path: str
    headers: Mapping[str, str]


class Load(NamedTuple):
    """What is posted: `requests` in all, spread over one connection for each target, the bodies in turn on each."""

    port: int
    targets: Sequence[Target]
    bodies: Sequence[bytes]
    requests: int


class UnexpectedReply(Exception):
    """A reply other than 204; its first bytes."""


def post_all(load: Load) -> list[float]:
    """Post everything and return each request's latency in milliseconds.

    Raises: UnexpectedReply, OSError.
    """
    return uvloop.run(_post_all(load))


async def _post_all(load: Load) -> list[float]:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    share = _Share(load.requests, done)
    connections = [
        await loop.create_connection(partial(_Connection, _requests(load, target), share), "127.0.0.1", load.port)
        for target in load.targets
    ]
    for _, connection in connections:
        connection.post()
    await done
    for transport, _ in connections:
        transport.close()
    return share.latencies_ms


def _requests(load: Load, target: Target) -> list[bytes]:
    headers = {"Host": f"127.0.0.1:{load.port}", **target.headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return [
        f"POST {target.path} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for body in load.bodies
    ]


class _Share:
    """What the connections have in common: how many requests are left, and what came of the others."""

    def __init__(self, requests: int, done: "asyncio.Future[None]") -> None:
        self.to_send = requests
        self.to_come = requests
        self.done = done
        self.latencies_ms: list[float] = []

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class _Connection(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], share: _Share) -> None:
        self._requests = itertools.cycle(requests)
        self._share = share
        self._received = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def post(self) -> None:
        """Send the next request, if one is left."""
        if self._share.to_send > 0:
            self._share.to_send -= 1
            self._sent_s = time.perf_counter()
            self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.startswith(_EXPECTED[: len(self._received)]):
            self._share.fail(UnexpectedReply(self._received[:300]))
            return
        if not self._received.endswith(_END_OF_HEAD):
            return
        self._received = b""
        share = self._share
        share.latencies_ms.append((time.perf_counter() - self._sent_s) * 1000)
        share.to_come -= 1
        if share.to_come == 0:
            share.done.set_result(None)
        self.post()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._share.to_come:
            self._share.fail(exc or ConnectionError("the server closed a connection"))
