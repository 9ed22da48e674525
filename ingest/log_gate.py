"""Whether the log is asked at all: while it is known to be away, whoever comes gets their answer at once.

open: every write goes through. A write that fails shuts it. shut: nothing goes through; the log is looked at, at first
at once and then after growing pauses. Once it can be read again: ajar. One write, of whatever comes next, goes through
as a trial, and its outcome opens or shuts. So while the log is away at most one batch at a time waits for it, and
nobody has to tell this process that it is back. All methods run on the event loop.
"""

import logging
import time
from enum import Enum
from typing import Final

from ingest.metrics import Metrics

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
_TOLD_S: Final = 5.0


class Gate(Enum):
    """How far it is open."""

    OPEN = "open"
    AJAR = "ajar"
    TRYING = "trying"
    SHUT = "shut"


class LogGate:
    """Notes how writes went, and tells whether the next may be tried."""

    def __init__(self, metrics: Metrics) -> None:
        self.is_passable = True
        """Whether a line is taken now; the hot path looks at nothing else."""
        self._state = Gate.OPEN
        self._metrics = metrics
        self._failures = 0
        self._trouble = ""
        self._failed_at_s = 0.0
        self._metrics.log_gate.labels(state=Gate.OPEN.value).set(1)

    @property
    def trouble(self) -> str:
        """Why nothing is taken, or was not a moment ago; empty if writes succeed, or may be worth another try.

        Who sends requests only where there is no trouble must send some after a while: only a write tells.
        """
        is_old = self._state is Gate.AJAR and time.monotonic() - self._failed_at_s > _TOLD_S
        return "" if is_old else self._trouble

    def sent(self) -> None:
        """Note that a write is on its way."""
        if self._state is Gate.AJAR:
            self._become(Gate.TRYING)

    def succeeded(self) -> None:
        """Note that a write is durable."""
        if self._state is not Gate.OPEN:
            _LOG.warning("the log takes inputs again")
            self._become(Gate.OPEN)
            self._failures = 0
            self._trouble = ""

    def undecided(self) -> None:
        """Note that a write ended without the log being asked."""
        if self._state is Gate.TRYING:
            self._become(Gate.AJAR)

    def failed(self, trouble: str) -> float:
        """Note that a write failed; return after how many seconds the log is to be looked at."""
        if self._state is Gate.OPEN:
            _LOG.warning("the log is away, inputs are answered 503 at once until it is back: %s", trouble)
        self._become(Gate.SHUT)
        self._trouble = trouble
        self._failed_at_s = time.monotonic()
        self._failures += 1
        return self.pause_s(self._failures - 2)

    def may_be_back(self) -> None:
        """Note that the log can be read: the next write is a trial."""
        if self._state is Gate.SHUT:
            self._become(Gate.AJAR)

    @staticmethod
    def pause_s(looks: int) -> float:
        """Return the pause before the log is looked at once more; none before the first time."""
        return 0.0 if looks < 0 else min(_FIRST_PAUSE_S * 2.0 ** min(looks, 10), _LONGEST_PAUSE_S)

    def _become(self, state: Gate) -> None:
        self._metrics.log_gate.labels(state=self._state.value).set(0)
        self._metrics.log_gate.labels(state=state.value).set(1)
        self._state = state
        self.is_passable = state in (Gate.OPEN, Gate.AJAR)
        self._metrics.log_is_away.set(0 if state is Gate.OPEN else 1)
