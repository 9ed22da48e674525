"""The directory: which calls exist and who is in them, as far as this process has heard.

It is only a cache. It begins with what the store holds, follows the decisions topic from a point noted before, and
asks the store on a miss, or when a lease that it knows has run out. What it holds is bounded: the oldest entries make
room. What it heard closing or deleted is remembered for a while, so that neither a slower answer of the store nor a
repeated decision brings it back. All methods run on the event loop. Source: design section 5.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol, TypeVar

from ingest.known_sessions import KnownSessions
from ingest.metrics import Metrics
from state_machine.endings import EXTENSION_MS
from state_machine.room import NEVER_MS
from storage.decisions import Decision
from storage.reading import LiveSession

_Found = TypeVar("_Found")
_CALL = "call"
_COMINGS_AND_GOINGS = frozenset({"session_opened", "session_refreshed", "session_closed"})


class DirectoryStore(Protocol):
    """What the directory asks of the store; each answer is as of a moment after the question."""

    async def live_session(self, room: str, session: str) -> LiveSession | None:
        """Return the session if it is live."""

    async def live_session_of_user(self, room: str, user: str) -> LiveSession | None:
        """Return the user's newest live session in the room."""

    async def room_expiry_ms(self, room: str) -> int | None:
        """Return when the created and not deleted room ends (`NEVER_MS`: never), or None if there is none."""


@dataclass(frozen=True, slots=True)
class DirectoryLimits:
    """How many entries are kept of each sort."""

    sessions: int = 200_000
    rooms: int = 200_000
    closed: int = 100_000


