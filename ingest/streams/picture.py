"""All streams at once, as the store had them a moment ago: what is published, who watches, what each node carries.

Decisions that are heard later do not make it wrong: a stream about which something was decided is one that the picture
no longer answers for, and what nodes carry is counted on. That count is a hint for whom to send where, and may be off
by what was decided while the picture was taken, until the next one.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from storage.decisions import Decision
from storage.publications import PublishedStream, Watching, publication_of

_PUBLICATION: Final = frozenset({"stream_published", "stream_unpublished"})
_NODES_MAX: Final = 100_000


class Picture:
    """What a read of the store told of all streams."""

    def __init__(self, taken_at_ms: int, streams: Iterable[PublishedStream], watching: Iterable[Watching]) -> None:
        self._taken_at_ms = taken_at_ms
        self._streams = {each.room: each for each in streams if each.lease_ends_at_ms > taken_at_ms}
        self._watchers: Counter[str] = Counter()
        self.publications = Counter(each.node for each in self._streams.values())
        """How many streams are published on each origin, by its address."""
        self.subscribers: Counter[str] = Counter()
        """How many live subscribers came to each edge, by its address."""
        self._published_anew: set[str] = set()
        self._watched_anew: set[str] = set()
        for each in watching:
            self._watchers[each.room] += each.subscribers
            self.subscribers[each.node] += each.subscribers

    def answers_for(self, room: str) -> bool:
        """Tell whether nothing about the publication was decided since."""
        return room not in self._published_anew

    def counts(self, room: str) -> bool:
        """Tell whether nobody was heard to come or go since."""
        return room not in self._watched_anew

    def stream(self, room: str) -> PublishedStream | None:
        """Return the stream if it was published; its lease may be over by now."""
        return self._streams.get(room)

    def watchers(self, room: str) -> int:
        """Return how many watched the stream."""
        return self._watchers[room]

    def apply(self, decision: Decision, node: str) -> None:
        """Take note of a decision about a stream; `node` is the edge of whoever came or went, '' = not known."""
        if decision.fact in _PUBLICATION:
            self._published_anew.add(decision.room)
            self._move(decision)
        else:
            self._watched_anew.add(decision.room)
            if decision.fact == "session_opened":
                self.subscribers[node] += 1
            elif decision.fact == "session_closed" and not self._had_ended(decision):
                self.subscribers[node] -= 1

    def _move(self, decision: Decision) -> None:
        before = self._streams.pop(decision.room, None)
        if before is not None:
            self.publications[before.node] -= 1
        if decision.fact == "stream_published":
            after = self._streams[decision.room] = publication_of(decision.room, decision.extra)
            self.publications[after.node] += 1

    def _had_ended(self, decision: Decision) -> bool:
        """Tell whether it was over when the picture was taken: an end that nobody has written counts in the store."""
        return decision.reason == "expired" and decision.at_ms <= self._taken_at_ms


class EdgesOfWatchers:
    """To which edge the subscribers came who were heard to come: who goes does not say it again."""

    def __init__(self) -> None:
        self._nodes: dict[tuple[str, str], str] = {}

    def node_of(self, decision: Decision) -> str:
        """Return the edge that the decision's session came to, '' = not known."""
        place = (decision.room, decision.session)
        if decision.fact == "session_closed":
            return self._nodes.pop(place, "")
        node = decision.extra.get("node", "")
        if decision.fact != "session_opened" or not isinstance(node, str) or not node:
            return ""
        if len(self._nodes) >= _NODES_MAX:
            self._nodes.pop(next(iter(self._nodes)))
        self._nodes[place] = node
        return node
