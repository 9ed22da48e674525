"""Registration and the rooms themselves: POST /registration, POST /rooms, GET and DELETE /rooms/{token}.

Decided here, where the contract leaves it open: a room's URL is the first allowed origin (the page that link-clickers
open) with the token behind it, or this server if every origin is allowed; a registration with valid Hawk credentials
is answered with an empty 200 and makes no second user; the `Alert` header is left to the rest of the contract.
Source: contracts 2.2 to 2.4 and 2.11.
"""

import base64
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from ingest.commands import Unanswered, new_id
from ingest.edge import Edge
from ingest.lines import Line
from ingest.loop.authentication import Authentication, Caller
from ingest.loop.fields import members_of
from ingest.loop.replies import (
    BADJSON,
    EMPTY,
    NO_CONTENT,
    UNDEFINED,
    LoopRefusal,
    Reply,
    error,
    json_reply,
    room_not_found,
    unavailable,
)
from ingest.loop.request import LoopRequest, request_of, response_of
from ingest.loop.room_members import new_room
from ingest.loop.users import HawkUsers
from storage.reading import RoomRecord, participants, room_record
from storage.store import StoreError

_LOG = logging.getLogger(__name__)
_TOKEN_BYTES: Final = 8
_HOUR_MS: Final = 3_600_000


