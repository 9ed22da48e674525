"""Makes prometheus_client's objects of the metrics in the list, and of nothing else."""

import itertools
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from state_machine.vocabulary import RULE_VERSION
from storage.metric_kinds import CounterMetric, GaugeMetric, HistogramMetric, Metric, Part
from storage.metric_list import BUILD_INFO

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Content type of a page of metrics."""
_DISTRIBUTION: Final = "room-state-metrics"


class Instruments:
    """Makes them in one registry; where every value of the labels is known, each series is there from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody asks
        self._registry = registry

    def counter(self, metric: CounterMetric) -> Counter:
        """Return the metric's counter."""
        name = metric.name.removesuffix("_total")
        counter = Counter(name, metric.meaning, metric.label_names, registry=self._registry)
        for values in _known_values(metric):
            counter.labels(*values)
        return counter

    def summed(self, metric: GaugeMetric) -> Gauge:
        """Return the metric's gauge; several processes behind one port show the sum."""
        return self._gauge(metric, "livesum")

    def largest(self, metric: GaugeMetric) -> Gauge:
        """Return the metric's gauge; several processes behind one port show the largest."""
        return self._gauge(metric, "livemax")

    def histogram(self, metric: HistogramMetric) -> Histogram:
        """Return the metric's histogram."""
        histogram = Histogram(
            metric.name, metric.meaning, metric.label_names, buckets=metric.buckets, registry=self._registry
        )
        for values in _known_values(metric):
            histogram.labels(*values)
        return histogram

    def _gauge(self, metric: GaugeMetric, mode: str) -> Gauge:
        gauge = Gauge(
            metric.name,
            metric.meaning,
            metric.label_names,
            registry=self._registry,
            multiprocess_mode=mode,  # type: ignore[arg-type]  # one of a Literal that is not exported
        )
        for values in _known_values(metric):
            gauge.labels(*values)
        return gauge


def shown(metric: GaugeMetric, values: Mapping[tuple[str, ...], float]) -> Family:
    """Return the metric with one value for each combination of its labels, for a collector to yield."""
    family = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.label_names)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


class BuildInfo(Collector):
    """Shows what runs."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._version = metadata.version(_DISTRIBUTION)

    def collect(self) -> Iterable[Family]:
        """Yield the one series."""
        yield shown(BUILD_INFO, {(self._part, self._version, str(RULE_VERSION)): 1})


def _known_values(metric: Metric) -> Iterable[tuple[str, ...]]:
    if not metric.labels or not all(label.values for label in metric.labels):
        return ()
    return itertools.product(*(label.values for label in metric.labels))
