"""Decides the whole log again, from its start and without a fault, and compares every fact with the store's.

The same log gives the same decisions: whoever took a partition over, whatever it had to bring back from the store and
how often, must have decided as one that never stopped. The rules are the product's own; what is tested is what the
faults made of the state that they are applied to.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.facts import Fact
from state_machine.room import Room, Rules
from storage.event_log import INPUTS_TOPIC, EventLog, Record
from storage.frames import decode_input, split_frame
from storage.settings import Settings
from storage.store import Store

_CHUNK_BYTES: Final = 1 << 20
_KEPT_ROUNDS: Final = 30
"""Rooms that nothing happened in for so many rounds are forgotten; the load does not come back to them."""

_FACTS_SQL: Final = """
SELECT log_partition, log_offset, log_index, fact_index, fact, reason, verdict, session_id, user_id, state, prev_state,
    moved, toUnixTimestamp64Milli(opened_at), toUnixTimestamp64Milli(at), toUnixTimestamp64Milli(lease_ends_at)
FROM room_events
WHERE log_offset >= {begins:Array(UInt64)}[log_partition + 1] AND log_offset < {ends:Array(UInt64)}[log_partition + 1]
"""

_Place = tuple[int, int, int, int]
_Said = tuple[Any, ...]


class Rejudging:
    """Goes through the log once, as far as it is settled, round by round."""

    def __init__(self, log: EventLog, settings: Settings) -> None:
        self._log = log
        self._rules = Rules(
            call_lease_ms=settings.participant_ttl_s * 1000,
            account_lease_ms=settings.playback_ttl_s * 1000,
            stream_lease_ms=settings.stream_ttl_s * 1000,
            playback_limit=settings.playback_limit,
        )
        self._begins = [0] * log.partitions
        self._rooms: dict[tuple[str, str], Room] = {}
        self._used: dict[tuple[str, str], int] = {}
        self._rounds = 0

    async def differences(self, store: Store, ends: Sequence[int]) -> list[str]:
        """Decide what lies before these offsets and was not decided yet; name the facts that the store has otherwise.

        Raises: LogUnavailable, StoreUnavailable, StoreRefused.
        """
        self._rounds += 1
        decided: dict[_Place, _Said] = {}
        for partition, end in enumerate(ends):
            for record in await asyncio.to_thread(self._records, partition, end):
                decided.update(self._decided(record))
        rows = await store.rows(_FACTS_SQL, {"begins": self._begins, "ends": list(ends)})
        stored = {tuple(row[:4]): tuple(row[4:]) for row in rows}
        self._begins = list(ends)
        self._forget()
        return list(_differences(decided, stored))

    def _records(self, partition: int, end: int) -> list[Record]:
        offset = self._begins[partition]
        records: list[Record] = []
        while offset < end:
            read = self._log.read(INPUTS_TOPIC, partition, offset, _CHUNK_BYTES)
            if not read:
                break
            records += [record for record in read if record.offset < end]
            offset = read[-1].offset + 1
        return records

    def _decided(self, record: Record) -> Iterator[tuple[_Place, _Said]]:
        for index, line in enumerate(split_frame(record.value)):
            item = decode_input(line)
            key = (item.room_kind, item.room)
            room = self._rooms.setdefault(key, Room(*key))
            self._used[key] = self._rounds
            for fact in decide(room, item, self._rules):
                evolve(room, fact)
                yield (record.partition, record.offset, index, fact.index), _said(fact)

    def _forget(self) -> None:
        for key in [key for key, used in self._used.items() if used < self._rounds - _KEPT_ROUNDS]:
            del self._used[key], self._rooms[key]


def _said(fact: Fact) -> _Said:
    return (
        fact.name,
        fact.reason,
        fact.verdict,
        fact.session_id,
        fact.user_id,
        fact.declared[0],
        fact.before[0],
        fact.moved,
        fact.opened_at_ms,
        fact.at_ms,
        fact.lease_ends_at_ms,
    )


def _differences(decided: Mapping[_Place, _Said], stored: Mapping[Any, _Said]) -> Iterator[str]:
    for place in sorted(decided.keys() | stored.keys()):
        said, found = decided.get(place), stored.get(place)
        if said != found:
            yield f"fact {place}: judged again it is {said or 'none'}, the store has {found or 'none'}"
