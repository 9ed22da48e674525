"""A `roomstate up` in a process of its own, as a person starts it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from roomstate.ports import free_port

START_S = 60.0
SETTLE_S = 60.0


class RunningUp:
    """Starts on construction; `wait_until_ready` returns when it says so."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        """Shape: `settings` by their names in small letters."""
        self.data_dir = folder / "data"
        self.port = free_port()
        self.store_port = free_port()
        self.processor_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = folder / "up.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROOMSTATE_")},
            "ROOMSTATE_DATA_DIR": str(self.data_dir),
            "ROOMSTATE_PORT": str(self.port),
            "ROOMSTATE_STORE_PORT": str(self.store_port),
            "ROOMSTATE_PROCESSOR_PORT": str(self.processor_port),
            **{f"ROOMSTATE_{name.upper()}": value for name, value in settings.items()},
        }
        with self.log_path.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "roomstate", "up", *options],
                cwd=folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        """What it printed so far."""
        return self.log_path.read_text()

    def wait_until_ready(self) -> "RunningUp":
        """Return itself once it is ready."""
        until(lambda: "Roomstate is ready" in self.log or self.process.poll() is not None, START_S, lambda: self.log)
        assert self.process.poll() is None, self.log
        return self

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command with the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "roomstate", *arguments],
            cwd=self.data_dir.parent,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def parts(self) -> dict[str, int]:
        """Return the process id of each part that runs now, by name; of several alike, the one started last."""
        return {command: pid for pid, command in self.commands()}

    def commands(self) -> list[tuple[int, str]]:
        """Return process id and command of each part that runs now, in the order in which they were started."""
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.splitlines()
        words = [line.split() for line in listed]
        return sorted((int(line[0]), line[line.index("roomstate") + 1]) for line in words if "roomstate" in line)

    def post(self, body: Any) -> httpx.Response:
        """POST /v1/inputs."""
        token = (self.data_dir / "api_token").read_text().strip()
        return httpx.post(
            f"{self.url}/v1/inputs", json=body, headers={"Authorization": f"Bearer {token}"}, timeout=20.0
        )

    def account(self) -> dict[str, Any]:
        """GET /v1/accounting, waited for until nothing is pending."""
        found: dict[str, Any] = {}

        def is_settled() -> bool:
            try:
                reply = httpx.get(f"{self.url}/v1/accounting", timeout=20.0)
            except httpx.TransportError:
                return False
            found.clear()
            found.update(json.loads(reply.text) if reply.is_success else {})
            return found.get("pending") == 0

        until(is_settled, SETTLE_S, lambda: f"{found}\n{self.log}")
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


def until(is_so: Any, seconds: float, told: Any) -> None:
    """Wait until it is so; fail with what is told if it takes too long."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)
