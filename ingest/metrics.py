"""The metrics of ingest, of the one list in `storage.metric_list`.

The registry belongs to the application object, not to the process, so that several can live side by side. Of several
processes behind one port each keeps its numbers in files of their folder (prometheus_client's multiprocess mode), so
that whichever is asked shows the sums of all, and who comes in place of one that died goes on with its counters.
Source: design section 8.
"""

import os
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest, multiprocess, values
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ingest.siblings import Sibling
from storage import metric_list as listed
from storage.clock import now_ms
from storage.instruments import BuildInfo, Instruments


class Metrics:
    """The counters, gauges and histograms that /metrics shows."""

    def __init__(self, sibling: Sibling | None = None) -> None:
        """Shape: with a `sibling`, after `share_values`."""
        self._folder = None if sibling is None else sibling.folder
        self._registry = CollectorRegistry()
        self._further: list[Collector] = [BuildInfo("ingest")]
        make = Instruments(self._registry)
        self.processes = make.summed(listed.INGEST_PROCESSES)
        self.inputs_accepted = make.counter(listed.INPUTS_ACCEPTED)
        self.inputs_not_written = make.counter(listed.INPUTS_NOT_WRITTEN)
        self.inputs_in_doubt = make.counter(listed.INPUTS_IN_DOUBT)
        self.queue_refusals = make.counter(listed.QUEUE_REFUSALS)
        self.log_is_away = make.summed(listed.LOG_IS_AWAY)
        self.log_gate = make.summed(listed.LOG_GATE)
        self.durable_wait_seconds = make.histogram(listed.DURABLE_WAIT)
        self.append_seconds = make.histogram(listed.APPEND)
        self.batch_inputs = make.histogram(listed.BATCH_INPUTS)
        self.frame_bytes = make.histogram(listed.FRAME_BYTES)
        self.queue_inputs = make.summed(listed.QUEUE_INPUTS)
        self.queue_bytes = make.summed(listed.QUEUE_BYTES)
        self.loop_replies = make.counter(listed.LOOP_REPLIES)
        self.replies = make.counter(listed.REPLIES)
        self.native_inputs_accepted = make.counter(listed.NATIVE_ACCEPTED)
        self.native_inputs_refused = make.counter(listed.NATIVE_REFUSED)
        self.decision_wait_seconds = make.histogram(listed.DECISION_WAIT)
        self.decisions_read = make.counter(listed.DECISIONS_READ)
        self.decisions_late = make.counter(listed.DECISIONS_LATE)
        self.directory_sessions = make.largest(listed.DIRECTORY_SESSIONS)
        self.directory_rooms = make.largest(listed.DIRECTORY_ROOMS)
        self.directory_lookups = make.counter(listed.DIRECTORY_LOOKUPS)
        self.store_errors = make.counter(listed.INGEST_STORE_ERRORS)
        self._start = make.largest(listed.INGEST_START)

    def begin(self) -> None:
        """Note that this process serves from now on."""
        self.processes.set(1)
        self._start.set(now_ms() / 1000)

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
