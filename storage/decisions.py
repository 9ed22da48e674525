"""What the processor tells the edges: one line of the decisions topic.

Published only after the rows of the decision are in the store (design section 5), so whoever reads one finds its
rows there. The same decision may be published more than once; its `place` tells repeats apart.
"""

from typing import Any

import msgspec

from state_machine.facts import Fact
from state_machine.inputs import Input

ANNOUNCED_FACTS = frozenset(
    {
        *("session_opened", "session_closed", "room_created", "room_updated", "room_deleted"),
        *("stream_published", "stream_unpublished"),
    }
)
"""Published whether or not anybody waits."""


class Decision(msgspec.Struct, omit_defaults=True, frozen=True):
    """One published decision.

    Shape: `place` is (partition, offset, index in the frame, fact index).  Units: `*_ms` epoch milliseconds, UTC.
    """

    place: tuple[int, int, int, int]
    fact: str
    room_kind: str
    room: str
    at_ms: int
    id: str = ""
    """The input's id, on the fact that answers it; empty on consequences."""
    kind: str = ""
    session: str = ""
    user: str = ""
    reason: str = ""
    verdict: str = ""
    opened_at_ms: int = 0
    lease_ends_at_ms: int = 0
    conflicts: tuple[str, ...] = ()
    extra: dict[str, Any] = {}


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Decision)


def is_published(item: Input, fact: Fact) -> bool:
    """Tell whether the fact goes to the decisions topic."""
    return (fact.index == 0 and bool(item.id)) or fact.name in ANNOUNCED_FACTS


def decision_of(item: Input, fact: Fact, partition: int, offset: int, index: int) -> Decision:
    """Return what is published of the fact; of a repeated command, the earlier answer under the same id."""
    said = fact.repeats or fact
    return Decision(
        place=(partition, offset, index, fact.index),
        fact=said.name,
        room_kind=item.room_kind,
        room=item.room,
        at_ms=said.at_ms,
        id=item.id if fact.index == 0 else "",
        kind=item.kind,
        session=said.session_id,
        user=said.user_id,
        reason=said.reason,
        verdict=said.verdict,
        opened_at_ms=said.opened_at_ms,
        lease_ends_at_ms=said.lease_ends_at_ms,
        conflicts=said.conflicts,
        extra=said.extra,
    )


def encode_decision(decision: Decision) -> bytes:
    """Return the decision as one JSON line."""
    return _ENCODER.encode(decision)


def decode_decision(line: bytes) -> Decision:
    """Return the decision of one line.

    Raises: msgspec.MsgspecError if it is none.
    """
    return _DECODER.decode(line)
