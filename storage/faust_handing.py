"""Handing frames to Faust, the same on every engine: in order, without a gap, and only so much unfinished work.

A position moves when a message is handed to Faust, not when it is read, so that whatever Faust drops of a batch (flow
stopped, partition paused, somebody sought elsewhere) is simply read again.
"""

import asyncio
from collections.abc import Collection, Iterator

from faust.types import TP, ConsumerMessage, Message

from storage.checkpoint import CheckpointSeek
from storage.event_log import Record
from storage.faust_hand import Hand


class Handing(CheckpointSeek):
    """The part of a consumer that knows what was handed out; a place without a position is not fetched."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positions: dict[TP, int] = {}
        self._hand = Hand(frames_max=max(1, self.app.conf.stream_buffer_maxsize // 2))
        self._news = asyncio.Event()
        """Set when there may be something to fetch, or room for it."""

    async def position(self, tp: TP) -> int | None:
        """Return the offset of the next message."""
        return self._positions.get(tp)

    def ack(self, message: Message) -> bool:
        """Mark the message as finished, which makes room for others."""
        if self._hand.release(message.tp, message.offset):
            self._news.set()
        return super().ack(message)

    def _stand_at(self, place: TP, offset: int) -> None:
        """Go on at the offset; what is out of hand of this place will not come back, or be delivered again."""
        self._positions[place] = offset
        self._hand.drop(place)

    def _wanted(self, places: Collection[TP] | None) -> dict[TP, int]:
        """Return where to go on in each of the places (None: all) that is to be read, in turn."""
        return {
            place: offset
            for place, offset in self._positions.items()
            if (places is None or place in places) and place not in self._not_read
        }

    def _hand_out(self, place: TP, offset: int, records: list[Record]) -> Iterator[Record]:
        """Yield what was read at `offset` to Faust's scheduler, as long as each would really be delivered."""
        for record in records:
            is_wanted = place in self._get_active_partitions() or place in self._buffered_partitions
            is_next = self._positions.get(place) == offset
            if not (is_next and is_wanted and self.flow_active and self._hand.has_space()):
                return
            offset = record.offset + 1
            del self._positions[place]  # to the end of the dictionary: its turn comes last next time
            self._positions[place] = offset
            self._hand.take(place, record.offset, len(record.value))
            yield record

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        return ConsumerMessage(
            tp.topic,
            record.partition,
            record.offset,
            record.appended_at_ms / 1000.0,
            1,  # stamped by the log, not by the sender
            None,
            None,
            record.value,
            None,
            0,
            len(record.value),
            tp,
            # A message of another generation is dropped by Faust without a word.
            generation_id=self.app.consumer_generation_id,
        )