class Rooms:
    """The routes of rooms, but for the actions inside one."""

    def __init__(self, edge: Edge, authentication: Authentication, users: HawkUsers) -> None:
        self._edge = edge
        self._authentication = authentication
        self._users = users

    async def register(self, request: LoopRequest) -> Reply:
        """POST /registration: return an empty 200; its header carries the new user's Hawk session token."""
        members_of(request.header(b"content-type"), request.body)
        if request.header(b"authorization"):
            await self._authentication.hawk_user(request)
            return EMPTY
        session_token = await self._users.register(request.now_ms)
        return Reply(200, headers=((b"hawk-session-token", session_token.encode()),))

    async def create(self, request: LoopRequest) -> Reply:
        """POST /rooms: return the new room's token, URL and end."""
        members = members_of(request.header(b"content-type"), request.body)
        owner = await self._authentication.hawk_user(request)
        if not _accepts_json(request.header(b"accept")):
            raise error(406, BADJSON, "Request body should be defined as application/json")
        room = new_room(members)
        token = base64.urlsafe_b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode().rstrip("=")
        expires_at_ms = request.now_ms + room.expires_in_h * _HOUR_MS
        await self._edge.commands.ask(
            Line(
                kind="room_create",
                received_at_ms=request.now_ms,
                room_kind="call",
                room=token,
                user=owner,
                id=new_id(),
                max_size=room.max_size,
                expires_at_ms=expires_at_ms,
                extra=room.attributes,
            )
        )
        room_url = self._room_url(request, token)
        return json_reply({"roomToken": token, "roomUrl": room_url, "expiresAt": expires_at_ms // 1000}, 201)

    async def show(self, request: LoopRequest) -> Reply:
        """GET /rooms/{token}: return what a stranger, or what a participant or the owner may see."""
        record = await self._existing(request)
        caller = await self._authentication.caller(request, record.room)
        shown = self._shown_to_strangers(request, record)
        if caller is None:
            return json_reply(shown)
        inside = await participants(self._edge.store, record.room)
        if caller.user != record.attributes.get("owner") and not _is_inside(caller, inside):
            raise error(403, UNDEFINED, "Authenticated user is neither a participant of the room nor the room owner.")
        return json_reply({**shown, **_shown_to_participants(record, inside)})

    async def delete(self, request: LoopRequest) -> Reply:
        """DELETE /rooms/{token}: end the room and everybody's stay in it."""
        user = await self._authentication.hawk_user(request)
        record = await self._existing(request)
        if user != record.attributes.get("owner"):
            raise error(403, UNDEFINED, "Authenticated user is not the owner of this room.")
        await self._edge.commands.ask(
            Line(
                kind="room_delete",
                received_at_ms=request.now_ms,
                room_kind="call",
                room=record.room,
                user=user,
                id=new_id(),
            )
        )
        return NO_CONTENT

    async def _existing(self, request: LoopRequest) -> RoomRecord:
        room = request.scope["path_params"]["token"]
        record = await room_record(self._edge.store, room)
        expires_at_ms = 0 if record is None else int(record.attributes.get("expires_at_ms") or 0)
        if record is None or 0 < expires_at_ms <= request.now_ms:
            raise room_not_found()
        return record

    def _room_url(self, request: LoopRequest, token: str) -> str:
        origin = next((origin for origin in self._edge.settings.allowed_origins if origin != "*"), request.base_url)
        return f"{origin.rstrip('/')}/{token}"

    def _shown_to_strangers(self, request: LoopRequest, record: RoomRecord) -> dict[str, Any]:
        attributes = record.attributes
        shown: dict[str, Any] = {"roomToken": record.room}
        if "room_name" in attributes:
            shown["roomName"] = attributes["room_name"]
        shown["context"] = attributes.get("context")
        shown["roomOwner"] = attributes.get("room_owner", "")
        shown["roomUrl"] = self._room_url(request, record.room)
        return shown


def _shown_to_participants(record: RoomRecord, inside: list[dict[str, Any]]) -> dict[str, Any]:
    attributes = record.attributes
    sizes = [int(person["extra"].get("client_max_size") or 0) for person in inside]
    max_size = int(attributes.get("max_size") or 0)
    changed_at_ms = max([record.updated_at_ms, *(person["at_ms"] for person in inside)])
    return {
        "maxSize": max_size,
        "clientMaxSize": min([max_size, *(size for size in sizes if size > 0)]),
        "creationTime": record.created_at_ms // 1000,
        "expiresAt": int(attributes.get("expires_at_ms") or 0) // 1000,
        "ctime": changed_at_ms // 1000,
        "participants": [
            {
                "roomConnectionId": person["session_id"],
                "displayName": person["extra"].get("display_name"),
                "owner": bool(person["user_id"]) and person["user_id"] == attributes.get("owner"),
            }
            for person in inside
        ],
    }


def _is_inside(caller: Caller, inside: list[dict[str, Any]]) -> bool:
    if caller.session is not None:
        return any(person["session_id"] == caller.session.session for person in inside)
    return any(person["user_id"] == caller.user for person in inside)


def _accepts_json(accept: bytes) -> bool:
    ranges = [part.split(b";")[0].strip().lower() for part in accept.split(b",")]
    return not accept or any(part in (b"*/*", b"application/*", b"application/json") for part in ranges)


def room_routes(rooms: Rooms) -> APIRouter:
    """Return the routes as FastAPI knows them."""
    router = APIRouter(tags=["Loop rooms"])

    def serve(handler: Callable[[LoopRequest], Awaitable[Reply]]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            try:
                loop_request = await request_of(request)
            except LoopRefusal as refusal:
                return response_of(refusal.reply, refusal.reply.all_headers(0))
            reply = await _answered(handler, loop_request)
            return response_of(reply, loop_request.full_headers(reply))

        endpoint.__doc__ = handler.__doc__
        return endpoint

    router.add_api_route("/registration", serve(rooms.register), methods=["POST"], name="register")
    router.add_api_route("/rooms", serve(rooms.create), methods=["POST"], name="create_room", status_code=201)
    router.add_api_route("/rooms/{token}", serve(rooms.show), methods=["GET"], name="show_room")
    router.add_api_route("/rooms/{token}", serve(rooms.delete), methods=["DELETE"], name="delete_room", status_code=204)
    return router


async def _answered(handler: Callable[[LoopRequest], Awaitable[Reply]], request: LoopRequest) -> Reply:
    try:
        return await handler(request)
    except LoopRefusal as refusal:
        return refusal.reply
    except (StoreError, Unanswered) as trouble:
        _LOG.debug("a request about rooms is answered 503: %s", trouble)
        return unavailable().reply
