"""GET /v1/rooms, /v1/rooms/{room}, /v1/sessions/{session}, /v1/accounting: answered from the store.

Lists of rooms go by name, `after` takes the last `room` of the page before. A page of rooms may end within the kinds of
one name only if kinds share names, which is why `room_kind` can be given. Facts and stays come in pages too: a reply
says where the next one begins (`next…`), `after` and the like take it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from ingest.edge import Edge
from ingest.native.described import reply, security, trouble
from ingest.native.explain import rule_of, words_of
from ingest.native.names import NAME
from storage.accounting import read_accounting
from storage.reading import room_record
from storage.stories import (
    Place,
    StayPlace,
    live_room_list,
    place_of,
    room_facts,
    room_list,
    room_stays,
    session_facts,
    stay_place_of,
)

RoomKind = Literal["call", "account", "stream"]
Limit = Annotated[int, Query(ge=1, le=10_000)]
FactPlace = Annotated[str, Query(pattern=r"^(\d{1,5}\.\d{1,18}\.\d{1,9}\.\d{1,5})?$")]
SessionPlace = Annotated[str, Query(pattern=r"^(\d{1,15}\.[\s\S]*)?$")]


def read_routes(edge: Edge, check_token: Callable[[Request], None], *, is_open: bool) -> APIRouter:
    """Return the routes; open ones need no token."""
    router = APIRouter(prefix="/v1", tags=["native"], dependencies=[Depends(check_token)])
    extra = security(is_open=is_open)
    _add_accounting_and_sessions(router, edge, extra)
    _add_rooms(router, edge, extra)
    return router


def _add_accounting_and_sessions(router: APIRouter, edge: Edge, extra: dict[str, Any]) -> None:
    @router.get(
        "/accounting",
        responses={200: reply("Accounting", "where every input is"), **trouble(401, 503)},
        openapi_extra=extra,
    )
    async def get_accounting() -> Response:
        """Tell whether everything accepted is stored, dead-lettered or pending, in all and by partition."""
        return _json(await read_accounting(await edge.store.store(), edge.log))

    @router.get(
        f"/sessions/{{session:{NAME}}}",
        responses={200: reply("SessionStory", "a page of its facts"), **trouble(401, 404, 503)},
        openapi_extra=extra,
    )
    async def get_session(session: str, limit: Limit = 1000, after: FactPlace = "") -> Response:
        """Return the facts of a session, in words and in data, with the rule behind each verdict."""
        return _json(await _session(edge, session, limit, _fact_place(after)))


def _add_rooms(router: APIRouter, edge: Edge, extra: dict[str, Any]) -> None:
    @router.get(
        "/rooms", responses={200: reply("RoomList", "a page of rooms"), **trouble(401, 503)}, openapi_extra=extra
    )
    async def get_rooms(
        live: bool = False, room_kind: RoomKind | None = None, limit: Limit = 100, after: str = ""
    ) -> Response:
        """Return rooms by name, with how many sessions each had; with `live=true` those that have live ones."""
        listed = live_room_list if live else room_list
        rooms = await listed(edge.store, room_kind or "", limit, after)
        return _json({"rooms": rooms})

    @router.get(
        f"/rooms/{{room:{NAME}}}",
        responses={200: reply("RoomStory", "the room"), **trouble(401, 404, 503)},
        openapi_extra=extra,
    )
    async def get_room(
        room: str,
        room_kind: RoomKind = "call",
        limit: Limit = 1000,
        facts_after: FactPlace = "",
        sessions_after: SessionPlace = "",
    ) -> Response:
        """Return a room: its attributes if it was created and not deleted, what befell it, and everybody's stays."""
        pages = RoomPages(limit, _fact_place(facts_after), _session_place(sessions_after))
        return _json(await _room(edge, room_kind, room, pages))


class RoomPages(msgspec.Struct, frozen=True):
    """Which pages of a room's facts and stays are asked for."""

    limit: int
    facts_after: Place | None
    sessions_after: StayPlace | None


async def _session(edge: Edge, session: str, limit: int, after: Place | None) -> dict[str, Any]:
    # Facts that belong to no session have an empty name; they are nobody's story.
    facts = await session_facts(edge.store, session, limit + 1, after) if session else []
    if not facts and after is None:
        raise HTTPException(404, "no session of that name is stored")
    return {
        "session": session,
        "facts": [_told(fact) for fact in facts[:limit]],
        "next": _next_place(facts, limit),
    }


async def _room(edge: Edge, room_kind: str, room: str, pages: RoomPages) -> dict[str, Any]:
    limit = pages.limit
    facts = await room_facts(edge.store, room_kind, room, limit + 1, pages.facts_after)
    stays = await room_stays(edge.store, room_kind, room, limit + 1, pages.sessions_after)
    if not facts and not stays and pages.facts_after is None and pages.sessions_after is None:
        raise HTTPException(404, "no room of that name is stored")
    record = await room_record(edge.store, room, room_kind)
    next_stay = stay_place_of(stays[limit - 1]) if len(stays) > limit else None
    return {
        "room_kind": room_kind,
        "room": room,
        "attributes": None if record is None else record.attributes,
        "facts": facts[:limit],
        "next_facts": _next_place(facts, limit),
        "sessions": stays[:limit],
        "next_sessions": None if next_stay is None else f"{next_stay.opened_at_ms}.{next_stay.session}",
    }


def _next_place(facts: Sequence[dict[str, Any]], limit: int) -> str | None:
    return ".".join(map(str, place_of(facts[limit - 1]))) if len(facts) > limit else None


def _fact_place(text: str) -> Place | None:
    return Place(*map(int, text.split("."))) if text else None


def _session_place(text: str) -> StayPlace | None:
    opened_at_ms, _, session = text.partition(".")
    return StayPlace(int(opened_at_ms), session) if text else None


def _told(fact: Mapping[str, Any]) -> dict[str, Any]:
    return {"words": words_of(fact), "rule": rule_of(fact), **fact}


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
