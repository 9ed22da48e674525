"""The status action: what a body must hold, and the line that it becomes.

`status_members` is the contract's whole check, in its order; it is asked whenever a body is anything but plain. A
value of `event` or `state` that is not a string is kept as its JSON text; of a counter beyond 4294967295, which counts
as that, `extra` keeps what was sent.
`sessions` stands in for `connections` where that is absent. Source: contract 2.6, design section 8.
"""

from typing import Any, Final

import msgspec

from ingest.loop.javascript import parse_int
from ingest.loop.replies import invalid
from state_machine.statuses import COUNTER_MAX

_REQUIRED: Final = ("event", "state", "connections", "sendStreams", "recvStreams")
_COUNTERS: Final = ("connections", "sendStreams", "recvStreams")


class StatusMembers(msgspec.Struct):
    """A checked status.

    Shape: counters are at most 4294967295.
    """

    event: str
    state: str
    connections: int
    send_streams: int
    recv_streams: int
    extra: dict[str, Any]


def status_members(members: dict[str, Any]) -> StatusMembers:
    """Return the body's status.

    Raises: LoopRefusal 400/107 for the first member that is missing or no number.
    """
    if "connections" not in members and "sessions" in members:
        members = {**members, "connections": members["sessions"]}
    for name in _REQUIRED:
        if name not in members:
            raise invalid(f"'{name}' field is missing in body.")
    counters = [_counter(members, name) for name in _COUNTERS]
    beyond = {name: members[name] for name, counter in zip(_COUNTERS, counters, strict=True) if counter > COUNTER_MAX}
    connections, send_streams, recv_streams = (min(counter, COUNTER_MAX) for counter in counters)
    event, state = _text(members["event"]), _text(members["state"])
    return StatusMembers(event, state, connections, send_streams, recv_streams, beyond)


def _counter(members: dict[str, Any], name: str) -> int:
    value = parse_int(members[name])
    if value is None or value < 0:
        raise invalid(f"Invalid {name} number.")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
