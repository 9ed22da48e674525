"""The hot path: POST /rooms/{token} as a plain ASGI endpoint.

A plain status (ingest/loop/plain_status.py) is written at once, without awaiting anything but the log; whatever else it
may be, the full pipeline answers. Most plain statuses do not even come here: ingest/loop/short_way.py takes them.
Source: design section 2, contract 2.6.
"""

from typing import Any, Final

from starlette.requests import ClientDisconnect

from ingest.bodies import Message, Receive, Scope, Send
from ingest.edge import Edge
from ingest.loop.actions import RoomActions
from ingest.loop.fields import read_loop_body
from ingest.loop.plain_status import PlainStatuses
from ingest.loop.replies import LoopRefusal, unavailable
from ingest.loop.request import LoopRequest, send_reply
from storage.clock import now_ms
from storage.metric_labels import LOOP_STATUSES

_START_204: Final[Message] = {"type": "http.response.start", "status": 204, "headers": []}
_END: Final[Message] = {"type": "http.response.body", "body": b""}


class RoomActionEndpoint:
    """Serves POST /rooms/{token}."""

    def __init__(self, edge: Edge, actions: RoomActions, statuses: PlainStatuses) -> None:
        self._actions = actions
        self._statuses = statuses
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
            client = scope["client"][0] if scope["client"] else ""
            durable = self._statuses.taken(headers, message.get("body", b""), room, client, received_at_ms)
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
