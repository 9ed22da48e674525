"""Writing the HTTP answer: ClickHouse's headers, codings, and errors before or behind the first byte.

An error after the first byte stands at the end of the body between marks that carry the tag of the header
`X-ClickHouse-Exception-Tag`, and the connection ends without the body's end, as ClickHouse does since 25.11.
"""

import asyncio
import json
import re
import secrets
import string
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from storage.embedded.content_coding import Encoder
from storage.embedded.engine import Outcome
from storage.embedded.engine_errors import EngineError

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NAMES: Final = ("Query-Id", "Summary", "Server-Display-Name", "Format", "Timezone", "Exception-Code", "Exception-Tag")
_EXPOSED: Final = ",".join([*(f"X-ClickHouse-{name}" for name in _NAMES), "X-Roomstate-Narrowed"])
_TEXT_TYPE: Final = "text/plain; charset=UTF-8"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
_TAG_LETTERS: Final = string.ascii_lowercase


class AnswerCut(Exception):
    """The answer had begun when the statement failed; the client was told inside it."""


class Answer:
    """One answer: headers gathered until the first byte goes out."""

    def __init__(self, send: Send, headers: dict[str, str]) -> None:
        self._send = send
        self._headers = {"access-control-expose-headers": _EXPOSED, **headers}
        self._encoders: list[Encoder] = []
        self._encoders_of_errors: list[Encoder] = []
        self._tag = "".join(secrets.choice(_TAG_LETTERS) for _ in range(16))
        self._headers["x-clickhouse-exception-tag"] = self._tag
        self.has_begun = False

    def set(self, name: str, value: str) -> None:
        """Set a header."""
        self._headers[name.lower()] = value

    def encode_with(self, encoder: Encoder, coding: str | None = None) -> None:
        """Encode the body; `coding` is named in Content-Encoding. One without a name encodes errors too."""
        self._encoders.append(encoder)
        if coding is None:
            self._encoders_of_errors.append(encoder)
        else:
            self.set("content-encoding", coding)

    async def whole(self, body: bytes, summary: str, status: int = 200) -> None:
        """Answer with a body that is known."""
        for encoder in self._encoders if body else ():
            body = encoder.encode(body) + encoder.finish()
        if not body:
            self._headers.pop("content-encoding", None)
        self.set("content-length", str(len(body)))
        await self._begin(status, summary)
        await self._send({"type": "http.response.body", "body": body})

    async def part(self, chunk: bytes, summary: str) -> None:
        """Send a piece of a body; the first one sends the headers."""
        if not self.has_begun:
            await self._begin(200, summary)
        for encoder in self._encoders:
            # In a thread: while a large piece is packed, others are answered.
            chunk = await asyncio.to_thread(encoder.encode, chunk)
        if chunk:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """End a body that was sent in pieces."""
        rest = b""
        for encoder in self._encoders:
            rest = encoder.encode(rest) + encoder.finish() if rest else encoder.finish()
        await self._send({"type": "http.response.body", "body": rest})

    async def error(self, error: EngineError, version: str) -> None:
        """Answer with an error; raises AnswerCut if the answer had begun."""
        text = error.text(version).encode()
        if self.has_begun:
            message = text.rstrip(b"\n")
            await self.part(
                b"\r\n__exception__\r\n%b\r\n%b\n%d %b\r\n__exception__\r\n"
                % (self._tag.encode(), message, len(message) + 1, self._tag.encode()),
                "",
            )
            rest = b"".join(encoder.finish() for encoder in self._encoders)
            await self._send({"type": "http.response.body", "body": rest, "more_body": True})
            raise AnswerCut(error.detail)
        self._encoders = self._encoders_of_errors
        self._headers.pop("content-encoding", None)
        self.set("x-clickhouse-exception-code", str(error.code))
        self.set("content-type", _TEXT_TYPE)
        if error.status == 401:
            self.set("www-authenticate", 'Basic realm="ClickHouse server HTTP API"')
        await self.whole(text, "", error.status)

    async def _begin(self, status: int, summary: str) -> None:
        self.has_begun = True
        if summary:
            self.set("x-clickhouse-summary", summary)
        # Some values come from the client: none may end its header line.
        headers = [(name.encode(), _UNPRINTABLE.sub("?", value).encode()) for name, value in self._headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": headers})


def summary_of(outcome: Outcome | None, result_bytes: int = 0) -> str:
    """Return ClickHouse's summary: counts as strings."""
    counts = {
        "read_rows": outcome.read_rows if outcome else 0,
        "read_bytes": outcome.read_bytes if outcome else 0,
        "written_rows": outcome.written_rows if outcome else 0,
        "written_bytes": outcome.written_bytes if outcome else 0,
        "total_rows_to_read": outcome.read_rows if outcome else 0,
        "result_rows": outcome.result_rows if outcome else 0,
        "result_bytes": result_bytes,
        "elapsed_ns": outcome.elapsed_ns if outcome else 0,
    }
    return json.dumps({name: str(count) for name, count in counts.items()}, separators=(",", ":"))
