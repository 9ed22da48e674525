"""The join action: an `open` that the room's owner decides.

An anonymous joiner gets a new session; one who brings a live token goes on with the session that it names; a Hawk
user gets a new session that replaces their earlier one. Seats are the decider's business, so no race overruns them.
Source: contracts 2.5 and 2.11.
"""

import base64
import hashlib
import hmac
import logging
from typing import Any, Final

from ingest.commands import new_id
from ingest.edge import Edge
from ingest.lines import Line
from ingest.loop.accept import require_json_accepted
from ingest.loop.authentication import Caller
from ingest.loop.javascript import parse_int
from ingest.loop.replies import (
    CLIENT_REACHED_CAPACITY,
    ROOM_FULL,
    LoopRefusal,
    Reply,
    error,
    invalid,
    json_reply,
    missing,
    room_not_found,
    unavailable,
)
from ingest.loop.request import LoopRequest
from storage.decisions import Decision

_LOG = logging.getLogger(__name__)
_REQUIRED: Final = ("displayName", "clientMaxSize")
_CLIENT_SIZE_MAX: Final = 1_000_000
_NO_SEAT_AT_ALL: Final = -1
"""What an open says for a client that can handle nobody; 0 would mean that it has no bound."""
_API_KEY_DIGITS: Final = 8


class Joining:
    """Asks for a place in a room and hands out what the client needs to use it."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def join(self, request: LoopRequest, room: str, caller: Caller | None, members: dict[str, Any]) -> Reply:
        """Return the reply to a join.

        Raises: LoopRefusal, Unanswered.
        """
        require_json_accepted(request.header(b"accept"))
        absent = [name for name in _REQUIRED if name not in members]
        if absent:
            raise missing(f"Missing: {', '.join(absent)}")
        client_max_size = parse_int(members["clientMaxSize"])
        if client_max_size is None:
            raise invalid("clientMaxSize should be a number.")
        decision = await self._edge.commands.ask(
            self._open(request, room, caller, client_max_size, members["displayName"])
        )
        if decision.fact not in ("session_opened", "session_refreshed"):
            raise _refusal(decision)
        api_key, media_session = self._media_session(room)
        return json_reply(
            {
                "apiKey": api_key,
                "sessionId": media_session,
                "sessionToken": self._edge.tokens.issue(room, decision.session, request.now_ms),
                "expires": self._edge.settings.participant_ttl_s,
            }
        )

    def _open(
        self, request: LoopRequest, room: str, caller: Caller | None, client_max_size: int, display_name: Any
    ) -> Line:
        client = request.scope.get("client")
        live = caller.session if caller is not None else None
        return Line(
            kind="open",
            received_at_ms=request.now_ms,
            room_kind="call",
            room=room,
            session=live.session if live is not None else new_id(),
            user=live.user if live is not None else caller.user if caller is not None else "",
            id=new_id(),
            implicit=False,
            client_max_size=min(client_max_size, _CLIENT_SIZE_MAX) if client_max_size > 0 else _NO_SEAT_AT_ALL,
            client_ip=self._edge.keep_address(client[0] if client else ""),
            user_agent=request.header(b"user-agent").decode("latin-1"),
            app=request.header(b"x-loop-addon-ver").decode("latin-1"),
            extra={"display_name": display_name},
        )

    def _media_session(self, room: str) -> tuple[str, str]:
        """Return the API key of this installation and the room's media session: always the same, well-formed."""
        digest = hmac.new(self._edge.keys.rooms, room.encode(), hashlib.sha256).digest()
        number = int.from_bytes(hashlib.sha256(self._edge.keys.rooms).digest()[:8], "big")
        api_key = str(10 ** (_API_KEY_DIGITS - 1) + number % (9 * 10 ** (_API_KEY_DIGITS - 1)))
        inner = f"1~{api_key}~~{digest.hex()[:32]}~"
        return api_key, "1_" + base64.urlsafe_b64encode(inner.encode()).decode().rstrip("=")


def _refusal(decision: Decision) -> LoopRefusal:
    if decision.reason == "room_full":
        return error(400, ROOM_FULL, "The room is full.")
    if decision.reason == "client_capacity":
        return error(400, CLIENT_REACHED_CAPACITY, "Too many participants in the room for you to handle.")
    if decision.reason in ("room_deleted", "room_expired"):
        return room_not_found()
    _LOG.error("an open was decided as %s (%s)", decision.fact, decision.reason)
    return unavailable()
