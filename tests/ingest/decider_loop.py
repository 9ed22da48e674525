"""A stand-in for the processor where no rows are needed: decides what is in the log and publishes the decisions."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from state_machine.decide import decide
from state_machine.evolve import evolve
from state_machine.room import Room, Rules
from storage.decisions import decision_of, encode_decision, is_published
from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, EventLog, Frame, Record
from storage.frames import MalformedLine, decode_input, split_frame


class DeciderLoop:
    """Decides every input of the log from its beginning on."""

    def __init__(self, log: EventLog, rules: Rules) -> None:
        self._log = log
        self._rules = rules
        self._rooms: dict[tuple[str, str], Room] = {}
        self._stopping = threading.Event()
        self._tail = log.follow(INPUTS_TOPIC, dict.fromkeys(range(log.partitions), 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._tail.close()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            frames = [frame for record in self._tail.poll(0.5) for frame in self._decided(record)]
            if frames:
                self._log.append(frames, 5.0)

    def _decided(self, record: Record) -> Iterator[Frame]:
        for index, line in enumerate(split_frame(record.value)):
            try:
                item = decode_input(line)
            except MalformedLine:
                continue
            room = self._rooms.setdefault((item.room_kind, item.room), Room(item.room_kind, item.room))
            for fact in decide(room, item, self._rules):
                evolve(room, fact)
                if is_published(item, fact):
                    decision = decision_of(item, fact, record.partition, record.offset, index)
                    yield Frame(DECISIONS_TOPIC, record.partition, encode_decision(decision), 1)


@contextmanager
def deciding(log: EventLog, rules: Rules | None = None) -> Iterator[DeciderLoop]:
    """Decide while the block runs."""
    loop = DeciderLoop(log, rules or Rules())
    try:
        yield loop
    finally:
        loop.stop()
