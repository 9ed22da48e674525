"""Traffic behind the page, and what SQL says of it."""

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.roomstate.running_up import RunningUp


@contextmanager
def evening(running: RunningUp, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Play simulated calls until the block ends."""
    command = [sys.executable, "-m", "roomstate", "simulate", "--url", running.url, *options]
    with subprocess.Popen(
        command,
        cwd=running.data_dir.parent,
        env={**os.environ, **running.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def sql(running: RunningUp, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return the rows of a query on the store, times as text."""
    values = {f"param_{name}": value for name, value in parameters.items()}
    text = urllib.parse.urlencode({"database": "roomstate", "default_format": "JSONEachRow", **values})
    reply = httpx.post(
        f"http://127.0.0.1:{running.store_port}/?{text}&output_format_json_quote_64bit_integers=0",
        content=query,
        timeout=30.0,
    )
    assert reply.status_code == 200, reply.text
    return [json.loads(line) for line in reply.text.splitlines()]
