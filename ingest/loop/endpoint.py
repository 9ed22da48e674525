"""The hot path: POST /rooms/{token} as a plain ASGI endpoint.

Almost every request is a status of a session that this process knows, from a token that it verified before, with a
body as clients send it. `_plain_status` recognises exactly these and writes their line at once, without awaiting
anything but the log. Whatever else it may be, it returns None and the full pipeline answers; so the short way may only
ever accept what the long way accepts with the same line. Source: design section 2, contract 2.6.
"""

from typing import Any, Final

import msgspec
from starlette.requests import ClientDisconnect

from ingest.bodies import Message, Receive, Scope, Send
from ingest.edge import Edge
from ingest.lines import Line, encode_line
from ingest.loop.actions import RoomActions
from ingest.loop.fields import BODY_BYTES_MAX, read_loop_body
from ingest.loop.replies import LoopRefusal, unavailable
from ingest.loop.request import LoopRequest, send_reply
from ingest.writer import Durable
from state_machine.statuses import COUNTER_MAX
from storage.clock import now_ms
from storage.frames import partition_of
from storage.metric_labels import LOOP_STATUSES
from storage.reading import LiveSession

_PLAIN_TYPES: Final = frozenset(
    {
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json;charset=utf-8",
        b"application/json; charset=UTF-8",
        b"application/json;charset=UTF-8",
    }
)


class PlainStatus(msgspec.Struct, forbid_unknown_fields=False):
    """A status as clients send it: members of the right JSON types; anything else takes the long way."""

    action: str
    event: str
    state: str
    connections: int
    sendStreams: int  # the wire's name
    recvStreams: int  # the wire's name


_DECODE: Final = msgspec.json.Decoder(PlainStatus).decode
_START_204: Final[Message] = {"type": "http.response.start", "status": 204, "headers": []}
_END: Final[Message] = {"type": "http.response.body", "body": b""}


class RoomActionEndpoint:
    """Serves POST /rooms/{token}."""

    def __init__(self, edge: Edge, actions: RoomActions) -> None:
        self._edge = edge
        self._actions = actions
        self._partitions = edge.partitions
        self._known_token = edge.tokens.known
        self._known_session = edge.directory.known_session
        self._known_room_expiry_ms = edge.directory.known_room_expiry_ms
        self._add = edge.writer.add
        self._keep_address = edge.keep_address
        replies = edge.metrics.loop_replies
        self._count = {status: replies.labels(status=str(status)).inc for status in LOOP_STATUSES}
        self._count_other = replies.labels(status="other").inc

    async def __call__(self, scope: Scope, receive: Receive, send: Send, room: str) -> None:
        """Answer one request."""
        received_at_ms = now_ms()
        headers = dict(scope["headers"])
        message = await receive()
        durable = None
        if not message.get("more_body") and message["type"] == "http.request":
            durable = self._plain_status(scope, headers, message.get("body", b""), room, received_at_ms)
        if durable is None:
            request = LoopRequest(scope, headers, b"", received_at_ms)
            await self._in_full(request, room, _again(message, receive), send)
        elif await durable:
            self._count[204]()
            await send(_START_204)
            await send(_END)
        else:
            reply = unavailable().reply
            self._count[503]()
            await send_reply(send, reply, reply.all_headers(received_at_ms))

    def _plain_status(
        self, scope: Scope, headers: dict[bytes, bytes], body: bytes, room: str, received_at_ms: int
    ) -> Durable | None:
        """Return the durability of the status' line, or None if this is not plainly an acceptable status."""
        live = self._plain_session(headers, room, received_at_ms)
        if live is None or len(body) > BODY_BYTES_MAX:
            return None
        try:
            status = _DECODE(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        connections, send_streams, recv_streams = status.connections, status.sendStreams, status.recvStreams
        if (
            status.action != "status"
            or not 0 <= connections <= COUNTER_MAX
            or not 0 <= send_streams <= COUNTER_MAX
            or not 0 <= recv_streams <= COUNTER_MAX
        ):
            return None
        client = scope["client"]
        line = Line(
            kind="status",
            received_at_ms=received_at_ms,
            room_kind="call",
            room=room,
            session=live.session,
            event=status.event,
            state=status.state,
            connections=connections,
            send_streams=send_streams,
            recv_streams=recv_streams,
            user=live.user,
            implicit=False,
            client_ip=self._keep_address(client[0]) if client else "",
            user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
        )
        return self._add(partition_of("call", room, self._partitions), encode_line(line))

    def _plain_session(self, headers: dict[bytes, bytes], room: str, received_at_ms: int) -> LiveSession | None:
        """Return the live session of the sender, if the headers are as clients send them and all of it is known."""
        token = self._known_token(headers.get(b"authorization", b""))
        if (
            token is None
            or token.room != room
            or headers.get(b"content-type") not in _PLAIN_TYPES
            or b"content-encoding" in headers
            or (self._known_room_expiry_ms(room) or 0) <= received_at_ms
        ):
            return None
        live = self._known_session(room, token.session)
        return live if live is not None and live.lease_ends_at_ms > received_at_ms else None

    async def _in_full(self, request: LoopRequest, room: str, receive: Receive, send: Send) -> None:
        try:
            request.body = await read_loop_body(request.headers, receive)
            reply = await self._actions.reply(request, room)
        except ClientDisconnect:
            return
        except LoopRefusal as refusal:
            reply = refusal.reply
        self._count.get(reply.status, self._count_other)()
        await send_reply(send, reply, request.full_headers(reply))


def _again(first: Message, receive: Receive) -> Receive:
    """Return a `receive` that gives the message already received first."""
    waiting: list[Any] = [first]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