class Directory:
    """Live sessions by room and session and by room and user, and the rooms that exist; calls only."""

    def __init__(self, store: DirectoryStore, metrics: Metrics, limits: DirectoryLimits | None = None) -> None:
        self._store = store
        self._metrics = metrics
        self._limits = limits or DirectoryLimits()
        self._sessions = KnownSessions(self._limits.sessions)
        self._rooms: dict[str, int] = {}
        self._deleted: dict[str, None] = {}
        self._closed: dict[str, int] = {}
        self._asking: dict[tuple[str, ...], asyncio.Future[Any]] = {}
        self.known_user_of_live = self._sessions.user_of_live
        """Return the user of a room's session, empty for a guest, or None if it is not known here to be live."""
        self.known_room_expiry_ms = self._rooms.get
        """Return when the room ends as last heard, or None if it is not known here."""

    @property
    def size(self) -> tuple[int, int]:
        """Sessions and rooms held."""
        return len(self._sessions), len(self._rooms)

    async def session(self, room: str, session: str, now_ms: int) -> LiveSession | None:
        """Return the session if it is live at `now_ms`.

        Raises: StoreUnavailable if only the store could tell and it can't be reached.
        """
        known = self._sessions.get(room, session)
        if known is None or known.lease_ends_at_ms <= now_ms:
            if _name(room, session) in self._closed:
                return None
            known = await self._asked(("session", room, session), lambda: self._store.live_session(room, session))
            if known is not None:
                known = self._learn(known)
        return known if known is not None and known.lease_ends_at_ms > now_ms else None

    async def session_of_user(self, room: str, user: str, now_ms: int) -> LiveSession | None:
        """Return the user's session in the room if one is live at `now_ms`.

        Raises: StoreUnavailable.
        """
        known = self._sessions.of_user(room, user)
        if known is None or known.lease_ends_at_ms <= now_ms:
            known = await self._asked(("user", room, user), lambda: self._store.live_session_of_user(room, user))
            if known is not None:
                known = self._learn(known)
        return known if known is not None and known.lease_ends_at_ms > now_ms else None

    async def has_room(self, room: str, now_ms: int) -> bool:
        """Tell whether the room was created, not deleted, and has not ended.

        Raises: StoreUnavailable.
        """
        expiry_ms = self._rooms.get(room)
        if room in self._deleted:
            return False
        if expiry_ms is None or expiry_ms <= now_ms:
            expiry_ms = await self._asked(("room", room), lambda: self._store.room_expiry_ms(room))
            if expiry_ms is not None and room not in self._deleted:
                self._learn_room(room, expiry_ms)
        return expiry_ms is not None and expiry_ms > now_ms

    def fill(self, sessions: Iterable[LiveSession], rooms: Iterable[tuple[str, int]]) -> None:
        """Take in who is live and which rooms exist, says the store; what was heard of meanwhile is left as heard."""
        for live in sessions:
            if self._sessions.get(live.room, live.session) is None:
                self._learn(live)
        for room, expiry_ms in rooms:
            if room not in self._rooms and room not in self._deleted:
                self._learn_room(room, expiry_ms)

    def apply(self, decision: Decision) -> None:
        """Take in one decision; a repeated one changes nothing."""
        if decision.room_kind != _CALL:
            return
        if decision.fact in _COMINGS_AND_GOINGS:
            self._extend_room(decision)
        if decision.fact == "session_opened":
            self._learn(_live_of(decision))
        elif decision.fact == "session_refreshed":
            self._renew(decision)
        elif decision.fact == "session_closed":
            self._close(decision)
        elif decision.fact in ("room_created", "room_updated"):
            self._deleted.pop(decision.room, None)
            self._learn_room(decision.room, int(decision.extra.get("expires_at_ms") or NEVER_MS))
        elif decision.fact == "room_deleted":
            self._delete_room(decision.room)

    def _learn(self, live: LiveSession) -> LiveSession | None:
        """Keep the session unless its stay was heard closing; return what is kept."""
        name = _name(live.room, live.session)
        closed_stay_ms = self._closed.get(name)
        if closed_stay_ms is not None:
            if live.opened_at_ms <= closed_stay_ms:
                return None
            del self._closed[name]
        self._sessions.put(live)
        return live

    def _renew(self, decision: Decision) -> None:
        if not self._sessions.extend(decision.room, decision.session, decision.lease_ends_at_ms):
            self._learn(_live_of(decision))

    def _close(self, decision: Decision) -> None:
        known = self._sessions.get(decision.room, decision.session)
        if known is not None and known.opened_at_ms > decision.opened_at_ms:
            return
        self._sessions.drop(decision.room, decision.session)
        name = _name(decision.room, decision.session)
        self._closed.pop(name, None)
        self._closed[name] = decision.opened_at_ms
        _make_room(self._closed, self._limits.closed)

    def _delete_room(self, room: str) -> None:
        self._rooms.pop(room, None)
        self._deleted.pop(room, None)
        self._deleted[room] = None
        _make_room(self._deleted, self._limits.closed)

    def _extend_room(self, decision: Decision) -> None:
        """Note that a call which somebody uses goes on (`state_machine.endings`)."""
        end_ms = self._rooms.get(decision.room, NEVER_MS)
        if end_ms != NEVER_MS and decision.kind != "status" and decision.reason != "expired":
            self._rooms[decision.room] = max(end_ms, decision.at_ms + EXTENSION_MS)

    def _learn_room(self, room: str, expiry_ms: int) -> None:
        self._rooms[room] = expiry_ms
        _make_room(self._rooms, self._limits.rooms)

    async def _asked(self, question: tuple[str, ...], ask: Callable[[], Awaitable[_Found]]) -> _Found:
        """Return the store's answer; the same question under way is asked once."""
        under_way = self._asking.get(question)
        if under_way is None:
            self._metrics.directory_lookups.inc()
            under_way = self._asking[question] = asyncio.ensure_future(_awaited(ask()))
            under_way.add_done_callback(lambda _: self._asking.pop(question, None))
        found: _Found = await asyncio.shield(under_way)
        return found


def _name(room: str, session: str) -> str:
    """Return one string for both, which no other two give; a pair would take twice the memory."""
    return f"{len(room)}:{room}{session}"


def _make_room(entries: dict[str, Any], entries_max: int) -> None:
    """Forget the oldest entries if there are too many; some at once, because finding them takes a walk."""
    if len(entries) > entries_max:
        for oldest in list(islice(entries, max(1, min(64, entries_max // 16)))):
            del entries[oldest]


async def _awaited(answer: Awaitable[_Found]) -> _Found:
    return await answer


def _live_of(decision: Decision) -> LiveSession:
    return LiveSession(
        room=decision.room,
        session=decision.session,
        user=decision.user,
        opened_at_ms=decision.opened_at_ms,
        lease_ends_at_ms=decision.lease_ends_at_ms or NEVER_MS,
    )
