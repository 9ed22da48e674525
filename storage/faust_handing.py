"""Handing frames to Faust, the same on every engine: in order, without a gap, and only so much unfinished work.

A message holds a run of frames, because Faust costs some 100 µs a message. A position moves when a run is handed to
Faust, not when it is read, so that whatever Faust drops of a batch (flow stopped, partition paused, somebody sought
elsewhere) is simply read again. What is committed is where the first unfinished run begins: Faust's own count of
acknowledged messages goes by single offsets, and can pass one that is unfinished.
"""

import asyncio
from collections.abc import Collection, Iterator, Sequence
from typing import Final, cast

from faust.types import TP, ConsumerMessage, Message
from faust.types.transports import TPorTopicSet

from storage.checkpoint import CheckpointSeek
from storage.event_log import Record
from storage.faust_hand import Hand, Run

RUN_FRAMES_MAX: Final = 64
RUN_BYTES_MAX: Final = 256 * 1024


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
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        if self._hand.release(message.tp, message.offset):
            self._news.set()
        return True

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

    def _hand_out(self, place: TP, offset: int, records: Sequence[Record]) -> Iterator[Run]:
        """Yield what was read at `offset` to Faust's scheduler, as long as it would really be delivered."""
        for run in runs_of(records):
            is_wanted = place in self._get_active_partitions() or place in self._buffered_partitions
            is_next = self._positions.get(place) == offset
            if not (is_next and is_wanted and self.flow_active and self._hand.has_space()):
                return
            offset = run[-1].offset + 1
            del self._positions[place]  # to the end of the dictionary: its turn comes last next time
            self._positions[place] = offset
            self._hand.take(place, run)
            yield run

    def _to_message(self, tp: TP, run: Run) -> ConsumerMessage:
        last = run[-1]
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.appended_at_ms / 1000.0,
            1,  # stamped by the log, not by the sender
            None,
            None,
            cast(bytes, run),  # Faust hands on whatever it is
            None,
            0,
            0,
            tp,
            # A message of another generation is dropped by Faust without a word.
            generation_id=self.app.consumer_generation_id,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Take no notice: offsets within a run are no gap."""

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        return (place for place in list(self._positions) if topics is None or place in topics or place.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        unfinished = self._hand.unfinished(tp)
        return self._positions.get(tp) if unfinished is None else unfinished


def runs_of(records: Sequence[Record]) -> Iterator[Run]:
    """Yield the records in order, as many at once as a message holds."""
    start, size_bytes = 0, 0
    for end, record in enumerate(records):
        if end > start and (end - start == RUN_FRAMES_MAX or size_bytes + len(record.value) > RUN_BYTES_MAX):
            yield records[start:end]
            start, size_bytes = end, 0
        size_bytes += len(record.value)
    if start < len(records):
        yield records[start:]
