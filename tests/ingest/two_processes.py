"""Two ingest processes behind one port, as a person starts them, and connections that stay with one of them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from ingest.siblings import Sibling
from roomstate.ports import free_port
from tests.ingest.serving import API_TOKEN, unreachable_url

_PATIENCE_S = 60.0
_CONNECTIONS_MAX = 200
NAMES = ("ingest-1", "ingest-2")


class Through:
    """What a client sees whose connection one of the processes accepted."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self.url = url
        self.http = http

    def native(self, body: Any, **options: Any) -> httpx.Response:
        """POST /v1/inputs with the token."""
        headers = {"Authorization": f"Bearer {API_TOKEN}", **options.pop("headers", {})}
        return self.http.post("/v1/inputs", json=body, headers=headers, **options)

    def metrics(self) -> dict[str, float]:
        """Return the values of /metrics by name and labels."""
        lines = self.http.get("/metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


class TwoProcesses:
    """Started on construction and ready when that returns; `end` them."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._clients: list[httpx.Client] = []
        self.log_path = folder / "ingest.log"
        chosen = {"store_url": unreachable_url(), "partitions": 4, "secret": "a secret", **settings}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROOMSTATE_")},
            **{f"ROOMSTATE_{name.upper()}": str(value) for name, value in chosen.items()},
            "ROOMSTATE_DATA_DIR": str(folder),
            "ROOMSTATE_PORT": str(self.port),
            "ROOMSTATE_API_TOKEN": API_TOKEN,
            "ROOMSTATE_INGEST_PROCESSES": "2",
        }
        with self.log_path.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "roomstate", "ingest"],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.until(lambda: "2 processes serve" in self.log)

    @property
    def log(self) -> str:
        """What was printed so far."""
        return self.log_path.read_text()

    def until(self, is_so: Callable[[], Any]) -> Any:
        """Return what it gives once that is true."""
        give_up_s = time.monotonic() + _PATIENCE_S
        while not (found := is_so()):
            assert self.process.poll() is None, self.log
            assert time.monotonic() < give_up_s, self.log
            time.sleep(0.02)
        return found

    def pids(self) -> dict[str, int]:
        """Return the process id of each of the two that runs now, by name."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {_place(int(pid)).name: int(pid) for pid in children if _variables(int(pid))}

    def folder_of_both(self) -> Path:
        """Return the folder that they share."""
        return Path(_place(next(iter(self.pids().values()))).folder)

    def through(self, name: str) -> Through:
        """Return a connection that the named process accepted."""
        for _ in range(_CONNECTIONS_MAX):
            http = httpx.Client(
                base_url=self.url, timeout=20.0, limits=httpx.Limits(max_connections=1, keepalive_expiry=None)
            )
            if http.get("/healthz").json() == {"status": "ok", "process": name}:
                self._clients.append(http)
                return Through(self.url, http)
            http.close()
        raise AssertionError(f"{name} accepted none of {_CONNECTIONS_MAX} connections\n{self.log}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal to the parent and return its exit code."""
        for http in self._clients:
            http.close()
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=60)


def _variables(pid: int) -> dict[str, str]:
    """Return the process' environment if it is one of the two."""
    try:
        text = Path(f"/proc/{pid}/environ").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    variables = dict(pair.split("=", 1) for pair in text.split("\0") if "=" in pair)
    return variables if "ROOMSTATE_INGEST_SIBLING" in variables else {}


def _place(pid: int) -> Sibling:
    return Sibling(*json.loads(_variables(pid)["ROOMSTATE_INGEST_SIBLING"]))
