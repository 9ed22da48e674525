"""GET /v1/rooms, /v1/rooms/{room}, /v1/sessions/{session}, /v1/accounting: answered from the store; /v1/rules.

Lists of rooms go by name, `after` takes the last `room` of the page before. A page of rooms may end within the kinds of
one name only if kinds share names, which is why `room_kind` can be given. Facts and stays come in pages too: a reply
says where the next one begins (`next…`), `after` and the like take it.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response

from ingest.edge import Edge
from ingest.native.described import reply, security, trouble
from ingest.native.moments import OddMoment, moment_ms
from ingest.native.names import NAME
from ingest.native.rules import the_rules
from ingest.native.stories import RoomPages, room_as_of, room_story, session_story
from storage.accounting import read_accounting
from storage.clock import now_ms
from storage.fact_places import read_place
from storage.stories import StayPlace, live_room_list, room_list

RoomKind = Literal["call", "account", "stream"]
Limit = Annotated[int, Query(ge=1, le=10_000)]
FactPlace = Annotated[str, Query(pattern=r"^(\d{1,5}\.\d{1,18}\.\d{1,9}\.\d{1,5})?$")]
SessionPlace = Annotated[str, Query(pattern=r"^(\d{1,15}\.[\s\S]*)?$")]


def read_routes(edge: Edge, check_token: Callable[[Request], None], *, is_open: bool) -> APIRouter:
    """Return the routes; open ones need no token."""
    router = APIRouter(prefix="/v1", tags=["native"], dependencies=[Depends(check_token)])
    extra = security(is_open=is_open)
    _add_accounting_and_rules(router, edge, extra)
    _add_sessions(router, edge, extra)
    _add_rooms(router, edge, extra)
    return router


def _add_accounting_and_rules(router: APIRouter, edge: Edge, extra: dict[str, Any]) -> None:
    @router.get(
        "/accounting",
        responses={200: reply("Accounting", "where every input is"), **trouble(401, 503)},
        openapi_extra=extra,
    )
    async def get_accounting() -> Response:
        """Tell whether everything accepted is stored, dead-lettered or pending, in all and by partition."""
        return _json(await read_accounting(await edge.store.store(), edge.log))

    @router.get("/rules", responses={200: reply("Rules", "the rules"), **trouble(401)}, openapi_extra=extra)
    async def get_rules() -> Response:
        """Return the state diagram, what events mean, and every rule in words."""
        return _json(the_rules())


def _add_sessions(router: APIRouter, edge: Edge, extra: dict[str, Any]) -> None:
    @router.get(
        f"/sessions/{{session:{NAME}}}",
        responses={200: reply("SessionStory", "a page of its facts"), **trouble(401, 404, 503)},
        openapi_extra=extra,
    )
    async def get_session(session: str, limit: Limit = 1000, after: FactPlace = "") -> Response:
        """Explain a session: each fact in a sentence and in data, its rule, the steps to it, what was known before."""
        return _json(await session_story(edge, session, limit, read_place(after)))


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
        responses={200: reply("RoomNowOrThen", "the room"), **trouble(400, 401, 404, 503)},
        openapi_extra=extra,
    )
    async def get_room(
        room: str,
        *,
        room_kind: RoomKind = "call",
        limit: Limit = 1000,
        facts_after: FactPlace = "",
        sessions_after: SessionPlace = "",
        at: Annotated[str | None, Query(description="ISO 8601 or epoch milliseconds: who was inside then")] = None,
    ) -> Response:
        """Return a room: what is known of it, what befell it, and everybody's stays; with `at`, who was inside then."""
        pages = RoomPages(limit, read_place(facts_after), _session_place(sessions_after))
        if at is not None:
            return _json(await room_as_of(edge, room_kind, room, _moment_ms(at), pages))
        return _json(await room_story(edge, room_kind, room, pages))


def _moment_ms(text: str) -> int:
    try:
        return moment_ms(text, now_ms())
    except OddMoment as odd:
        raise HTTPException(400, str(odd)) from None


def _session_place(text: str) -> StayPlace | None:
    opened_at_ms, _, session = text.partition(".")
    return StayPlace(int(opened_at_ms), session) if text else None


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
