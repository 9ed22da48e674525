"""Who is live and in which state, kept up to date fact by fact; what changed is told from one look to the next.

It shows what the view `live_sessions` shows: a session leaves when it closes or when its lease is over, whichever is
noticed first. A fact that was counted in already changes nothing. Units: `*_ms` epoch milliseconds, UTC.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import msgspec

from storage.live_facts import LiveFact, LiveStay

Name = tuple[str, str, str]
"""Room kind, room and session."""

VIOLATIONS_KEPT: Final = 50


class Move(NamedTuple):
    """What happened to sessions, of one sort: `from_state` '' = came, `to_state` '' = left."""

    room_kind: str
    from_state: str
    to_state: str
    verdict: str
    reason: str


class Change(msgspec.Struct, frozen=True):
    """What differs from the look before."""

    changed: list[LiveStay]
    gone: list[Name]
    moves: list[tuple[Any, ...]]
    """Each a `Move` and how often it happened."""
    violations: list[tuple[Any, ...]]
    """The newest: at, room kind, room, session, event, state before, state declared, reason."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.changed or self.gone or self.moves or self.violations)


class Picture:
    """The live sessions."""

    def __init__(self, stays: Iterable[LiveStay]) -> None:
        self._stays: dict[Name, LiveStay] = {(stay.room_kind, stay.room, stay.session): stay for stay in stays}
        self._counts = Counter((stay.room_kind, stay.state) for stay in self._stays.values())
        self._changed: set[Name] = set()
        self._gone: set[Name] = set()
        self._moves: Counter[Move] = Counter()
        self._violations: list[tuple[Any, ...]] = []

    def __len__(self) -> int:
        return len(self._stays)

    @property
    def stays(self) -> list[LiveStay]:
        """Everybody who is live."""
        return list(self._stays.values())

    def counts(self) -> list[tuple[str, str, int]]:
        """Return how many sessions of each kind of room are in each state."""
        return [(room_kind, state, number) for (room_kind, state), number in sorted(self._counts.items()) if number]

    def apply(self, fact: LiveFact) -> None:
        """Take in the next fact of its partition."""
        if not fact.session:
            return
        name = (fact.room_kind, fact.room, fact.session)
        known = self._stays.get(name)
        if known is not None and known.opened_at_ms > fact.opened_at_ms:
            return
        if fact.fact == "session_opened":
            self._put(name, _opened(fact))
            self._moves[Move(fact.room_kind, "", "init", "", fact.reason)] += 1
        elif fact.fact == "session_closed":
            self._drop(name)
            self._moves[Move(fact.room_kind, fact.prev_state, "", "", fact.reason)] += 1
        elif fact.fact == "session_refreshed":
            if known is not None and known.opened_at_ms == fact.opened_at_ms:
                self._put(name, _seen(known, fact))
        elif fact.fact == "status_judged":
            self._judge(name, known, fact)

    def expire(self, now_ms: int) -> None:
        """Let go of those whose lease is over."""
        over = [name for name, stay in self._stays.items() if stay.lease_ends_at_ms and stay.lease_ends_at_ms <= now_ms]
        for name in over:
            self._drop(name)

    def take_change(self) -> Change:
        """Return what changed since this was asked the last time."""
        change = Change(
            changed=[self._stays[name] for name in self._changed],
            gone=list(self._gone),
            moves=[(*move, number) for move, number in self._moves.items()],
            violations=self._violations[-VIOLATIONS_KEPT:],
        )
        self._changed, self._gone, self._moves, self._violations = set(), set(), Counter(), []
        return change

    def _judge(self, name: Name, known: LiveStay | None, fact: LiveFact) -> None:
        to_state = fact.state if fact.moved else fact.prev_state
        self._moves[Move(fact.room_kind, fact.prev_state, to_state, fact.verdict, fact.reason)] += 1
        if fact.verdict == "violation":
            who = (fact.at_ms, fact.room_kind, fact.room, fact.session)
            self._violations.append((*who, fact.event, fact.prev_state, fact.state[:40], fact.reason))
        if known is None or known.opened_at_ms != fact.opened_at_ms:
            return
        seen = _seen(known, fact)
        if fact.moved:
            seen = seen._replace(
                state=fact.state,
                connections=fact.connections,
                send_streams=fact.send_streams,
                recv_streams=fact.recv_streams,
            )
        self._put(name, seen)

    def _put(self, name: Name, stay: LiveStay) -> None:
        if (known := self._stays.get(name)) is not None:
            self._counts[known.room_kind, known.state] -= 1
        self._stays[name] = stay
        self._counts[stay.room_kind, stay.state] += 1
        self._changed.add(name)
        self._gone.discard(name)

    def _drop(self, name: Name) -> None:
        if (known := self._stays.pop(name, None)) is not None:
            self._counts[known.room_kind, known.state] -= 1
            self._changed.discard(name)
            self._gone.add(name)


def _opened(fact: LiveFact) -> LiveStay:
    return LiveStay(
        room_kind=fact.room_kind,
        room=fact.room,
        session=fact.session,
        opened_at_ms=fact.opened_at_ms,
        state="init",
        connections=0,
        send_streams=0,
        recv_streams=0,
        last_seen_ms=fact.received_at_ms,
        lease_ends_at_ms=fact.lease_ends_at_ms,
        user=fact.user,
    )


def _seen(known: LiveStay, fact: LiveFact) -> LiveStay:
    return known._replace(
        last_seen_ms=max(known.last_seen_ms, fact.received_at_ms),
        lease_ends_at_ms=fact.lease_ends_at_ms or known.lease_ends_at_ms,
    )
