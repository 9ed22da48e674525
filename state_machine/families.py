"""Event families: which of the three counters an event changes.

The public documents spell event names in several ways, so names are compared without regard to case. Everything that
is not listed is a `notice`, which changes nothing. Source: design section 4; contract 2.7 and 2.8.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class CounterChange(NamedTuple):
    """What an event adds to each counter."""

    connections: int
    send_streams: int
    recv_streams: int


CHANGES: Final[Mapping[str, CounterChange]] = {
    "notice": CounterChange(0, 0, 0),
    "connection_created": CounterChange(+1, 0, 0),
    "connection_destroyed": CounterChange(-1, 0, 0),
    "send_created": CounterChange(0, +1, 0),
    "send_destroyed": CounterChange(0, -1, 0),
    "recv_created": CounterChange(0, 0, +1),
    "recv_destroyed": CounterChange(0, 0, -1),
}

WIRE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "connection_created": ("Session.connectionCreated",),
    "connection_destroyed": ("Session.connectionDestroyed",),
    "recv_created": ("Session.streamCreated", "Session.av.streamCreated", "Session.screen.streamCreated"),
    "recv_destroyed": ("Session.streamDestroyed", "Session.av.streamDestroyed", "Session.screen.streamDestroyed"),
    "send_created": ("Publisher.streamCreated",),
    "send_destroyed": ("Publisher.streamDestroyed",),
}

_FAMILY_OF: Final = {name.lower(): family for family, names in WIRE_NAMES.items() for name in names}
_AS_PUBLISHED: Final = {name: family for family, names in WIRE_NAMES.items() for name in names}
"""Spares nearly every event the change of its case."""


def family_of(event: str) -> str:
    """Return the event's family; `notice` for every name that is not known."""
    return _AS_PUBLISHED.get(event) or _FAMILY_OF.get(event.lower(), "notice")
