"""The client processes of benchmarks/soak.py as one: told a rate together, and their answers added up."""

import asyncio
import json
import subprocess
import sys
import threading
from collections import Counter
from types import TracebackType
from typing import IO, Any, Final, Self

from roomstate.running.parent_death import end_with_starter

_JOINED_S: Final = 300.0
_END_S: Final = 60.0


class Clients:
    """So many processes of `benchmarks.soak_client`, each with so many joined sessions."""

    def __init__(self, port: int, count: int, sessions: int) -> None:
        self.longest_ms = 0.0
        """The longest answer since this was set."""
        self._told: list[dict[str, Any]] = [{} for _ in range(count)]
        self._command = [sys.executable, "-m", "benchmarks.soak_client", "--port", str(port)]
        self._command += ["--sessions", str(sessions)]
        self._processes: list[subprocess.Popen[str]] = []
        self._listening: list[threading.Thread] = []

    @property
    def answers(self) -> Counter[str]:
        """How often each status came, `none` for no answer; a second old at most."""
        return sum((Counter(told.get("answers", {})) for told in list(self._told)), Counter())

    async def join(self) -> None:
        """Return once all have joined their sessions."""
        async with asyncio.timeout(_JOINED_S):
            while not all(self._told):
                if any(process.poll() is not None for process in self._processes):
                    raise RuntimeError("a client process ended before it had joined")
                await asyncio.sleep(0.1)

    def post_at(self, rate: float) -> None:
        """Let them post so many statuses a second together."""
        for process in self._processes:
            _input(process).write(f"{rate / len(self._processes)}\n")
            _input(process).flush()

    async def finish(self) -> dict[str, float]:
        """Let them wait for their last answers and end; return how often each status came."""
        for process in self._processes:
            _input(process).close()
        for process, listening in zip(self._processes, self._listening, strict=True):
            await asyncio.to_thread(process.wait, _END_S)
            await asyncio.to_thread(listening.join, _END_S)
        return dict(self.answers)

    def __enter__(self) -> Self:
        for number in range(len(self._told)):
            process = subprocess.Popen(
                [*self._command, "--number", str(number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
                preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
            )
            listening = threading.Thread(target=self._listen, args=(number, process), daemon=True)
            listening.start()
            self._processes.append(process)
            self._listening.append(listening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _listen(self, number: int, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            self._told[number] = json.loads(line)
            self.longest_ms = max(self.longest_ms, self._told[number].get("longest_ms", 0.0))


def _input(process: "subprocess.Popen[str]") -> IO[str]:
    if process.stdin is None:
        raise ValueError("the process has no input")
    return process.stdin
