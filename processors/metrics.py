"""Every metric of a processor, in one closed list, with its meaning and unit.

Lags are told by ingest's `/metrics` for the whole log, whoever holds the partitions; here stands what one worker does.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ProcessorMetrics:
    """The counters, gauges and histograms of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        counter = partial(Counter, namespace="roomstate", registry=self._registry)
        gauge = partial(Gauge, namespace="roomstate", registry=self._registry)
        histogram = partial(Histogram, namespace="roomstate", registry=self._registry)
        self.rows_stored = counter("processor_rows_stored", "Rows that the store took from this worker.")
        self.insert_seconds = histogram("processor_insert_seconds", "Time of one insert.", buckets=_SECONDS)
        self.inserts_refused = counter(
            "processor_inserts_refused", "Inserts that the fence refused: another worker had the partition."
        )
        self.inserts_uncertain = counter(
            "processor_inserts_uncertain", "Inserts of unknown outcome; the partitions were taken over again."
        )
        self.decisions_published = counter("processor_decisions_published", "Decisions published.")
        self._partitions = gauge("processor_partitions", "Partitions that this worker holds.")
        self._standing = gauge(
            "processor_partitions_standing_still", "Partitions that this worker can't go on with; its log says why."
        )
        self._rooms = gauge("processor_rooms", "Rooms that this worker has in memory.")

    def watch(self, partitions: Callable[[], int], standing: Callable[[], int], rooms: Callable[[], int]) -> None:
        """Ask these at each scrape."""
        self._partitions.set_function(partitions)
        self._standing.set_function(standing)
        self._rooms.set_function(rooms)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        return generate_latest(self._registry)
