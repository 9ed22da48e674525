"""One part of the pipeline as a process that can be killed, frozen, starved of disk, and started again.

As under `roomstate up` it is started again when it ends by itself; once killed or stopped here it stays down until it
is started here. What it prints goes through a pipe into a
file: a part whose files may not grow must not fail because of what it says.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from roomstate.chaos.stepped_clock import SteppedClock
from roomstate.running.parent_death import end_with_starter
from roomstate.running.parent_pipe import VARIABLE
from roomstate.running.suspending import suspend

_STOP_S: Final = 30.0
_PAUSE_S: Final = 0.3
"""Before a part that ended by itself is started again."""
_CHUNK_BYTES: Final = 1 << 16
CAN_LIMIT_FILES: Final = hasattr(resource, "prlimit")


class ChaosPart:
    """A command of ours in a folder of the experiment; to be used from the main thread's event loop."""

    def __init__(self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> None:
        """Shape: `environment` is the whole environment; `folder` is that of the experiment."""
        self.name = name
        self._arguments = arguments
        self._environment = {**environment, VARIABLE: "1"}
        self._folder = folder
        self.clock = SteppedClock(folder / "clocks" / name)
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._is_to_end = False
        self.ended_by_itself = 0
        """How often it did."""

    @property
    def pid(self) -> int:
        """Process id; 0 = it does not run."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    @property
    def log_path(self) -> Path:
        """What it printed, since the experiment began."""
        return self._folder / "logs" / f"{self.name}.log"

    async def start(self) -> None:
        """Start the process, unless it runs, and from now on again whenever it ends by itself."""
        if self._keeping is None:
            process = await self._started()
            self._keeping = asyncio.create_task(self._keep(process))

    async def kill(self) -> None:
        """End the process as a crash would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End the process as an operator would; one that does not end is killed."""
        await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Suspend the process and return once all of it stands still: connections stay, nothing is answered."""
        if self.pid:
            suspend(self.pid)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._signal(signal.SIGCONT)

    def limit_files(self, size_bytes: int | None) -> None:
        """Let every write behind so many bytes of a file fail; None: no limit.

        Python ignores the signal that goes with it, so that such a write is an error, as on a full disk.
        """
        limit_files_of(self.pid, size_bytes)

    async def _started(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "roomstate.chaos.stepped_clock", str(self.clock.path), *self._arguments),
            env=self._environment,
            cwd=self._folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            # Ctrl-C of the terminal goes to the experiment alone.
            start_new_session=True,
            # The pipe on stdin ends it with its starter, but not while it is frozen.
            preexec_fn=end_with_starter,
        )
        return self._process

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        """Copy what the process prints; when it ends by itself, start it again."""
        while True:
            await _copy(process, self.log_path)
            await process.wait()
            if self._is_to_end:
                return
            self.ended_by_itself += 1
            await asyncio.sleep(_PAUSE_S)
            if self._is_to_end:
                return
            process = await self._started()

    async def _end(self, number: int) -> None:
        keeping, self._keeping = self._keeping, None
        if keeping is None:
            return
        self._is_to_end = True
        try:
            self._signal(number)
            self._signal(signal.SIGCONT)  # a frozen one would not notice
            _, late = await asyncio.wait({keeping}, timeout=_STOP_S)
            if late:
                self._signal(signal.SIGKILL)
            await keeping
        finally:
            self._is_to_end = False

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pid:
                os.kill(self.pid, number)


def limit_files_of(pid: int, size_bytes: int | None) -> None:
    """Limit the size of the files of a process; None: no limit. Nothing if there is no such process."""
    if pid:
        limit = resource.RLIM_INFINITY if size_bytes is None else size_bytes
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


async def _copy(process: asyncio.subprocess.Process, path: Path) -> None:
    if process.stdout is None:
        raise AssertionError("the part was started without a pipe")
    with path.open("ab", buffering=0) as log:
        while chunk := await process.stdout.read(_CHUNK_BYTES):
            log.write(chunk)
