"""A seeded evening as the frames of a log: everything that clients send, and what networks and clocks make of it.

Guarantees: the same seed gives the same frames. The evening is over; leases that ended in it are over whenever
somebody looks, others last for a century.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.truth.evening_calls import Sent, a_call
from tests.truth.evening_media import a_stream, an_account
from tests.truth.plain_lines import partition_of

BEGINS_MS = 1_741_389_600_000
"""23:20 on the 7th of March 2025, UTC: the evening goes on past midnight."""
LASTS_MS = 3_600_000
_GARBAGE = [
    b"",
    b"{",
    b"no JSON",
    b"[1]",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"kind":"status","room":"\xc3"}',
    b'{"kind":"dance","received_at_ms":1741389600000,"room":"r"}',
    b'{"kind":"status","received_at_ms":1741389600000,"room_kind":"planet","room":"r"}',
    b'{"kind":"status","received_at_ms":0,"room":"r"}',
    b'{"kind":"status","received_at_ms":1741389600000,"room":"r","session":"s","connections":-1}',
    b'{"kind":"status","received_at_ms":1741389600000,"room":17}',
    b'{"kind":"status","received_at_ms":"now","room":"r"}',
    b'{"kind":"status","received_at_ms":1741389600000,"room":"r","bytes_sent":18446744073709551616}',
    '{"kind":"status","room":"😀 \\ud800"}'.encode(),
    b'{"kind":"status","room":"' + b"x" * 262_144 + b'"}',
]


@dataclass(frozen=True)
class EveningFrame:
    """One record of the log."""

    partition: int
    value: bytes
    lines: int


def frames_of(seed: int, rooms: int, partitions: int) -> list[EveningFrame]:
    """Return an evening with so many rooms of all kinds, in the order of arrival."""
    chance = Random(seed)
    waiting: dict[int, list[bytes]] = {number: [] for number in range(partitions)}
    frames = []
    for line in _received(chance, sorted(_arrivals(chance, rooms), key=lambda sent: sent[0])):
        number = partition_of(line["room_kind"], line["room"], partitions)
        waiting[number].append(json.dumps(line, ensure_ascii=chance.random() < 0.5).encode())
        if chance.random() < 0.01:
            waiting[chance.randrange(partitions)].append(chance.choice(_GARBAGE))
        if chance.random() < 0.002:
            waiting[(number + 1) % partitions].append(waiting[number][-1])
        if chance.random() < 0.05:
            frames += [
                EveningFrame(number, b"\n".join(lines), len(lines)) for number, lines in waiting.items() if lines
            ]
            waiting = {number: [] for number in range(partitions)}
    return frames + [EveningFrame(number, b"\n".join(lines), len(lines)) for number, lines in waiting.items() if lines]


def _arrivals(chance: Random, rooms: int) -> Iterator[Sent]:
    """Yield what arrives when: late ones overtaken by others, some twice, some never."""
    kinds = (a_call, a_call, a_call, a_call, an_account, a_stream)
    for number in range(rooms):
        start_ms = BEGINS_MS + chance.randrange(LASTS_MS)
        if chance.random() < 0.3:
            start_ms -= start_ms % 60_000  # so that things happen exactly at the borders of steps
        for sent_ms, members in chance.choice(kinds)(chance, number, start_ms):
            luck = chance.random()
            if luck < 0.01:
                continue
            yield sent_ms + (chance.choice((3, 800, 6_000)) if luck < 0.08 else 0), members
            if luck > 0.96:
                yield sent_ms + chance.choice((0, 50, 20_000)), members


def _received(chance: Random, arrivals: list[Sent]) -> Iterator[dict[str, Any]]:
    """Yield the lines that two ingest processes append; the clock of one is ahead, and both step now and then."""
    skews_ms = [0, 800]
    for arrived_ms, members in arrivals:
        if chance.random() < 0.003:
            skews_ms[chance.randrange(2)] = chance.choice((0, 900, 15_000, 40_000))
        line = {"kind": "status", "received_at_ms": arrived_ms + chance.choice(skews_ms)} | members
        if chance.random() < 0.02:
            line |= {"kind": "expire"} if line.get("session") else {}
        yield line
