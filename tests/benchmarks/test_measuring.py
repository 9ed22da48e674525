"""The form of benchmarks: what they refuse, what they write down, and what is left of one that was interrupted."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
SIDES = """
import itertools
from benchmarks.measuring import measuring, parser
with measuring("sides", parser(None), needs_bytes={needs_bytes}) as run:
    left, right = itertools.count(10), itertools.cycle([4, 1, 7])
    run.compare({{"left": lambda: {{"posts/s": next(left)}}, "right": lambda: {{"posts/s": next(right)}}}}, to="right")
    ratio = run.results.ratio("left", "posts/s", "right")
    run.bar("left over right", ratio, "x", must=9, reach=10, is_less_better=False)
    run.not_measured("a network")
"""

WAITING = """
import asyncio, subprocess, tempfile
from benchmarks.measuring import measuring, parser
from benchmarks.results import Figures
async def wait() -> Figures:
    with tempfile.TemporaryDirectory(), subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        try:
            await asyncio.sleep(60)
        finally:
            process.terminate()
with measuring("waiting", parser(None), needs_bytes=0) as run:
    run.compare({"sleeper": lambda: asyncio.run(wait())})
"""


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start Python on the project, with the folder for temporary files."""
    environment = {**os.environ, "TMPDIR": str(folder)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_ignore_interrupts,  # noqa: PLW1509  # one system call
    )


def _ignore_interrupts() -> None:
    """Start as a shell starts a command in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def told(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run Python to its end; return the exit code, what it printed, and its complaints."""
    with ended(started(folder, *arguments)) as process:
        output, errors = process.communicate(timeout=PATIENCE_S)
    return process.returncode, output, errors


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Lend the process, which is gone afterwards whatever happens."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_medians_ratios_and_bars_are_printed_and_written(tmp_path: Path) -> None:
    code, output, _ = told(
        tmp_path, "-c", SIDES.format(needs_bytes=0), "--repetitions", "3", "--json", str(tmp_path / "into" / "it.json")
    )
    assert code == 0
    lines = [line.split() for line in output.splitlines()]
    assert ["left", "12", "11", "13", "3.00", "x", "right"] in lines
    assert ["right", "4", "1", "7"] in lines
    assert "left over right: 3 x, must be at least 9, to reach 10: MISSED" in output
    assert "not measured: a network" in output
    written = json.loads((tmp_path / "into" / "it.json").read_text())
    assert written["figures"]["posts/s"]["left"] == {"median": 12, "lowest": 11, "highest": 13}
    assert written["repetitions"]["right"] == [{"posts/s": 1}, {"posts/s": 7}, {"posts/s": 4}]  # not the warm-up
    assert written["bars"][0]["standing"] == "missed"
    assert written["machine"]["cores"] >= 1
    assert written["versions"]["python"] == sys.version.split()[0]


def test_too_little_disk_is_refused_in_one_line(tmp_path: Path) -> None:
    code, output, errors = told(tmp_path, "-c", SIDES.format(needs_bytes=1 << 60))
    assert (code, output) == (2, "")
    assert errors.startswith(f"sides needs 1073741824.0 GiB of free disk in {tmp_path} and ")
    assert errors.count("\n") == 1


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output, errors = told(tmp_path, "-m", "benchmarks.drain", "--port", str(port))
    assert (code, output) == (2, "")
    assert errors.startswith(f"port {port} of 127.0.0.1 can't be listened on")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "arguments", "processes", "side"),
    [
        (signal.SIGINT, ("-c", WAITING), 1, "sleeper"),
        (signal.SIGTERM, ("-m", "benchmarks.drain", "--log=sqlite", "--short", "--inputs=20000"), 2, "1 processors"),
    ],
)
def test_an_interrupted_benchmark_takes_everything_away_and_says_what_is_missing(
    tmp_path: Path, number: signal.Signals, arguments: tuple[str, ...], processes: int, side: str
) -> None:
    with ended(started(tmp_path, *arguments)) as process:
        wait_until_processes_use(tmp_path, process, processes)
        process.send_signal(number)
        output, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + number
    assert f"of 2 repetitions of {side}" in output or f"of 5 repetitions of {side}" in output
    assert list(tmp_path.iterdir()) == []
    assert using(tmp_path) == set()


def wait_until_processes_use(folder: Path, process: "subprocess.Popen[str]", count: int) -> None:
    """Wait until the benchmark has started so many processes."""
    give_up_s = time.monotonic() + PATIENCE_S
    while len(using(folder) - {process.pid}) < count:
        assert process.poll() is None
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


def using(folder: Path) -> set[int]:
    """Return the processes that have the folder in their environment."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if os.fsencode(f"={folder}") in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found
