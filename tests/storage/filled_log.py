"""A log with frames, and the rows that a processor would have stored of them."""

from collections.abc import Sequence
from pathlib import Path

from state_machine.inputs import Input
from storage.event_log import INPUTS_TOPIC, EventLog, Frame
from storage.frames import encode_input
from storage.sqlite_log import SqliteLog
from tests.storage.rows_builder import NOON_MS, Row, Story, a_row

PARTITIONS = 3


def new_log(folder: Path) -> SqliteLog:
    """Return an empty log of three partitions."""
    return SqliteLog(folder / "log.db", PARTITIONS)


def append_frame(log: EventLog, partition: int, inputs: int, broken: int = 0) -> list[Row]:
    """Append one frame of `inputs` good and `broken` undecodable lines; return the rows it leads to."""
    lines = [
        encode_input(Input(received_at_ms=NOON_MS, room="room", session=f"s{number}")) for number in range(inputs)
    ] + [b"{broken"] * broken
    frame = Frame(INPUTS_TOPIC, partition, b"\n".join(lines), len(lines))
    (offset,) = log.append([frame], 5.0)
    story = Story(partition, inputs_per_frame=len(lines), first_offset=offset)
    for number in range(inputs):
        times = {"at": NOON_MS, "received_at": NOON_MS}
        answer = a_row(kind="status", fact="status_judged", session_id=f"s{number}", room_id="room", **times)
        consequence = answer | {"kind": "status", "fact": "session_opened"}
        story.add(*((answer, consequence) if number % 2 else (answer,)))
    for _ in range(broken):
        story.dead_letter(NOON_MS)
    return story.rows


def fill(log: EventLog, frames: Sequence[int] = (3, 1, 5, 2, 4)) -> list[Row]:
    """Append frames of these sizes to each partition; return the rows of all."""
    return [row for partition in range(PARTITIONS) for size in frames for row in append_frame(log, partition, size)]


def without(rows: Sequence[Row], partition: int, *offsets: int) -> list[Row]:
    """Return the rows that are not of these frames."""
    return [row for row in rows if row["log_partition"] != partition or row["log_offset"] not in offsets]


def only(rows: Sequence[Row], partition: int, offset: int, index: int | None = None) -> list[Row]:
    """Return the rows of one frame, or of one input of it."""
    return [
        row
        for row in rows
        if (row["log_partition"], row["log_offset"]) == (partition, offset) and index in {None, row["log_index"]}
    ]
