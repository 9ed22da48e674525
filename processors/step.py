"""One step of the processor, without IO: lines of a frame in, facts and decisions into a block.

Everything that deserves a decision is decided by the core; here a line finds its room, the facts change it, and each
fact finds its place in the block. A line that is no input becomes a dead letter, so that every line gives at least one
row and every input is counted in exactly one place.
"""

import base64
from typing import Any

from processors.block import Block
from processors.partition import Partition
from processors.taken import Slice
from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.inputs import Input
from state_machine.numbers import number_openings
from state_machine.room import Rules
from storage.decisions import decision_of, encode_decision, is_published
from storage.frames import FRAME_BYTES_MAX, MalformedLine, partition_of

DEAD_LETTER_BYTES_MAX = FRAME_BYTES_MAX
"""More of a dead letter than this is not kept; its length is."""


def judge(part: Slice, held: Partition, partitions: int, rules: Rules, block: Block) -> None:
    """Decide the slice's lines in order, apply the facts to the partition's rooms and add them to the block."""
    facts_before = len(block.facts)
    rooms, leases = held.rooms.by_key, held.leases
    add_fact, add_item, add_index = block.facts.append, block.items.append, block.indexes.append
    for index, line in enumerate(part.lines, part.start):
        if isinstance(line, MalformedLine):
            _add_dead_letter(block, part, index, line)
            continue
        key = (line.room_kind, line.room)
        room = rooms.get(key)
        if room is None:
            if partition_of(line.room_kind, line.room, partitions) != held.number:
                _add_dead_letter(block, part, index, _misplaced(line))
                continue
            room = held.rooms.open(key)
        facts = decide(room, line, rules)
        for fact in facts:
            evolve(room, fact)
            add_fact(fact)
            add_item(line)
            add_index(index)
            if fact.lease_ends_at_ms and fact.lease_ends_at_ms < room.look_at_ms:
                leases.watch(key, room, fact.lease_ends_at_ms)
        if len(facts) > 1 or line.kind != "status" or line.id:
            _note_consequences(held, block, line, facts, (part.frame.offset, index))
        if not room.sessions:
            held.rooms.note_use(key)
        if line.received_at_ms > held.received_ms:  # noqa: PLR1730  # a call of max costs three times as much
            held.received_ms = line.received_at_ms
    added = len(block.facts) - facts_before
    block.partitions.extend([held.number] * added)
    block.offsets.extend([part.frame.offset] * added)
    block.frame_inputs.extend([part.frame_inputs] * added)
    _note_slice(part, held, block)


def _note_consequences(held: Partition, block: Block, item: Input, facts: list[Fact], place: tuple[int, int]) -> None:
    """Give the openings among the facts of one input their numbers, and add what is published of them to the block."""
    key = (item.room_kind, item.room)
    held.last_number = number_openings(facts, held.number, held.last_number)
    for fact in facts:
        if is_published(item, fact):
            decision = encode_decision(decision_of(item, fact, held.number, *place))
            block.decisions.setdefault(held.number, []).append(decision)
    if item.kind == "expire":
        held.leases.answered(key, item.session)
    elif item.kind == "publish":
        held.leases.watch_publication(key, held.rooms.by_key[key])


def _note_slice(part: Slice, held: Partition, block: Block) -> None:
    held.advance(part.frame.offset, len(part.lines), part.ends_frame)
    if part.ends_frame:
        block.ended.append(part.frame)
    block.inputs += len(part.lines)
    block.value_bytes += len(part.frame.value)


def _misplaced(item: Input) -> MalformedLine:
    """Return the refusal of an input whose room belongs to another partition: its owner alone may decide about it."""
    return MalformedLine("wrong_partition", f"{item.room_kind}/{item.room}"[:200])


def _add_dead_letter(block: Block, part: Slice, index: int, malformed: MalformedLine) -> None:
    appended_at_ms = part.frame.appended_at_ms
    extra = _kept_bytes(part.raw[index - part.start], malformed.detail)
    block.facts.append(Fact("dead_letter", 0, appended_at_ms, reason=malformed.reason, extra=extra))
    block.items.append(Input(kind="", received_at_ms=appended_at_ms))
    block.indexes.append(index)


def _kept_bytes(line: bytes, detail: str) -> dict[str, Any]:
    kept = line[:DEAD_LETTER_BYTES_MAX]
    return {"base64": base64.b64encode(kept).decode(), "bytes": len(line), "detail": detail}
