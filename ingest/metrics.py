"""Every metric of ingest, in one closed list, with its meaning and unit.

The registry belongs to the application object, not to the process, so that several can live side by side. Of several
processes behind one port each keeps its numbers in files of their folder (prometheus_client's multiprocess mode), so
that whichever is asked shows the sums of all, and who comes in place of one that died goes on with its counters.
No label takes free text. Source: design section 8.
"""

import os
from collections.abc import Iterable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess, values
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.siblings import Sibling

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_INPUTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
_NOT_WRITTEN: Final = "Inputs that the log did not take in time; each was answered 503 and is not in the log."
_IN_DOUBT: Final = "Inputs of which the log did not say in time whether it took them; each was answered 503."


class Metrics:
    """The counters, gauges and histograms that /metrics shows."""

    def __init__(self, sibling: Sibling | None = None) -> None:
        """Shape: with a `sibling`, after `share_values`."""
        self._folder = None if sibling is None else sibling.folder
        self._registry = CollectorRegistry()
        self._further: list[Collector] = []
        counter = partial(Counter, namespace="roomstate", registry=self._registry)
        summed = partial(Gauge, namespace="roomstate", registry=self._registry, multiprocess_mode="livesum")
        largest = partial(Gauge, namespace="roomstate", registry=self._registry, multiprocess_mode="livemax")
        histogram = partial(Histogram, namespace="roomstate", registry=self._registry)
        self.processes = summed("ingest_processes", "Processes that serve behind this port.")
        self.inputs_accepted = counter("ingest_inputs_accepted", "Inputs made durable in the log.")
        self.inputs_not_written = counter("ingest_inputs_not_written", _NOT_WRITTEN)
        self.inputs_in_doubt = counter("ingest_inputs_in_doubt", _IN_DOUBT)
        self.queue_refusals = counter(
            "ingest_queue_refusals", "Requests answered 503 at once: the log is away, or too much waits for it."
        )
        self.log_is_away = summed("ingest_log_is_away", "Processes that found the log away and answer 503 at once.")
        self.append_seconds = histogram("ingest_append_seconds", "Time of one write to the log.", buckets=_SECONDS)
        self.batch_inputs = histogram("ingest_batch_inputs", "Inputs of one write to the log.", buckets=_INPUTS)
        self.queue_inputs = summed("ingest_queue_inputs", "Inputs waiting for their durability.")
        self.queue_bytes = summed("ingest_queue_bytes", "Bytes waiting for their durability.")
        self.loop_replies = counter("ingest_loop_replies", "Replies to Loop room actions, by HTTP status.", ["status"])
        self.native_inputs_refused = counter(
            "ingest_native_inputs_refused", "Inputs of POST /v1/inputs that were refused as malformed."
        )
        self.decisions_read = counter("ingest_decisions_read", "Decisions read from the log.")
        self.decisions_late = counter(
            "ingest_decisions_late", "Commands answered 503 because their decision did not come in time."
        )
        self.directory_sessions = largest("ingest_directory_sessions", "Live sessions known without asking the store.")
        self.directory_rooms = largest("ingest_directory_rooms", "Rooms known without asking the store.")
        self.directory_lookups = counter("ingest_directory_lookups", "Questions of the directory to the store.")

    def show(self, collector: Collector) -> None:
        """Show also what the collector gives, which is the same whichever process is asked."""
        self._further.append(collector)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        shown = CollectorRegistry()
        if self._folder is None:
            shown.register(_Whole(self._registry))
        else:
            multiprocess.MultiProcessCollector(shown, self._folder)  # type: ignore[no-untyped-call]  # no hints there
        for collector in self._further:
            shown.register(collector)
        return generate_latest(shown)


class _Whole(Collector):
    """Everything of a registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        return self._registry.collect()


def share_values(sibling: Sibling) -> None:
    """Make this process keep the values of all its metrics in the siblings' folder; before the first is made."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = sibling.folder
    values.ValueClass = values.MultiProcessValue(lambda: sibling.number)  # type: ignore[no-untyped-call]


def forget_gauges(sibling: Sibling) -> None:
    """Take back what a process that ended said of its present state; its counters stay."""
    multiprocess.mark_process_dead(sibling.number, sibling.folder)  # type: ignore[no-untyped-call]
