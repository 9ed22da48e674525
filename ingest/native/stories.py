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
        "note": _note(_cut("facts", len(page.facts), page.total, "after", following)),
    }


async def room_story(edge: Edge, room_kind: str, room: str, pages: RoomPages) -> dict[str, Any]:
    """Return a room: its attributes, a page of its facts, a page of its stays.

    Raises: HTTPException 404 if nothing of that name is stored.
    """
    limit = pages.limit
    page = await room_facts(edge.store, room_kind, room, limit, pages.facts_after)
    stays = await room_stays(edge.store, room_kind, room, limit + 1, pages.sessions_after)
    if not page.facts and not stays and pages.facts_after is None and pages.sessions_after is None:
        raise HTTPException(404, "no room of that name is stored")
    record = await room_record(edge.store, room, room_kind)
    next_fact = str(place_of(page.facts[-1])) if page.has_more else None
    next_stay = _next_stay(stays, limit)
    return {
        "room_kind": room_kind,
        "room": room,
        "attributes": None if record is None else record.attributes,
        "facts": [explained(fact) for fact in page.facts],
        "next_facts": next_fact,
        "sessions": stays[:limit],
        "next_sessions": next_stay,
        "note": _note(
            _cut("facts", len(page.facts), page.total, "facts_after", next_fact),
            _cut("sessions", limit, None, "sessions_after", next_stay),
        ),
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
        "note": _note(_cut("sessions", limit, people, "sessions_after", next_stay)),
    }


def _next_stay(stays: Sequence[dict[str, Any]], limit: int) -> str | None:
    if len(stays) <= limit:
        return None
    place = stay_place_of(stays[limit - 1])
    return f"{place.opened_at_ms}.{place.session}"


def _note(*cut: str) -> str | None:
    """Return how to go on with each of the lists that are cut; None if none is."""
    return " ".join(text for text in cut if text) or None


def _cut(what: str, told: int, total: int | None, cursor: str, following: str | None) -> str:
    if following is None:
        return ""
    of_all = f" of {total}" if total is not None else ""
    return f"{what} are cut after {told}{of_all}: ask again with {cursor}={following} for those that follow."
