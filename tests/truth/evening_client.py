"""One client in a call: where it believes to be, and the next status that it sends, right or wrong."""

from random import Random
from typing import Any

from tests.truth.evening_text import (
    CREATED,
    DESTROYED,
    NOTICES,
    RECV_CREATED,
    RECV_DESTROYED,
    SEND_CREATED,
    SEND_DESTROYED,
    UNKNOWN_STATES,
)

Members = dict[str, Any]

_STEPS: dict[str, list[tuple[tuple[str, ...], str, int, int, int]]] = {
    "init": [(CREATED, "waiting", 1, 0, 0)],
    "waiting": [
        (CREATED, "starting", 1, 0, 0),
        (CREATED, "starting", 1, 0, 0),
        (SEND_CREATED, "sending", 0, 1, 0),
        (RECV_CREATED, "receiving", 0, 0, 1),
        (DESTROYED, "init", -1, 0, 0),
    ],
    "starting": [
        (SEND_CREATED, "sending", 0, 1, 0),
        (RECV_CREATED, "receiving", 0, 0, 1),
        (DESTROYED, "waiting", -1, 0, 0),
    ],
    "sending": [
        (RECV_CREATED, "sendrecv", 0, 0, 1),
        (RECV_CREATED, "sendrecv", 0, 0, 1),
        (SEND_CREATED, "sending", 0, 1, 0),
        (CREATED, "sending", 1, 0, 0),
        (SEND_DESTROYED, "cleanup", 0, -1, 0),
        (DESTROYED, "waiting", -1, 0, 0),
    ],
    "receiving": [
        (SEND_CREATED, "sendrecv", 0, 1, 0),
        (SEND_CREATED, "sendrecv", 0, 1, 0),
        (CREATED, "receiving", 1, 0, 0),
        (RECV_DESTROYED, "cleanup", 0, 0, -1),
        (DESTROYED, "waiting", -1, 0, 0),
    ],
    "sendrecv": [
        (RECV_CREATED, "sendrecv", 0, 0, 1),
        (SEND_DESTROYED, "receiving", 0, -1, 0),
        (RECV_DESTROYED, "sending", 0, 0, -1),
        (DESTROYED, "waiting", -1, 0, 0),
        (CREATED, "sendrecv", 1, 0, 0),
    ],
    "cleanup": [(DESTROYED, "waiting", -1, 0, 0), (CREATED, "cleanup", 1, 0, 0), (SEND_CREATED, "sending", 0, 1, 0)],
}


class Client:
    """A client's own picture of its call."""

    def __init__(self, chance: Random, carelessness: float) -> None:
        self._chance = chance
        self._carelessness = carelessness
        self._state = "init"
        self._counters = [0, 0, 0]

    def status(self) -> Members:
        """Return the members of the next status."""
        chance = self._chance
        if chance.random() < self._carelessness:
            return self._careless()
        if chance.random() < 0.15:
            return self._said(chance.choice(NOTICES))
        events, state, *changes = chance.choice(_STEPS[self._state])
        self._state = state
        self._counters = [max(0, was + change) for was, change in zip(self._counters, changes, strict=True)]
        return self._said(chance.choice(events))

    def _said(self, event: str) -> Members:
        connections, sends, receives = self._counters
        return {
            "event": event,
            "state": self._state,
            "connections": connections,
            "send_streams": sends,
            "recv_streams": receives,
        }

    def _careless(self) -> Members:
        chance = self._chance
        match chance.randrange(6):
            case 0:
                return self._said(chance.choice(NOTICES)) | {"state": chance.choice(UNKNOWN_STATES)}
            case 1:
                return self._said(chance.choice(CREATED)) | {"state": chance.choice(list(_STEPS))}
            case 2:
                self._counters = [chance.choice([0, 1, 2, 5, 2**32 - 1, 2**40]) for _ in range(3)]
                self._state = chance.choice(["sending", "receiving", "sendrecv", "waiting", "cleanup"])
                return self._said(chance.choice([*NOTICES, *SEND_CREATED]))
            case 3:
                self._state, self._counters = chance.choice(["waiting", "starting"]), [1, 0, 0]
                return self._said(chance.choice(CREATED))
            case 4:
                self._state, self._counters = chance.choice(["init", "waiting", "cleanup"]), [0, 0, 0]
                return self._said(chance.choice(NOTICES))
        sends, receives = chance.randrange(3), chance.randrange(3)
        self._counters = [chance.randrange(1, 4), sends, receives]
        self._state = [["starting", "receiving"], ["sending", "sendrecv"]][sends > 0][receives > 0]
        return self._said(chance.choice([*SEND_DESTROYED, *RECV_CREATED, *RECV_DESTROYED]))
