"""The whole embedded pipeline, as `roomstate up` runs it, on a folder and ports of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import httpx

from roomstate.ports import free_port
from roomstate.running.parent_death import end_with_starter

API_TOKEN: Final = "benchmark"
SECRET: Final = "benchmark"
_READY_S: Final = 60.0
_END_S: Final = 60.0


class Running(NamedTuple):
    """What a benchmark asks of it."""

    port: int
    store_port: int
    folder: Path
    pid: int
    """Of `roomstate up`, whose children the parts are."""
    environment: dict[str, str]
    """For other commands on the same folder."""


@contextmanager
def running_pipeline(store_port: int | None = None, **variables: str) -> Iterator[Running]:
    """Run `roomstate up` until the block ends, with further variables of the environment."""
    port, store_port = free_port(), store_port or free_port()
    with TemporaryDirectory(prefix="roomstate-benchmark-") as name:
        folder = Path(name)
        environment = {
            **os.environ,
            "ROOMSTATE_DATA_DIR": name,
            "ROOMSTATE_PORT": str(port),
            "ROOMSTATE_STORE_PORT": str(store_port),
            "ROOMSTATE_SECRET": SECRET,
            "ROOMSTATE_API_TOKEN": API_TOKEN,
            **variables,
        }
        with (folder / "up.log").open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "roomstate", "up"],
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=end_with_starter,  # noqa: PLW1509  # one system call
            )
        try:
            _wait_until_ready(port, process)
            yield Running(port, store_port, folder, process.pid, environment)
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            finally:
                process.kill()
                process.wait()


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up_s = time.monotonic() + _READY_S
    while time.monotonic() < give_up_s and process.poll() is None:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError("the pipeline did not start")
