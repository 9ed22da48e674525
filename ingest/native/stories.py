"""The bodies of a session's story and a room's: facts explained, in pages that say how to go on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import HTTPException

from ingest.edge import Edge
from ingest.native.explain import explained
from state_machine.vocabulary import RULE_VERSION
from storage.as_of import attributes_as_of, is_known, people_as_of
from storage.fact_places import Place, place_of
from storage.reading import room_record
from storage.session_story import session_page
from storage.stories import StayPlace, room_facts, room_stays, stay_place_of


class RoomPages(msgspec.Struct, frozen=True):
    """Which pages of a room's facts and stays are asked for."""

    limit: int
    facts_after: Place | None
    sessions_after: StayPlace | None


async def session_story(edge: Edge, session: str, limit: int, after: Place | None) -> dict[str, Any]:
    """Return a page of a session's facts.

    Raises: HTTPException 404 if nothing of that name is stored.
    """
    # Facts that belong to no session have an empty name; they are nobody's story.
    page = await session_page(edge.store, session, limit, after) if session else None
    if page is None or (not page.facts and after is None):
        raise HTTPException(404, "no session of that name is stored")
    following = str(place_of(page.facts[-1])) if page.has_more else None
    return {
        "session": session,
        "rule_version": RULE_VERSION,
        "facts": [explained(fact) for fact in page.facts],
        "next": following,
        "note": _note(len(page.facts), page.total, f"after={following}") if following else None,
    }


async def room_story(edge: Edge, room_kind: str, room: str, pages: RoomPages) -> dict[str, Any]:
    """Return a room: its attributes, a page of its facts, a page of its stays.

    Raises: HTTPException 404 if nothing of that name is stored.
    """
    limit = pages.limit
    facts = await room_facts(edge.store, room_kind, room, limit + 1, pages.facts_after)
    stays = await room_stays(edge.store, room_kind, room, limit + 1, pages.sessions_after)
    if not facts and not stays and pages.facts_after is None and pages.sessions_after is None:
        raise HTTPException(404, "no room of that name is stored")
    record = await room_record(edge.store, room, room_kind)
    next_fact = str(place_of(facts[limit - 1])) if len(facts) > limit else None
    next_stay = _next_stay(stays, limit)
    return {
        "room_kind": room_kind,
        "room": room,
        "attributes": None if record is None else record.attributes,
        "facts": [explained(fact) for fact in facts[:limit]],
        "next_facts": next_fact,
        "sessions": stays[:limit],
        "next_sessions": next_stay,
        "note": _room_note(limit, next_fact, next_stay),
    }


async def room_as_of(edge: Edge, room_kind: str, room: str, at_ms: int, pages: RoomPages) -> dict[str, Any]:
    """Return who was in the room at the moment, a page of them, and what was known of it.

    Raises: HTTPException 404 if nothing of that name is stored, whenever it happened.
    """
    if not await is_known(edge.store, room_kind, room):
        raise HTTPException(404, "no room of that name is stored")
    limit = pages.limit
    inside, people = await people_as_of(edge.store, room_kind, room, at_ms, limit=limit + 1, after=pages.sessions_after)
    next_stay = _next_stay(inside, limit)
    return {
        "room_kind": room_kind,
        "room": room,
        "at": datetime.fromtimestamp(at_ms / 1000, UTC),
        "attributes": await attributes_as_of(edge.store, room_kind, room, at_ms),
        "people": people,
        "sessions": inside[:limit],
        "next_sessions": next_stay,
        "note": _room_note(limit, None, next_stay),
    }


def _next_stay(stays: Sequence[dict[str, Any]], limit: int) -> str | None:
    if len(stays) <= limit:
        return None
    place = stay_place_of(stays[limit - 1])
    return f"{place.opened_at_ms}.{place.session}"


def _note(told: int, total: int, cursor: str) -> str:
    return f"cut after {told} facts; the session has {total}. Ask again with {cursor} for those that follow."


def _room_note(limit: int, next_fact: str | None, next_stay: str | None) -> str | None:
    cut = {"facts_after=next_facts": next_fact, "sessions_after=next_sessions": next_stay}
    cursors = " and ".join(cursor for cursor, following in cut.items() if following is not None)
    return f"cut after {limit}. Ask again with {cursors} for those that follow." if cursors else None
