"""Recognising a plain status and writing its line, without awaiting anything.

Almost every request is a status of a session that this process knows, from a token that it verified before, with a
body as clients send it. `PlainStatuses` recognises exactly these. Whatever else it may be, the full pipeline answers;
so what is recognised here may only ever be what the pipeline accepts with the same line. Source: design section 2,
contract 2.6.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from ingest.edge import Edge
from ingest.lines import Line, encode_line
from ingest.loop.fields import BODY_BYTES_MAX
from ingest.writer import Durable
from state_machine.statuses import COUNTER_MAX
from storage.frames import partition_of

_PLAIN_TYPES: Final = frozenset(
    {
        b"application/json",
        b"application/json; charset=utf-8",
        b"application/json;charset=utf-8",
        b"application/json; charset=UTF-8",
        b"application/json;charset=UTF-8",
    }
)


class PlainStatus(msgspec.Struct, gc=False):
    """A status as clients send it: members of the right JSON types; anything else takes the long way."""

    action: str
    event: str
    state: str
    connections: int
    sendStreams: int  # the wire's name
    recvStreams: int  # the wire's name


_DECODE: Final = msgspec.json.Decoder(PlainStatus).decode


class PlainStatuses:
    """Gives the lines of plain statuses to the log's writer."""

    def __init__(self, edge: Edge) -> None:
        self._partitions = edge.partitions
        self._known_token = edge.tokens.known
        self._user_of_live = edge.directory.known_user_of_live
        self._known_room_expiry_ms = edge.directory.known_room_expiry_ms
        self._add = edge.writer.add
        self._keep_address = edge.keep_address

    def taken(
        self, headers: Mapping[bytes, bytes], body: bytes, room: str, client: str, received_at_ms: int
    ) -> Durable | None:
        """Return the durability of the status' line, or None if this is not plainly an acceptable status."""
        sender = self._plain_sender(headers, room, received_at_ms)
        if sender is None or len(body) > BODY_BYTES_MAX:
            return None
        session, user = sender
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
        line = Line(
            kind="status",
            received_at_ms=received_at_ms,
            room_kind="call",
            room=room,
            session=session,
            event=status.event,
            state=status.state,
            connections=connections,
            send_streams=send_streams,
            recv_streams=recv_streams,
            user=user,
            implicit=False,
            client_ip=self._keep_address(client),
            user_agent=headers.get(b"user-agent", b"").decode("latin-1"),
        )
        return self._add(partition_of("call", room, self._partitions), encode_line(line))

    def _plain_sender(self, headers: Mapping[bytes, bytes], room: str, received_at_ms: int) -> tuple[str, str] | None:
        """Return the sender's session and user, if the headers are as clients send them and all of it is known."""
        token = self._known_token(headers.get(b"authorization", b""))
        if (
            token is None
            or token.room != room
            or headers.get(b"content-type") not in _PLAIN_TYPES
            or b"content-encoding" in headers
            or (self._known_room_expiry_ms(room) or 0) <= received_at_ms
        ):
            return None
        user = self._user_of_live(room, token.session, received_at_ms)
        return None if user is None else (token.session, user)
