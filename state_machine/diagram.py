"""The diagram: every published edge, as one table.

Guards look at the counters after the event. Source: design section 4; contract 2.7.
"""

from typing import Final, NamedTuple

from state_machine.facts import Snapshot


class Edge(NamedTuple):
    """One arrow of the diagram."""

    origin: str
    family: str
    guard: str
    """Empty, or `s=0`, `r=0`, `c=1`: what a counter must be after the event."""
    target: str
    verdict: str


# fmt: off
EDGES: Final = (
    #    from          event                    guard   to            verdict
    Edge("init",      "connection_created",   "",     "waiting",    "diagram"),
    Edge("waiting",   "connection_created",   "",     "starting",   "diagram"),
    Edge("waiting",   "connection_destroyed", "",     "init",       "diagram"),
    Edge("starting",  "recv_created",         "",     "receiving",  "diagram"),
    Edge("starting",  "send_created",         "",     "sending",    "diagram"),
    Edge("receiving", "send_created",         "",     "sendrecv",   "diagram"),
    Edge("sending",   "recv_created",         "",     "sendrecv",   "diagram"),
    Edge("sendrecv",  "send_destroyed",       "s=0",  "receiving",  "diagram"),
    Edge("sendrecv",  "recv_destroyed",       "r=0",  "sending",    "diagram"),
    Edge("sending",   "send_destroyed",       "s=0",  "cleanup",    "diagram"),
    Edge("receiving", "recv_destroyed",       "r=0",  "cleanup",    "diagram"),
    Edge("cleanup",   "connection_destroyed", "c=1",  "waiting",    "diagram"),
    Edge("starting",  "connection_destroyed", "",     "waiting",    "exceptional"),
    Edge("sending",   "connection_destroyed", "",     "waiting",    "exceptional"),
    Edge("receiving", "connection_destroyed", "",     "waiting",    "exceptional"),
    Edge("sendrecv",  "connection_destroyed", "",     "waiting",    "exceptional"),
)
# fmt: on

_BY_STEP: Final = {(edge.origin, edge.family, edge.target): edge for edge in EDGES}


def edge_verdict(origin: str, family: str, after: Snapshot) -> str:
    """Return the verdict of the edge that leads from `origin` to `after`, or an empty string if there is none."""
    edge = _BY_STEP.get((origin, family, after.state))
    if edge is None or not _guard_holds(edge.guard, after):
        return ""
    return edge.verdict


def _guard_holds(guard: str, after: Snapshot) -> bool:
    match guard:
        case "s=0":
            return after.send_streams == 0
        case "r=0":
            return after.recv_streams == 0
        case "c=1":
            return after.connections == 1
    return True
