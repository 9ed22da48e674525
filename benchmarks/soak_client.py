"""One client process of benchmarks/soak.py: sessions of calls that post statuses at a rate, over real HTTP.

It joins its sessions, says that it is ready, and reads one rate after the other from its standard input; every second
it tells what it sent and what was answered since the start. A connection carries one request at a time: when all are
busy, what is due waits, and is told as waiting. It ends, after the last answer, when its input does.
"""

import argparse
import asyncio
import base64
import json
import sys
import time
from collections import Counter, deque
from typing import Final, cast

import httpx
import uvloop

from benchmarks.pipeline import CALL
from benchmarks.running_pipeline import API_TOKEN
from benchmarks.wire import Wire, post

_TICK_S: Final = 0.005
_AT_ONCE: Final = 20
_BATCH: Final = 500
_END_S: Final = 30.0
_AGAIN_S: Final = 0.2
_JOIN: Final = b'{"action":"join","displayName":"somebody","clientMaxSize":5}'


def main() -> None:
    """Post until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--port", "--number", "--sessions"):
        parser.add_argument(name, type=int, required=True)
    chosen = parser.parse_args()
    uvloop.run(_run(chosen.port, chosen.number, chosen.sessions))


async def _run(port: int, number: int, sessions: int) -> None:
    posting = Posting(port)
    for requests in await _joined(port, [f"soak-{number}-{room}" for room in range(sessions)]):
        await posting.connect(requests)
    _tell({"joined": sessions})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    work = [asyncio.create_task(posting.post_at_rate()), asyncio.create_task(posting.tell_every_second())]
    while line := await reader.readline():
        posting.rate = float(line)
    for task in work:
        task.cancel()
    await posting.finish()


async def _joined(port: int, rooms: list[str]) -> list[list[bytes]]:
    """Make the rooms and join each; return the requests of a call's statuses in each."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        for start in range(0, len(rooms), _BATCH):
            items = [{"kind": "room_create", "room": room} for room in rooms[start : start + _BATCH]]
            made = await http.post("/v1/inputs", json=items, params={"wait": "decision"}, headers=headers)
            made.raise_for_status()
    wire = Wire(port)
    joined = []
    for start in range(0, len(rooms), _AT_ONCE):
        some = rooms[start : start + _AT_ONCE]
        replies = await asyncio.gather(*(wire.send(post(f"/rooms/{room}", _JOIN)) for room in some))
        joined += [
            _requests(room, json.loads(reply.body)["sessionToken"]) for room, reply in zip(some, replies, strict=True)
        ]
    wire.close()
    return joined


def _requests(room: str, token: str) -> list[bytes]:
    credentials = f"Basic {base64.b64encode(token.encode()).decode()}"
    return [
        post(
            f"/rooms/{room}",
            json.dumps(
                {
                    "action": "status",
                    "event": event,
                    "state": state,
                    "connections": connections,
                    "sendStreams": send_streams,
                    "recvStreams": recv_streams,
                }
            ).encode(),
            Authorization=credentials,
        )
        for event, state, connections, send_streams, recv_streams in CALL
    ]


class Posting:
    """The connections, and what came of what they posted."""

    def __init__(self, port: int) -> None:
        self.rate = 0.0
        self.idle: deque[Connection] = deque()
        self.answers: Counter[str] = Counter()
        self.longest_ms = 0.0
        self.under_way = 0
        self.is_ending = False
        self._waiting = 0.0
        self._port = port

    async def connect(self, requests: list[bytes]) -> None:
        """Open a connection for one session, as soon as that is possible."""
        loop = asyncio.get_running_loop()
        while not self.is_ending:
            try:
                await loop.create_connection(lambda: Connection(self, requests), "127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    async def post_at_rate(self) -> None:
        """Send what is due, on connections that are free, until cancelled."""
        last_s = time.monotonic()
        while True:
            await asyncio.sleep(_TICK_S)
            now_s = time.monotonic()
            # What could not go out within a second is not made up for: clients that wait do not pile up forever.
            self._waiting = min(self._waiting + (now_s - last_s) * self.rate, self.rate)
            last_s = now_s
            while self._waiting >= 1 and self.idle:
                self._waiting -= 1
                self.idle.popleft().send()

    async def tell_every_second(self) -> None:
        """Tell what came so far, until cancelled."""
        while True:
            await asyncio.sleep(1.0)
            self.tell()

    def tell(self) -> None:
        """Tell what came since the start, and the longest answer since it was last told."""
        _tell({"answers": dict(self.answers), "waiting": int(self._waiting), "longest_ms": self.longest_ms})
        self.longest_ms = 0.0

    async def finish(self) -> None:
        """Wait for the answers that are still to come."""
        self.is_ending = True
        give_up_s = time.monotonic() + _END_S
        while self.under_way and time.monotonic() < give_up_s:
            await asyncio.sleep(0.02)
        self.answers["none"] += self.under_way
        self.tell()


class Connection(asyncio.Protocol):
    """One session's keep-alive connection; opened again when the server closes it."""

    def __init__(self, posting: Posting, requests: list[bytes]) -> None:
        self._posting = posting
        self._requests = deque(requests)
        self._received = b""
        self._sent_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Offer itself for the next request."""
        self._transport = cast(asyncio.Transport, transport)
        self._posting.idle.append(self)

    def send(self) -> None:
        """Post the session's next status."""
        self._sent_s = time.monotonic()
        self._posting.under_way += 1
        self._transport.write(self._requests[0])
        self._requests.rotate(-1)

    def data_received(self, data: bytes) -> None:
        """Count the answer once all of it is here."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._received = b""
        self._answered(head.split(b" ", 2)[1].decode())
        if not self._transport.is_closing():
            self._posting.idle.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count what was not answered, and connect again."""
        if self._sent_s:
            self._answered("none")
        posting = self._posting
        if self in posting.idle:
            posting.idle.remove(self)
        if not posting.is_ending:
            self._again = asyncio.ensure_future(posting.connect(list(self._requests)))

    def _answered(self, status: str) -> None:
        posting = self._posting
        posting.answers[status] += 1
        posting.under_way -= 1
        posting.longest_ms = max(posting.longest_ms, (time.monotonic() - self._sent_s) * 1000)
        self._sent_s = 0.0


def _content_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else 0


def _tell(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
