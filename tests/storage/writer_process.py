"""A process that appends to a log until it is told to stop or is killed: `python -m tests.storage.writer_process`.

Each call appends `parts` frames spread over all partitions; every frame says `<name> <call> <part>`. A call that was
acknowledged is printed, so that whoever started the process knows what must be there.
"""

import sys
from pathlib import Path

from storage.event_log import INPUTS_TOPIC, Frame
from storage.sqlite_log import SqliteLog

PARTITIONS = 4
PARTS = 6
FILLER = b"." * 3000
"""Large enough for overflow pages, so that a call is many pages."""


def main(path: Path, name: str, calls: int) -> None:
    log = SqliteLog(path, PARTITIONS)
    for call in range(calls):
        values = [f"{name} {call} {part} ".encode() + FILLER for part in range(PARTS)]
        frames = [Frame(INPUTS_TOPIC, (call + part) % PARTITIONS, value, 1) for part, value in enumerate(values)]
        offsets = log.append(frames, 30.0)
        print(call, *offsets, flush=True)
    log.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
