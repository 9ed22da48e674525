"""What a native `publish` must look like, and the node that it is offered where it names none: broadcast's answer.

The node is filled in before the input is written, because nodes are this edge's business and not the core's. What is
offered counts only for a publication that begins: one that is renewed stays where it is (contract 8.10).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ingest.lines import Line
from ingest.streams.asked import is_stream_name
from ingest.streams.choice import ranked
from ingest.streams.known_streams import KnownStreams
from storage.stream_nodes import ORIGIN, Node

KINDS: Final = frozenset({"publish", "unpublish"})
_MEMBERS: Final = ("node", "region")
_CHARACTERS_MAX: Final = 1000


def publication_trouble(line: Line) -> str:
    """Return why a `publish` or `unpublish` can't be taken; empty = it can."""
    if line.room_kind != "stream":
        return f"room_kind: only a stream can be {line.kind}ed"
    if not is_stream_name(line.room):
        return "room: a stream is named scope/name, without a slash before or behind it"
    for name in _MEMBERS:
        value = line.extra.get(name, "")
        if not isinstance(value, str) or len(value) > _CHARACTERS_MAX:
            return f"{name}: Expected `str` of at most {_CHARACTERS_MAX} characters"
    return ""


class Publishing:
    """Fills in what publications leave to the directory."""

    def __init__(self, known: KnownStreams, nodes: Sequence[Node]) -> None:
        self._known = known
        self._nodes = nodes
        self._regions = {node.address: node.region for node in nodes if node.role == ORIGIN}

    async def fill_in(self, lines: Sequence[Line]) -> None:
        """Give each publication its node's region, or the node that broadcast would give; several count one another.

        Raises: StoreUnavailable, StoreRefused.
        """
        loads: Counter[str] | None = None
        for line in lines:
            if node := line.extra.get("node"):
                if not line.extra.get("region"):
                    line.extra = {**line.extra, "region": self._regions.get(node, "")}
                continue
            if loads is None:
                loads = Counter((await self._known.loads()).publications)
            best = ranked(self._nodes, ORIGIN, loads, line.extra.get("region", ""))[:1]
            for chosen in best:
                loads[chosen.address] += 1
                line.extra = {**line.extra, "offered_node": chosen.address, "offered_region": chosen.region}
