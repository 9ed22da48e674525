"""What a Prometheus metric is here: name, unit, meaning and labels; `storage.metric_list` holds all there are.

Names follow the ecosystem: `roomstate_<part>_<what>`, base units (`_seconds`, `_bytes`), `_total` on counters. A label
takes one of a closed list of values, or the number of a partition; never text that somebody sent.
"""

from dataclasses import dataclass
from typing import Final, Literal

Part = Literal["every part", "ingest", "processor", "store"]
"""Whose /metrics shows it; `store` is the embedded one."""
Unit = Literal[
    "inputs", "requests", "frames", "rows", "facts", "sessions", "rooms", "partitions", "decisions", "questions",
    "inserts", "statements", "errors", "processes", "offset", "seconds", "bytes", "epoch seconds", "0 or 1", "1",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Label:
    """A label and every value that it takes."""

    name: str
    values: tuple[str, ...]
    """Empty = numbers or versions, which `text` tells of."""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, as it is scraped."""

    part: Part
    name: str
    unit: Unit
    meaning: str
    labels: tuple[Label, ...] = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return tuple(label.name for label in self.labels)


@dataclass(frozen=True, slots=True)
class CounterMetric(Metric):
    """Only grows while its process runs."""


@dataclass(frozen=True, slots=True)
class GaugeMetric(Metric):
    """Goes up and down."""


@dataclass(frozen=True, slots=True)
class HistogramMetric(Metric):
    """Counts observations in buckets."""

    buckets: tuple[float, ...] = ()


SHORT_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
"""Buckets of what takes milliseconds."""
INSERT_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FRESH_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
"""Buckets up to an outage."""
COUNTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
SIZES_BYTES: Final = (256, 1024, 4096, 16384, 65536, 131072, 262144, 524288)
"""Up to the largest frame."""
