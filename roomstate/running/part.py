"""One part of the pipeline as a process of its own: started, started again when it dies, stopped when told."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from roomstate import logs
from roomstate.running import parent_pipe, ready_pipe

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 10.0
_HEALTHY_AFTER_S: Final = 30.0
"""A part that ran for so long is started again after the shortest pause."""


class Part:
    """A command of ours, kept running.

    Until `restarts` is set, the end of the process is the end of `run`: what can't start must not be tried for ever.
    """

    def __init__(
        self,
        name: str,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        stop_s: float,
        working_dir: Path | None = None,
        *,
        descriptors: Sequence[int] = (),
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Shape: `descriptors` are open files that the process inherits under the same numbers; `on_end` is called
        whenever the process has ended.
        """
        self.name = name
        self.restarts = False
        self.is_ready = False
        """Whether the running process has said that it is ready (running/ready_pipe.py)."""
        self._arguments = arguments
        self._environment = {**os.environ, **environment, parent_pipe.VARIABLE: "1", logs.VARIABLE: name}
        self._descriptors = tuple(descriptors)
        self._on_end = on_end
        self._stop_s = stop_s
        self._working_dir = working_dir
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int:
        """Process id of the running process; 0 = none."""
        return self._process.pid if self._process is not None and self._process.returncode is None else 0

    async def run(self) -> int:
        """Run until told to stop, or until a part that may not be started again has ended; return its exit code."""
        pause_s = _FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            self._process = await self._started()
            if self._stopping.is_set():
                self._signal(signal.SIGTERM)  # told while it was being started
            code = await self._process.wait()
            self.is_ready = False
            self._on_end()
            if self._stopping.is_set() or not self.restarts:
                return code
            if time.monotonic() - started >= _HEALTHY_AFTER_S:
                pause_s = _FIRST_PAUSE_S
            _LOG.warning("%s ended (%s); starting it again in %.1f s", self.name, ending(code), pause_s)
            if await self._told_within(pause_s):
                return code
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def tell_to_stop(self) -> None:
        """Ask the process to end; it will not be started again."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    async def stop(self, running: "asyncio.Task[int]") -> None:
        """Ask the process to end, wait for that, and kill it if it takes too long; `running` is its `run`."""
        self.tell_to_stop()
        _, late = await asyncio.wait({running}, timeout=self._stop_s)
        if late:
            _LOG.warning("%s did not end within %.0f s and is killed", self.name, self._stop_s)
            self._signal(signal.SIGKILL)
            await running

    def kill(self) -> None:
        """End the process at once."""
        self._stopping.set()
        self._signal(signal.SIGKILL)

    async def _started(self) -> asyncio.subprocess.Process:
        reading, writing = os.pipe()
        try:
            return await asyncio.create_subprocess_exec(
                # -P: a folder of the working directory must not stand in for one of our packages.
                *(sys.executable, "-P", "-m", "roomstate", *self._arguments),
                env={**self._environment, ready_pipe.VARIABLE: str(writing)},
                cwd=self._working_dir,
                stdin=asyncio.subprocess.PIPE,
                pass_fds=(*self._descriptors, writing),
                # Ctrl-C of the terminal goes to the parent alone, which stops the parts in order.
                start_new_session=True,
            )
        finally:
            os.close(writing)
            asyncio.get_running_loop().add_reader(reading, self._hear, reading)

    def _hear(self, reading: int) -> None:
        """Note what the process says; it ends without a word if it was never ready."""
        asyncio.get_running_loop().remove_reader(reading)
        self.is_ready = bool(os.read(reading, 1))
        os.close(reading)

    async def _told_within(self, pause_s: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), pause_s)
        except TimeoutError:
            return False
        return True

    def _signal(self, number: int) -> None:
        if self.pid:
            os.kill(self.pid, number)


def ending(code: int) -> str:
    """Return in words how a process ended.  Shape: `code` as asyncio gives it, negative = killed by that signal."""
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
