"""Keep-alive HTTP at a rate: requests go out when they are due, each on a connection that is free, or on a new one.

As many connections as it takes, so that a slow reply delays nobody else: what is measured is the server, not a queue of
the client's. Replies need a Content-Length or no body.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple


class Reply(NamedTuple):
    """What came back, and after how long."""

    status: int
    body: bytes
    latency_ms: float


class Wire:
    """Connections to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, request: bytes) -> Reply:
        """Send one request and return its reply."""
        begun_s = time.perf_counter()
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        lengths = [int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")]
        body = await reader.readexactly(lengths[0]) if lengths and lengths[0] else b""
        self._idle.append((reader, writer))
        return Reply(int(lines[0].split(b" ")[1]), body, (time.perf_counter() - begun_s) * 1000)

    async def send_at_rate(self, per_s: float, seconds: float, next_request: Callable[[int], bytes]) -> list[Reply]:
        """Send `per_s` requests a second for so long, whatever becomes of them; return the replies."""
        start_s = time.perf_counter()
        under_way = []
        for number in range(int(per_s * seconds)):
            pause_s = start_s + number / per_s - time.perf_counter()
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            under_way.append(asyncio.create_task(self.send(next_request(number))))
        return await asyncio.gather(*under_way)

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()


def post(path: str, body: bytes, **headers: str) -> bytes:
    """Return the bytes of a POST of JSON."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
