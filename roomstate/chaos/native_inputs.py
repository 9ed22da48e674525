"""The native inputs of the load: every kind that POST /v1/inputs takes, drawn from a random generator. Pure.

Rooms and sessions are few, so that everything that can happen to a session does: opened twice, refreshed after its
end, killed while it talks. A new set of rooms comes with each era, so that none of them grows without end.
"""

from random import Random
from typing import Any, Final

from roomstate.simulation.client_rule import (
    OWN_CONNECTED,
    PEER_CONNECTED,
    PEER_GONE,
    PEER_STREAM,
    PEER_STREAM_GONE,
    PUBLISHED,
    SUBSCRIBED,
    UNPUBLISHED,
    ClientRule,
)

SEATS: Final = 3
"""Of the room that everybody wants to get into."""

_ROOMS: Final = {"call": 8, "account": 3, "stream": 3}
_SESSIONS: Final = 4
_EVENTS: Final = (OWN_CONNECTED, PEER_CONNECTED, PEER_GONE, PUBLISHED, PEER_STREAM, PEER_STREAM_GONE, SUBSCRIBED)
_LEASES_MS: Final = (0, 0, 1_000, 5_000)
_WEIGHTS: Final = {
    "status": 40,
    "open": 14,
    "refresh": 10,
    "close": 8,
    "kill": 3,
    "expire": 4,
    "room_create": 4,
    "room_update": 4,
    "room_delete": 1,
    "publish": 4,
    "unpublish": 3,
    "log_domains": 3,
}
_OF_SESSIONS: Final = frozenset({"status", "open", "refresh", "close", "kill", "expire", "log_domains"})


class NativeRooms:
    """The rooms of one era, and what the clients in them would declare next."""

    def __init__(self, random: Random, era: int) -> None:
        self._random = random
        self._era = era
        self._rules: dict[str, ClientRule] = {}
        self._sequence: dict[str, int] = {}

    @property
    def crowded_room(self) -> str:
        """The room with few seats."""
        return f"chaos-{self._era}-crowded"

    def drawn(self) -> dict[str, Any]:
        """Return an input of any kind, in any room."""
        (kind,) = self._random.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))
        room_kind = self._random.choice(tuple(_ROOMS))
        if kind in ("publish", "unpublish"):
            room_kind = "stream"
        body: dict[str, Any] = {"kind": kind, "room_kind": room_kind, "room": self._room(room_kind)}
        if kind in _OF_SESSIONS:
            body["session"] = self._session(body["room"])
        if kind == "open" and room_kind == "account":
            body["replace"] = self._random.choice(("", "", "oldest", self._session(body["room"])))
        return body | self._members(kind, body.get("session", ""))

    def drawn_status(self) -> dict[str, Any]:
        """Return a status of a call."""
        room = self._room("call")
        session = self._session(room)
        return {"kind": "status", "room": room, "session": session, **self._status(session)}

    def drawn_invalid(self) -> Any:
        """Return something that is no input."""
        good = self.drawn_status()
        return self._random.choice(
            (
                {**good, "kind": "dance"},
                {**good, "connections": -1},
                {name: value for name, value in good.items() if name != "event"},
                {**good, "session": ""},
                {**good, "room": 7},
                "no object",
            )
        )

    def _room(self, room_kind: str) -> str:
        return f"chaos-{self._era}-{room_kind}-{self._random.randrange(_ROOMS[room_kind])}"

    def _session(self, room: str) -> str:
        return f"{room}-{self._random.randrange(_SESSIONS)}"

    def _status(self, session: str) -> dict[str, Any]:
        event = self._random.choice((*_EVENTS, UNPUBLISHED))
        declared = self._rules.setdefault(session, ClientRule()).after(event)._asdict()
        self._sequence[session] = self._sequence.get(session, 0) + 1
        counters = {name: max(0, value) for name, value in declared.items() if isinstance(value, int)}
        return {**declared, **counters, "seq": self._sequence[session], "bytes_sent": self._random.randrange(1 << 40)}

    def _members(self, kind: str, session: str) -> dict[str, Any]:
        """Return what only this kind has."""
        match kind:
            case "status":
                return self._status(session)
            case "open":
                lease_ms = self._random.choice(_LEASES_MS)
                return {"user": f"{session}-user", "device_type": "tv", "app": "chaos", "lease_ms": lease_ms}
            case "room_create" | "room_update":
                return {"user": "chaos-owner", "topic": self._random.choice(("war", "peace", "crime"))}
            case "log_domains":
                return {"domains": [{"domain": "example.org", "count": self._random.randrange(9)}]}
        return {}
