"""The stream directory's reads: where to publish, where to subscribe, and which streams there are. None of them writes.

Broadcast allocates nothing: it says which origin a publisher would do best with now, and asks for no stream. A stream
is there from its `publish` until its `unpublish` or its lease's end.
Source: contract 5.2 and 5.3; contract 8.9 to 8.14.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ingest.streams.asked import DirectoryRefusal, Version, Wish, flag, stream_of, wish_of
from ingest.streams.choice import in_region, ranked
from ingest.streams.known_streams import KnownStreams
from ingest.streams.stream_views import by_node, shown, with_stats
from storage.clock import now_ms
from storage.publications import PublishedStream, Watching, published_streams, watching
from storage.reading import Rows
from storage.stream_nodes import EDGE, ORIGIN, Node

Query = Mapping[str, str]


class StreamDirectory:
    """Answers the reads.

    Raises (every answer): DirectoryRefusal, StoreUnavailable, StoreRefused.
    """

    def __init__(self, store: Rows, known: KnownStreams, nodes: Sequence[Node]) -> None:
        self._store = store
        self._known = known
        self._nodes = nodes

    async def act(self, version: Version, scope: str, name: str, query: Query) -> Any:
        """Return what an `action` on a stream asks for: a node, or several in a list."""
        action = query.get("action", "")
        if action not in ("broadcast", "subscribe"):
            raise DirectoryRefusal(400, "action is broadcast or subscribe" if action else "give an action")
        room = stream_of(scope, name)
        wish = wish_of(version, query)
        if version.has_additions:
            flag(query, "transcode", is_default=False)
        if action == "broadcast":
            loads = await self._known.loads()
            nodes = ranked(self._nodes, ORIGIN, loads.publications, wish.region)
        else:
            stream = await self._live(room)
            loads = await self._known.loads()
            nodes = ranked(self._nodes, EDGE, loads.subscribers, wish.region, stream.region)
        found = [shown(room, node.address, node.region) for node in _granted(nodes, wish)]
        return found[0] if wish.endpoints is None else found[: wish.endpoints]

    async def stats(self, scope: str, name: str) -> dict[str, Any]:
        """Return a published stream with its statistics."""
        stream = await self._live(stream_of(scope, name))
        return with_stats(stream, await self._known.subscribers(stream.room))

    async def list_all(self, version: Version) -> list[dict[str, Any]]:
        """Return every published stream with its origin."""
        typed = {"type": ORIGIN} if version.has_additions else {}
        return [{**shown(each.room, each.node, each.region), **typed} for each in await self._all_live()]

    async def list_with_stats(self, version: Version, query: Query) -> list[dict[str, Any]]:
        """Return every published stream with its statistics, from 3.x on by node where that is asked for."""
        is_aggregate = not version.has_additions or flag(query, "aggregate", is_default=True)
        streams = await self._all_live()
        watchers: defaultdict[str, list[Watching]] = defaultdict(list)
        for each in await watching(self._store) if streams else ():
            watchers[each.room].append(each)
        if not is_aggregate:
            return [item for each in streams for item in by_node(each, watchers[each.room], self._nodes)]
        typed = {"type": ORIGIN} if version.has_additions else {}
        return [{**with_stats(each, sum(one.subscribers for one in watchers[each.room])), **typed} for each in streams]

    async def _live(self, room: str) -> PublishedStream:
        stream = await self._known.stream(room)
        if stream is None or stream.lease_ends_at_ms <= now_ms():
            raise DirectoryRefusal(404, f"the stream /{room} is not published")
        return stream

    async def _all_live(self) -> list[PublishedStream]:
        now = now_ms()
        return [each for each in await published_streams(self._store) if each.lease_ends_at_ms > now]


def _granted(nodes: Sequence[Node], wish: Wish) -> list[Node]:
    """Return the nodes, best first, that may answer the wish; there is at least one.

    Raises: DirectoryRefusal.
    """
    granted = in_region(nodes, wish.region) if wish.is_strict and wish.region else list(nodes)
    if not granted:
        raise DirectoryRefusal(*((400, "there is no node in that region") if nodes else (404, "there is no such node")))
    if wish.is_strict and wish.endpoints is not None and len(granted) < wish.endpoints:
        raise DirectoryRefusal(400, f"there are {len(granted)} such nodes only")
    return granted
