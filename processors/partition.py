"""A log partition that this worker holds: where it stands in the log, under which epoch, and its rooms."""

from collections import Counter
from dataclasses import dataclass, field

from processors.leases import Leases
from processors.rooms import Rooms


@dataclass(slots=True)
class Partition:
    """What a worker knows of one partition from its takeover on; dropped whole when the partition is lost.

    Units: `received_ms` epoch milliseconds, UTC.
    """

    number: int
    epoch: int
    next_offset: int
    """The only offset that is accepted next."""
    next_index: int = 0
    """Lines of that frame below this one are in the store or in a block already."""
    end_at_takeover: int = 0
    """Where the log ended then: before it is reached, a lease may have been renewed by what is still unread."""
    received_ms: int = 0
    """The latest received time judged so far."""
    last_number: int = 0
    """The number of the last opening (state_machine.numbers); 0 = none yet."""
    live: Counter[str] = field(default_factory=Counter)
    """Open sessions as stored, by kind of room."""
    rooms: Rooms = field(default_factory=Rooms)
    leases: Leases = field(default_factory=Leases)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was in the log at takeover has been judged."""
        return self.next_offset >= self.end_at_takeover

    def advance(self, offset: int, lines: int, ends_frame: bool) -> None:
        """Note that the next `lines` lines of the frame at `offset` are in a block."""
        if ends_frame:
            self.next_offset, self.next_index = offset + 1, 0
        else:
            self.next_index += lines
