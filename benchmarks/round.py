"""All benchmarks, one after the other: a short round for a first look, or the real one, which writes the page.

`make bench` runs the short round and prints how the bars stand. `make bench FULL=1` takes its time, and a machine that
does nothing else; it keeps each benchmark's results in docs/performance/ and writes the tables of docs/performance.md
from them. One that fails is told, and the others go on. Run it as `python -m benchmarks.round`.
"""

import argparse
import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.measuring import ended_like_a_ctrl_c
from benchmarks.performance_page import BENCHMARKS, PAGE, RESULTS, bars_text, read_results, write_page

_END_S: Final = 120.0


def main() -> None:
    """Run what was chosen, and print how the bars stand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the real one; writes docs/performance.md")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), help="which (default all)")
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="roomstate-benchmark-") as name, ended_like_a_ctrl_c() as ended_by:
        folder = RESULTS if chosen.full else Path(name)
        try:
            failed = [each for number, each in enumerate(chosen.only) if not _ran(each, number, chosen, folder)]
        except KeyboardInterrupt:
            sys.exit(128 + next(iter(ended_by), signal.SIGINT))
        print(bars_text(read_results(folder)))
    if chosen.full:
        write_page()
        print(f"{PAGE.name} is written from {RESULTS.parent.name}/{RESULTS.name}/")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _ran(benchmark: str, number: int, chosen: argparse.Namespace, folder: Path) -> bool:
    """Run one benchmark and return whether it came to its end."""
    print(f"--- {number + 1} of {len(chosen.only)}: {benchmark}", file=sys.stderr, flush=True)
    begun_s = time.monotonic()
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", "--json", str(folder / f"{benchmark}.json")]
    # In a session of its own: Ctrl-C reaches this process alone, which ends the benchmark once.
    process = subprocess.Popen(
        command if chosen.full else [*command, "--short"], stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_END_S)
        raise
    print(f"--- {benchmark}: exit code {code} after {time.monotonic() - begun_s:.0f} s", file=sys.stderr, flush=True)
    return code == 0


if __name__ == "__main__":
    main()
