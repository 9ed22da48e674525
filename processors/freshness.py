"""The histogram of freshness, filled a block at a time: observing input by input costs too much."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from storage.metric_list import FRESHNESS


class Freshness(Collector):
    """Ages of stored inputs, by bucket."""

    def __init__(self) -> None:
        self._counts = [0] * (len(FRESHNESS.buckets) + 1)
        self._sum_s = 0.0

    def add(self, counts: Sequence[int], sum_s: float) -> None:
        """Add so many inputs to each bucket, the last being that beyond all bounds."""
        self._counts = [old + new for old, new in zip(self._counts, counts, strict=True)]
        self._sum_s += sum_s

    def collect(self) -> Iterable[Metric]:
        """Yield the histogram."""
        bounds = [*(str(float(bound)) for bound in FRESHNESS.buckets), "+Inf"]
        family = HistogramMetricFamily(FRESHNESS.name, FRESHNESS.meaning)
        family.add_metric([], list(zip(bounds, accumulate(self._counts), strict=True)), self._sum_s)
        yield family
