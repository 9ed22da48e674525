"""POST /rooms, PATCH and DELETE /rooms/{token}, PATCH /rooms: rooms made, changed and deleted, through the log.

Decided here, where the contract leaves it open or the original fell over: a list of tokens to delete that is no list of
texts is a 400/107; a room that somebody else deleted between the look and the deletion was deleted, as its row says.
Source: contracts 2.4 and 2.11.
"""

import base64
import secrets
from typing import Any, Final

from ingest.commands import Placed, new_id
from ingest.edge import Edge
from ingest.lines import Line, placed
from ingest.loop.accept import require_json_accepted
from ingest.loop.authentication import Authentication
from ingest.loop.replies import (
    INVALID_TOKEN,
    NO_CONTENT,
    UNDEFINED,
    Reply,
    error,
    invalid,
    json_reply,
    missing,
    room_not_found,
    unavailable,
)
from ingest.loop.request import LoopRequest
from ingest.loop.room_members import channel_of, require_members_of_a_room, room_members
from ingest.loop.room_views import RoomViews
from storage.calls import Call, owned_calls

_TOKEN_BYTES: Final = 8
_HOUR_MS: Final = 3_600_000
_ALERT: Final = (b"alert", b"The roomName parameter has been deprecated, you should use context.")
_NOT_FOUND: Final = {"code": 404, "errno": INVALID_TOKEN, "error": "Room not found."}


class Rooms:
    """Makes, changes and deletes rooms."""

    def __init__(self, edge: Edge, authentication: Authentication, views: RoomViews) -> None:
        self._edge = edge
        self._authentication = authentication
        self._views = views

    async def create(self, request: LoopRequest) -> Reply:
        """Return the new room's token, URL and end.

        Raises: LoopRefusal, Unanswered, StoreError.
        """
        owner = await self._authentication.hawk_user(request)
        require_json_accepted(request.header(b"accept"))
        require_members_of_a_room(request.members)
        _alert(request)
        said = room_members(request.members)
        token = base64.urlsafe_b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
        line = self._line("room_create", request, token, owner)
        line.max_size, line.expires_at_ms = said.max_size, request.now_ms + said.expires_in_h * _HOUR_MS
        line.extra = {**said.attributes, "channel": channel_of(request.members)}
        if (await self._edge.commands.ask(line)).fact != "room_created":
            raise unavailable()
        room_url = self._views.url_of(request, token)
        return json_reply({"roomToken": token, "roomUrl": room_url, "expiresAt": line.expires_at_ms // 1000}, 201)

    async def update(self, request: LoopRequest) -> Reply:
        """Return the changed room's new end.

        Raises: LoopRefusal, Unanswered, StoreError.
        """
        user = await self._authentication.hawk_user(request)
        call = await self._views.existing(request)
        _alert(request)
        said = room_members(request.members)
        _require_owner(call, user)
        line = self._line("room_update", request, call.room, user)
        line.max_size, line.expires_at_ms = said.max_size, request.now_ms + said.expires_in_h * _HOUR_MS
        line.extra = said.attributes
        if (await self._edge.commands.ask(line)).fact != "room_updated":
            raise room_not_found()
        return json_reply({"expiresAt": line.expires_at_ms // 1000})

    async def delete(self, request: LoopRequest) -> Reply:
        """End the room and everybody's stay in it.

        Raises: LoopRefusal, Unanswered, StoreError.
        """
        user = await self._authentication.hawk_user(request)
        call = await self._views.existing(request)
        _require_owner(call, user)
        await self._edge.commands.ask(self._line("room_delete", request, call.room, user))
        return NO_CONTENT

    async def delete_several(self, request: LoopRequest) -> Reply:
        """End those of the named rooms that are the user's; return what became of each.

        Raises: LoopRefusal, Unanswered, StoreError.
        """
        user = await self._authentication.hawk_user(request)
        require_json_accepted(request.header(b"accept"))
        tokens = _tokens(request.members)
        calls = await owned_calls(self._edge.store, user)
        rooms = {call.room for call in calls if call.exists(request.now_ms)}.intersection(tokens)
        lines = [self._line("room_delete", request, room, user) for room in sorted(rooms)]
        await self._edge.commands.ask_all([_waited(line, self._edge.partitions) for line in lines])
        responses = {token: {"code": 200} if token in rooms else _NOT_FOUND for token in tokens}
        return json_reply({"responses": responses}, 207 if rooms else 404)

    def _line(self, kind: str, request: LoopRequest, room: str, user: str) -> Line:
        return Line(
            kind=kind, received_at_ms=request.now_ms, room_kind="call", room=room, user=user, id=new_id(), extra={}
        )


def _waited(line: Line, partitions: int) -> Placed:
    return Placed(*placed(line, partitions), (line.room_kind, line.room, line.id))


def _alert(request: LoopRequest) -> None:
    if "roomName" in request.members:
        request.told.append(_ALERT)


def _require_owner(call: Call, user: str) -> None:
    if user != call.owner:
        raise error(403, UNDEFINED, "Authenticated user is not the owner of this room.")


def _tokens(members: dict[str, Any]) -> list[str]:
    if "deleteRoomTokens" not in members:
        raise missing("Missing: deleteRoomTokens")
    tokens = members["deleteRoomTokens"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise invalid("deleteRoomTokens should be a list of room tokens.")
    if not tokens:
        raise invalid("deleteRoomTokens should not be empty.")
    return tokens
