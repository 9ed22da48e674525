"""GET /rooms and GET /rooms/{token}: what each kind of viewer may see, read from the store.

Decided here, where the contract leaves it open: a room's URL is the first allowed origin (the page that link-clickers
open) with the token behind it, or this server if every origin is allowed. Source: contracts 2.4 and 2.9.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from ingest.edge import Edge
from ingest.loop.authentication import Authentication, Caller
from ingest.loop.javascript import parse_int
from ingest.loop.replies import UNDEFINED, Reply, error, json_reply, room_not_found
from ingest.loop.request import LoopRequest
from storage.calls import Call, Participant, find_call, insiders_of, insiders_of_owned, owned_calls

DELETIONS_REMEMBERED_S: Final = 27 * 60
"""For how long a list tells of deletions."""


class RoomViews:
    """Shows rooms."""

    def __init__(self, edge: Edge, authentication: Authentication) -> None:
        self._edge = edge
        self._authentication = authentication

    async def show(self, request: LoopRequest) -> Reply:
        """Return what a stranger, or what a participant or the owner may see of a room.

        Raises: LoopRefusal 404, 401 or 403, StoreError.
        """
        call = await self.existing(request)
        await self._edge.catch_up(call.room)
        caller = await self._authentication.caller(request, call.room)
        if caller is None:
            return json_reply(self._plainly(request, call))
        inside = await insiders_of(self._edge.store, call.room)
        if not _is_owner(caller, call) and not _is_inside(caller, inside):
            raise error(403, UNDEFINED, "Authenticated user is neither a participant of the room nor the room owner.")
        return json_reply(self._in_full(request, call, inside))

    async def list_owned(self, request: LoopRequest) -> Reply:
        """Return the user's rooms, the least lately changed first; with `version` only what changed since then.

        Raises: LoopRefusal 401, StoreError.
        """
        user = await self._authentication.hawk_user(request)
        version = parse_int(request.query("version")) or 0
        calls, inside = await asyncio.gather(
            owned_calls(self._edge.store, user), insiders_of_owned(self._edge.store, user)
        )
        changed = [call for call in calls if not version or call.changed_at_ms // 1000 >= version]
        living = sorted((call for call in changed if call.exists(request.now_ms)), key=lambda call: call.changed_at_ms)
        rooms = [self._in_full(request, call, inside.get(call.room, ())) for call in living]
        return json_reply([*rooms, *(_deleted(changed, request.now_ms) if version > 0 else ())])

    async def existing(self, request: LoopRequest) -> Call:
        """Return the room that the path names, without who is inside.

        Raises: LoopRefusal 404, StoreError.
        """
        call = await find_call(self._edge.store, request.scope["path_params"]["token"])
        if call is None or not call.exists(request.now_ms):
            raise room_not_found()
        return call

    def url_of(self, request: LoopRequest, room: str) -> str:
        """Return the address that the owner hands to others."""
        origin = next((origin for origin in self._edge.settings.allowed_origins if origin != "*"), request.base_url)
        return f"{origin.rstrip('/')}/{room}"

    def _plainly(self, request: LoopRequest, call: Call) -> dict[str, Any]:
        attributes = call.attributes
        shown: dict[str, Any] = {"roomToken": call.room}
        if "room_name" in attributes:
            shown["roomName"] = attributes["room_name"]
        shown["context"] = attributes.get("context")
        shown["roomOwner"] = attributes.get("room_owner", "")
        shown["roomUrl"] = self.url_of(request, call.room)
        return shown

    def _in_full(self, request: LoopRequest, call: Call, inside: Sequence[Participant]) -> dict[str, Any]:
        max_size = int(call.attributes.get("max_size") or 0)
        sizes = [size for size in (max_size, *map(_size_of, inside)) if size > 0]
        return {
            **self._plainly(request, call),
            "maxSize": max_size,
            "clientMaxSize": min(sizes, default=0),
            "creationTime": call.created_at_ms // 1000,
            "expiresAt": call.ends_at_ms // 1000,
            "ctime": call.changed_at_ms // 1000,
            "participants": [_shown(participant, call) for participant in inside],
        }


def _size_of(participant: Participant) -> int:
    size = participant.said.get("client_max_size")
    return size if isinstance(size, int) else 0


def _shown(participant: Participant, call: Call) -> dict[str, Any]:
    return {
        "roomConnectionId": participant.session,
        "displayName": participant.said.get("display_name"),
        "owner": bool(participant.user) and participant.user == call.owner,
    }


def _is_owner(caller: Caller, call: Call) -> bool:
    return bool(caller.user) and caller.user == call.owner


def _is_inside(caller: Caller, inside: Sequence[Participant]) -> bool:
    if caller.session is not None:
        return any(participant.session == caller.session.session for participant in inside)
    return any(participant.user == caller.user for participant in inside)


def _deleted(calls: Sequence[Call], now_ms: int) -> list[dict[str, Any]]:
    remembered_since_ms = now_ms - DELETIONS_REMEMBERED_S * 1000
    return [
        {"roomToken": call.room, "deleted": True}
        for call in calls
        if call.is_deleted and call.changed_at_ms >= remembered_since_ms
    ]
