"""Publications: how a stream becomes live, stays so, and ends; a publication is held by a lease as a session is.

Publishing again renews it: it keeps its beginning, and its node unless the input names another. It ends when somebody
unpublishes it, or with its lease, and is dated at that end then. Its subscribers are sessions of their own: they come
before it and stay after it. What was published stands in the fact's `extra`, so that it comes back from its row.
Source: contract 5; contract 8.9 and 8.10.
"""

from typing import Any

from state_machine.commands import ignored
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.leases import lease_end, lease_length
from state_machine.room import Publication, Room, Rules


def decide_publish(room: Room, item: Input, rules: Rules, _first_index: int) -> list[Fact]:
    """Publish the room's stream, or renew its publication."""
    if room.room_kind != "stream":
        return [ignored(item, "not_a_stream")]
    running = room.publication
    node, region = _place(item, running)
    extra = {
        **item.extra,
        "node": node,
        "region": region,
        "started_at_ms": running.started_at_ms if running else item.received_at_ms,
        "lease_ends_at_ms": lease_end(item.received_at_ms, lease_length("stream", item.lease_ms, rules)),
    }
    at_ms = max(item.received_at_ms, running.at_ms) if running else item.received_at_ms
    reason = "renewed" if running else ""
    return [Fact("stream_published", 0, at_ms, user_id=item.user, reason=reason, extra=extra)]


def decide_unpublish(room: Room, item: Input, _rules: Rules, _first_index: int) -> list[Fact]:
    """End the stream's publication; nobody who watches leaves by that."""
    if room.room_kind != "stream":
        return [ignored(item, "not_a_stream")]
    if room.publication is None:
        return [ignored(item, "not_published")]
    fact = _ending(room.publication, 0, item.received_at_ms, "cleared" if item.reason == "cleared" else "left")
    fact.user_id = item.user
    return [fact]


def ended_publication(room: Room, received_at_ms: int, index: int) -> list[Fact]:
    """Return the end of a publication whose lease is over, dated at that end; nothing if it goes on."""
    running = room.publication
    if running is None or not 0 < running.lease_ends_at_ms <= received_at_ms:
        return []
    return [_ending(running, index, running.lease_ends_at_ms, "expired")]


def publication_of(fact: Fact) -> Publication:
    """Return what a `stream_published` says; what an operator erased from its row is as if it had never been said."""
    extra = fact.extra
    return Publication(
        _text(extra, "node"),
        _text(extra, "region"),
        extra.get("started_at_ms", fact.at_ms),
        fact.at_ms,
        extra.get("lease_ends_at_ms", 0),
    )


def _place(item: Input, running: Publication | None) -> tuple[str, str]:
    """Return node and region: those that the input names, else those of before, else those that it was offered."""
    if node := _text(item.extra, "node"):
        return node, _text(item.extra, "region")
    if running is not None:
        return running.node, running.region
    return _text(item.extra, "offered_node"), _text(item.extra, "offered_region") or _text(item.extra, "region")


def _ending(running: Publication, index: int, at_ms: int, reason: str) -> Fact:
    extra = {"node": running.node, "region": running.region, "started_at_ms": running.started_at_ms}
    return Fact("stream_unpublished", index, max(at_ms, running.at_ms), reason=reason, extra=extra)


def _text(extra: dict[str, Any], name: str) -> str:
    value = extra.get(name)
    return value if isinstance(value, str) else ""
