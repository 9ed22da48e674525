"""Everything that follows from a log, counted again: facts, rooms, stays; and when each fact was stored by whom."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from tests.truth.plain_decisions import answered
from tests.truth.plain_room import PlainRoom
from tests.truth.plain_stays import StayTold, stays_of
from tests.truth.told import Key, Line, Place, Told


@dataclass(frozen=True)
class Written:
    """What the log does not know: when an input's rows were judged and stored, under which epoch."""

    judged_at: int
    inserted_at: int
    epoch: int


@dataclass
class Recount:
    """The log, told again."""

    lines: list[Line]
    told: list[Told]
    rooms: dict[Key, PlainRoom]
    written: dict[Place, Written] = field(default_factory=dict)
    takeovers: list[tuple[int, str, int, int]] = field(default_factory=list)
    """When, by whom, which partition, which epoch."""

    @cached_property
    def stays(self) -> list[StayTold]:
        return list(stays_of(self.told).values())

    @cached_property
    def _of_users(self) -> dict[tuple[Key, str], list[StayTold]]:
        found: dict[tuple[Key, str], list[StayTold]] = defaultdict(list)
        for stay in self.stays:
            found[stay.opening.key, stay.opening.user_id].append(stay)
        return found

    def stays_of_user(self, key: Key, user: str) -> list[StayTold]:
        return self._of_users.get((key, user), [])

    def live(self, now: int) -> list[StayTold]:
        return [stay for stay in self.stays if stay.is_live(now)]

    def written_of(self, told: Told) -> Written:
        return self.written[told.line.place]


def recounted(lines: Iterable[Line]) -> Recount:
    """Return what follows from the lines, which come in log order within each partition."""
    rooms: dict[Key, PlainRoom] = defaultdict(PlainRoom)
    every, told = sorted(lines, key=lambda line: line.place), []
    for line in every:
        if line.problem:
            told.append(Told("dead_letter", line.appended_at, reason=line.problem, line=line))
        else:
            told += answered(rooms[line.key], line)
    return Recount(every, told, dict(rooms))
