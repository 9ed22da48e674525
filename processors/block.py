"""What one insert will hold: facts with their inputs and places, the decisions among them, the frames that end there.

Columns rather than rows, because a fact passes here some ten thousand times a second.
"""

from dataclasses import dataclass, field

from processors.taken import Taken
from state_machine.facts import Fact
from state_machine.inputs import Input

BLOCK_INPUTS_MAX = 16_384
"""From here on no further frame is judged into a block. Far below any `max_insert_block_size`, so that a block is one
part; large enough to make an insert's fixed cost small."""
BLOCK_BYTES_MAX = 16 * 1024 * 1024
"""The same for the frames' bytes, because lines may be large."""


@dataclass(slots=True)
class Block:
    """Facts in the order in which they were decided; the first six lists run in parallel."""

    facts: list[Fact] = field(default_factory=list)
    items: list[Input] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    frame_inputs: list[int] = field(default_factory=list)
    decisions: dict[int, list[bytes]] = field(default_factory=dict)
    """Encoded decisions by partition, in order."""
    ended: list[Taken] = field(default_factory=list)
    """The frames whose last line is in here: acked once the rows are stored, or judged again if they are not."""
    inputs: int = 0
    value_bytes: int = 0
