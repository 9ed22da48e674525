"""POST /rooms/{token}: the pipeline of checks, and the five actions behind it.

The order is the contract's (2.5): the body parses, the room exists, credentials given are valid, the action is one of
five, it has credentials unless it is a join, its members are right, the sender is in the room. The first failure
answers. Whatever can't be reached makes it a 503.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ingest.commands import Unanswered, new_id
from ingest.edge import Edge
from ingest.lines import Line, placed
from ingest.loop.accept import require_json_accepted
from ingest.loop.authentication import Authentication, Caller, credentials_required, invalid_session_token
from ingest.loop.fields import members_of
from ingest.loop.join import Joining
from ingest.loop.replies import (
    EXPIRED,
    NO_CONTENT,
    NOT_ROOM_PARTICIPANT,
    LoopRefusal,
    Reply,
    error,
    invalid,
    json_reply,
    missing,
    not_in_room,
    room_not_found,
    unavailable,
)
from ingest.loop.request import LoopRequest
from ingest.loop.status import status_members
from storage.reading import LiveSession
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
_ACTIONS: Final = ("join", "refresh", "status", "leave", "logDomain")
_ACTION_TEXT: Final = f"action should be one of {', '.join(_ACTIONS)}"

Handler = Callable[[LoopRequest, str, Caller, dict[str, Any]], Awaitable[Reply]]


class RoomActions:
    """Answers every POST /rooms/{token} in full."""

    def __init__(self, edge: Edge, authentication: Authentication) -> None:
        self._edge = edge
        self._authentication = authentication
        self._joining = Joining(edge)
        self._handlers: dict[str, Handler] = {
            "refresh": self._refresh,
            "status": self._status,
            "leave": self._leave,
            "logDomain": self._log_domain,
        }

    async def reply(self, request: LoopRequest, room: str) -> Reply:
        """Return the answer, whatever comes."""
        try:
            return await self._answer(request, room)
        except LoopRefusal as refusal:
            return refusal.reply
        except (StoreError, Unanswered) as trouble:
            _LOG.debug("a room action is answered 503: %s", trouble)
            return unavailable().reply

    async def _answer(self, request: LoopRequest, room: str) -> Reply:
        members = request.members = members_of(request.header(b"content-type"), request.body)
        await self._edge.catch_up(room)
        if not await self._edge.directory.has_room(room, request.now_ms):
            raise room_not_found()
        caller = await self._authentication.caller(request, room)
        if "action" not in members:
            raise missing(_ACTION_TEXT)
        action = members["action"]
        if action not in _ACTIONS:
            raise invalid(_ACTION_TEXT)
        if action == "join":
            return await self._joining.join(request, room, caller, members)
        if caller is None:
            raise credentials_required()
        return await self._handlers[action](request, room, caller, members)

    async def _status(self, request: LoopRequest, room: str, caller: Caller, members: dict[str, Any]) -> Reply:
        status = status_members(members)
        live = await self._membership(request, room, caller)
        if live is None:
            raise not_in_room()
        line = self._line("status", request, live)
        line.event, line.state, line.extra = status.event, status.state, status.extra
        line.connections, line.send_streams, line.recv_streams = (
            status.connections,
            status.send_streams,
            status.recv_streams,
        )
        await self._edge.commands.record([placed(line, self._edge.partitions)])
        return NO_CONTENT

    async def _refresh(self, request: LoopRequest, room: str, caller: Caller, members: dict[str, Any]) -> Reply:
        live = await self._membership(request, room, caller)
        if live is None:
            raise _participation_expired()
        line = self._line("refresh", request, live)
        line.id = new_id()
        decision = await self._edge.commands.ask(line)
        if decision.fact != "session_refreshed":
            raise _participation_expired() if caller.session is None else invalid_session_token()
        return json_reply({"expires": self._edge.settings.participant_ttl_s})

    async def _leave(self, request: LoopRequest, room: str, caller: Caller, members: dict[str, Any]) -> Reply:
        live = await self._membership(request, room, caller)
        if live is None:
            raise _never_joined()
        line = self._line("close", request, live)
        line.id, line.reason = new_id(), "left"
        decision = await self._edge.commands.ask(line)
        if decision.fact != "session_closed":
            raise _never_joined() if caller.session is None else invalid_session_token()
        return NO_CONTENT

    async def _log_domain(self, request: LoopRequest, room: str, caller: Caller, members: dict[str, Any]) -> Reply:
        require_json_accepted(request.header(b"accept"))
        if "domains" not in members:
            raise missing("Missing: domains")
        domains = members["domains"]
        if not isinstance(domains, list) or not all(
            isinstance(item, dict) and "domain" in item and "count" in item for item in domains
        ):
            raise invalid("domains should be a list of objects with the properties domain and count.")
        live = await self._membership(request, room, caller)
        if live is None:
            raise not_in_room()
        line = self._line("log_domains", request, live)
        line.extra = {"domains": [{"domain": item["domain"], "count": item["count"]} for item in domains]}
        await self._edge.commands.record([placed(line, self._edge.partitions)])
        return NO_CONTENT

    async def _membership(self, request: LoopRequest, room: str, caller: Caller) -> LiveSession | None:
        if caller.session is not None:
            return caller.session
        return await self._edge.directory.session_of_user(room, caller.user, request.now_ms)

    def _line(self, kind: str, request: LoopRequest, live: LiveSession) -> Line:
        client = request.scope.get("client")
        return Line(
            kind=kind,
            received_at_ms=request.now_ms,
            room_kind="call",
            room=live.room,
            session=live.session,
            user=live.user,
            implicit=False,
            client_ip=self._edge.keep_address(client[0] if client else ""),
            user_agent=request.header(b"user-agent").decode("latin-1"),
        )


def _participation_expired() -> LoopRefusal:
    return error(410, EXPIRED, "Participation has expired.")


def _never_joined() -> LoopRefusal:
    return error(400, NOT_ROOM_PARTICIPANT, "Unable to leave a room you have not joined.")
