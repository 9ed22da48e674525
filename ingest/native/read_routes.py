"""GET /v1/rooms, /v1/rooms/{room}, /v1/sessions/{session}, /v1/accounting: answered from the store.

Lists go by name, `after` takes the last `room` of the page before. A page of rooms may end within the kinds of one
name only if kinds share names, which is why `room_kind` can be given.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from ingest.edge import Edge
from ingest.native.explain import rule_of, words_of
from storage.accounting import read_accounting
from storage.reading import room_record
from storage.stories import live_room_list, room_facts, room_list, room_stays, session_facts

RoomKind = Literal["call", "account", "stream"]
Limit = Annotated[int, Query(ge=1, le=10_000)]


def read_routes(edge: Edge, check_token: Callable[[Request], None]) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/v1", tags=["native"], dependencies=[Depends(check_token)])

    @router.get("/accounting")
    async def get_accounting() -> Response:
        """Tell whether everything accepted is stored, dead-lettered or pending, in all and by partition."""
        return _json(await read_accounting(await edge.store.store(), edge.log))

    @router.get("/sessions/{session:path}")
    async def get_session(session: str) -> Response:
        """Return every fact of a session, in words and in data, with the rule behind each verdict."""
        # Facts that belong to no session have an empty name; they are nobody's story.
        facts = await session_facts(edge.store, session) if session else []
        if not facts:
            raise HTTPException(404, "no session of that name is stored")
        return _json({"session": session, "facts": [_told(fact) for fact in facts]})

    @router.get("/rooms")
    async def get_rooms(
        live: bool = False, room_kind: RoomKind | None = None, limit: Limit = 100, after: str = ""
    ) -> Response:
        """Return rooms by name; with `live=true` those that have a live session."""
        listed = live_room_list if live else room_list
        rooms = await listed(edge.store, room_kind or "", limit, after)
        return _json({"rooms": rooms})

    @router.get("/rooms/{room:path}")
    async def get_room(room: str, room_kind: RoomKind = "call") -> Response:
        """Return a room: its attributes if it was created and not deleted, what befell it, and everybody's stays."""
        return _json(await _room(edge, room_kind, room))

    return router


async def _room(edge: Edge, room_kind: str, room: str) -> dict[str, Any]:
    facts = await room_facts(edge.store, room_kind, room)
    stays = await room_stays(edge.store, room_kind, room)
    if not facts and not stays:
        raise HTTPException(404, "no room of that name is stored")
    record = await room_record(edge.store, room, room_kind)
    attributes = None if record is None else record.attributes
    return {"room_kind": room_kind, "room": room, "attributes": attributes, "facts": facts, "sessions": stays}


def _told(fact: Mapping[str, Any]) -> dict[str, Any]:
    return {"words": words_of(fact), "rule": rule_of(fact), **fact}


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
