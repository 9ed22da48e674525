"""Leases that end without anybody saying so: an `expire` input goes into the log, where it is decided like any other.

The processor alone knows every lease, so it asks; that the lease may have been renewed meanwhile is for the decision
to see (design section 5). Each lease end is asked about once, by whoever holds the partition; after a restart perhaps
once more, which the decision ignores.
"""

import asyncio
from collections.abc import Mapping, Sequence

from processors.effects import LOGGER
from processors.leases import Ended
from processors.partition import Partition
from state_machine.inputs import Input
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, EventLog, Frame, LogUnavailable
from storage.frames import encode_input, pack_frames

LOOK_EVERY_S = 0.5
_LOG_TIMEOUT_S = 5.0


class Expiry:
    """Looks for ended leases in the partitions that a worker holds."""

    def __init__(self, held: Mapping[int, Partition], log: EventLog) -> None:
        self._held = held
        self._log = log

    async def run(self) -> None:
        """Look and ask, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look(now_ms())

    async def look(self, now: int) -> int:
        """Append an `expire` input for every lease that ended until now, and return how many.

        A partition is left alone until everything is judged that was in its log at takeover: a renewal may be there.
        """
        ended = {
            number: found
            for number, held in self._held.items()
            if held.is_caught_up and held.leases.next_end_ms() <= now and (found := held.leases.ended(held.rooms, now))
        }
        if not ended:
            return 0
        for number, found in ended.items():
            for lease in found:
                self._held[number].leases.asked(lease)
        try:
            await asyncio.to_thread(self._log.append, _frames(ended, now), _LOG_TIMEOUT_S)
        except LogUnavailable as error:
            LOGGER.warning("cannot ask for ended leases to be closed (%s); trying again", error)
            self._put_back(ended)
            return 0
        return sum(map(len, ended.values()))

    def _put_back(self, ended: Mapping[int, Sequence[Ended]]) -> None:
        for number, found in ended.items():
            if (held := self._held.get(number)) is not None:
                for lease in found:
                    held.leases.put_back(lease, held.rooms)


def _frames(ended: Mapping[int, Sequence[Ended]], now: int) -> list[Frame]:
    return [
        Frame(INPUTS_TOPIC, number, value, count)
        for number, found in ended.items()
        for value, count in pack_frames(_line(lease, now) for lease in found)
    ]


def _line(lease: Ended, now: int) -> bytes:
    room_kind, room = lease.key
    return encode_input(
        Input(kind="expire", received_at_ms=now, room_kind=room_kind, room=room, session=lease.session_id)
    )
