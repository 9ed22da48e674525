"""A `roomstate chaos` in a process of its own, read line by line."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PARTS_GONE_S = 20.0


class RunningChaos:
    """Starts on construction; its temporary folders are made in `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.error_path = folder / "chaos.err"
        with self.error_path.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "roomstate", "chaos", "--json", *options],
                cwd=folder,
                # A setting of another pipeline is none of its business.
                env={**os.environ, "TMPDIR": str(folder), "ROOMSTATE_STORE_URL": "http://127.0.0.1:1/elsewhere"},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def line(self) -> dict[str, Any]:
        """Return the next line that it prints."""
        if self.process.stdout is None:
            raise AssertionError
        text = self.process.stdout.readline()
        assert text, self.error_path.read_text()
        found: dict[str, Any] = json.loads(text)
        return found

    def lines_to_end(self) -> list[dict[str, Any]]:
        """Return every line up to the last, whose member `end` it is."""
        lines = [self.line()]
        while "end" not in lines[-1]:
            lines.append(self.line())
        return lines

    def end(self, number: int = 0) -> int:
        """Send the signal, if one is given, and return the exit code."""
        if number and self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def parts(self) -> list[int]:
        """Return the process ids of everything that it started and that runs."""
        listed = subprocess.run(["ps", "-ww", "-eo", "pid=,args="], capture_output=True, text=True, check=False).stdout
        return [int(line.split()[0]) for line in listed.splitlines() if f"{self.folder}/roomstate-chaos-" in line]

    def parts_left(self) -> list[int]:
        """Return what of that is still there after a while."""
        deadline = time.monotonic() + PARTS_GONE_S
        while (left := self.parts()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left
