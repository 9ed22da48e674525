"""The form that all benchmarks have in common: what they refuse, how they repeat, and how they end.

    def main() -> None:
        with measuring("drain", parser(__doc__), needs_bytes=2 * GIB) as run:
            run.compare({"ours": ours, "plain Faust": plain}, to="plain Faust")

A side is a callable that runs one repetition and returns its figures by name, each name with its unit. Every side is
warmed up once, then the sides take turns. At the end medians with lowest and highest are printed, and written down with
`--json FILE`. Ctrl-C and SIGTERM end a benchmark as its end would: every folder and process is taken away by the
context manager that made it, then what was not measured is said.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from benchmarks.results import Figures, Results
from roomstate.ports import require_free_port
from roomstate.refusals import CommandRefused

GIB: Final = 1 << 30
REPETITIONS: Final = 5
SHORT_REPETITIONS: Final = 2
_REFUSED: Final = 2

Side = Callable[[], Figures]


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every benchmark has; each adds its own."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--short", action="store_true", help="less of everything, for a first look")
    made.add_argument("--repetitions", type=_positive, help=f"of each side (default {REPETITIONS})")
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results there, too")
    made.add_argument("--port", type=int, help="that the store listens on, where one is started (default: a free one)")
    return made


class Run:
    """One run of a benchmark: its options, and what it has found so far."""

    def __init__(self, options: argparse.Namespace, results: Results) -> None:
        self.options = options
        self.results = results

    @property
    def is_short(self) -> bool:
        """Whether a first look is enough."""
        return bool(self.options.short)

    def scaled(self, full: int, short: int) -> int:
        """Return how much of something to do, where no option says so."""
        return short if self.is_short else full

    @property
    def repetitions(self) -> int:
        """How often each side is measured."""
        return self.options.repetitions or self.scaled(REPETITIONS, SHORT_REPETITIONS)

    def compare(self, sides: Mapping[str, Side], to: str | None = None, *, cold: Collection[str] = ()) -> None:
        """Measure the sides in turns; ratios are told to the side of that name. `cold` ones are not warmed up."""
        self.results.compared_to = to or self.results.compared_to
        self.results.plan(sides, self.repetitions)
        for name, side in sides.items():
            if name not in cold:
                self.progress(f"warm-up: {name}")
                side()
        for number in range(self.repetitions):
            for name, side in sides.items():
                self.progress(f"repetition {number + 1} of {self.repetitions}: {name}")
                self.results.add(name, side())

    def record(self, side: str, figures: Figures) -> None:
        """Keep the figures of one repetition that was measured elsewhere."""
        self.results.add(side, figures)

    def not_measured(self, what: str) -> None:
        """Say what these figures leave out."""
        self.results.not_measured.append(what)

    def bar(
        self, what: str, measured: float, unit: str, *, must: float | None, reach: float, is_less_better: bool
    ) -> None:
        """Hold a figure against what it must, if anything, and should reach."""
        self.results.bar(what, measured, unit, must=must, reach=reach, is_less_better=is_less_better)

    def progress(self, text: str) -> None:
        """Say on the terminal what is going on."""
        print(f"{self.results.benchmark}: {text}", file=sys.stderr, flush=True)


@contextmanager
def measuring(
    benchmark: str, options: argparse.ArgumentParser, *, needs_bytes: int, arguments: list[str] | None = None
) -> Iterator[Run]:
    """Lend a run; afterwards print, and write, what it found. Exits 2 with one line where it cannot be measured here.

    `needs_bytes`: free disk that it takes, in the folder for temporary files.
    """
    chosen = options.parse_args(arguments)
    results = Results(benchmark, is_short=chosen.short, options=vars(chosen))
    try:
        require_free_disk(benchmark, needs_bytes)
        if chosen.port is not None:
            require_free_port("127.0.0.1", chosen.port, "--port")
        with ended_like_a_ctrl_c() as ended_by:
            begun_s = time.monotonic()
            try:
                yield Run(chosen, results)
            finally:
                results.took_s = time.monotonic() - begun_s
    except CommandRefused as error:
        print(error, file=sys.stderr)
        sys.exit(_REFUSED)
    except BaseException as error:
        results.is_interrupted = True
        _told(results, chosen.json)
        if not isinstance(error, KeyboardInterrupt):
            raise
        sys.exit(128 + next(iter(ended_by), signal.SIGINT))
    _told(results, chosen.json)


def require_free_disk(benchmark: str, needs_bytes: int) -> None:
    """Return if so much is free in the folder for temporary files.

    Raises: CommandRefused.
    """
    folder = tempfile.gettempdir()
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needs_bytes:
        raise CommandRefused(
            f"{benchmark} needs {needs_bytes / GIB:.1f} GiB of free disk in {folder} and {free_bytes / GIB:.1f} GiB are"
            " free; make room, or name another folder with TMPDIR"
        )


@contextmanager
def ended_like_a_ctrl_c() -> Iterator[list[int]]:
    """Let SIGTERM do what SIGINT does, event loops included; lend the list that it is noted in."""
    ended_by: list[int] = []

    def interrupt(number: int, _: FrameType | None) -> None:
        ended_by.append(number)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, interrupt)
    # A shell lets what it starts in the background ignore SIGINT, and with it what SIGTERM is turned into.
    before_interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield ended_by
    finally:
        signal.signal(signal.SIGTERM, before)
        signal.signal(signal.SIGINT, before_interrupt)


def _told(results: Results, json_file: Path | None) -> None:
    print(results.text())
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(results.json())


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
