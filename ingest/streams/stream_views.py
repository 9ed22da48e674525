"""How a stream and its node are shown: the member names and units of contract 5.2 to 5.4.

The scope has a leading slash. No reply has a member `error` or an empty `hostname`: the official client stumbles over
them (contract 8.14).
"""

from collections.abc import Iterable
from typing import Any

from storage.publications import PublishedStream, Watching
from storage.stream_nodes import EDGE, ORIGIN, Node


def shown(room: str, address: str, region: str) -> dict[str, Any]:
    """Return a stream with the node that answers for it."""
    scope, _, name = room.rpartition("/")
    return {"name": name, "scope": f"/{scope}", "serverAddress": address, "region": region}


def with_stats(stream: PublishedStream, subscribers: int) -> dict[str, Any]:
    """Return a stream with its origin and its statistics; `startTime` in epoch milliseconds."""
    return {
        **shown(stream.room, stream.node, stream.region),
        "currentSubscribers": subscribers,
        "startTime": stream.started_at_ms,
    }


def by_node(stream: PublishedStream, watchers: Iterable[Watching], nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """Return a stream once for its origin, and once for each edge that its subscribers came to.

    A subscriber whose edge is not known counts with the origin.
    """
    regions = {node.address: node.region for node in nodes if node.role == EDGE}
    known = sorted((each for each in watchers if each.node), key=lambda each: each.node)
    unknown = sum(each.subscribers for each in watchers if not each.node)
    edges = [
        {**with_stats(stream, each.subscribers), "serverAddress": each.node, "region": regions.get(each.node, "")}
        for each in known
    ]
    return [
        {**with_stats(stream, unknown), "type": ORIGIN},
        *({**edge, "type": EDGE} for edge in edges),
    ]
