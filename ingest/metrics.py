"""Every metric of ingest, in one closed list, with its meaning and unit.

The registry belongs to the application object, not to the process, so that several can live side by side.
No label takes free text. Source: design section 8.
"""

from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PLACES: Final = ("accepted", "stored", "dead_lettered", "pending")
_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_INPUTS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
_NOT_WRITTEN: Final = "Inputs that the log did not take in time; each was answered 503 and is not in the log."
_ACCOUNT: Final = "The accounting over all partitions: accepted = stored + dead_lettered + pending."


class Metrics:
    """The counters, gauges and histograms that /metrics shows."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        counter = partial(Counter, namespace="roomstate", registry=self._registry)
        gauge = partial(Gauge, namespace="roomstate", registry=self._registry)
        histogram = partial(Histogram, namespace="roomstate", registry=self._registry)
        self.inputs_accepted = counter("ingest_inputs_accepted", "Inputs made durable in the log.")
        self.inputs_not_written = counter("ingest_inputs_not_written", _NOT_WRITTEN)
        self.queue_refusals = counter(
            "ingest_queue_refusals", "Requests answered 503 because too much waits for the log."
        )
        self.append_seconds = histogram("ingest_append_seconds", "Time of one write to the log.", buckets=_SECONDS)
        self.batch_inputs = histogram("ingest_batch_inputs", "Inputs of one write to the log.", buckets=_INPUTS)
        self.queue_inputs = gauge("ingest_queue_inputs", "Inputs waiting for their durability.")
        self.queue_bytes = gauge("ingest_queue_bytes", "Bytes waiting for their durability.")
        self.loop_replies = counter("ingest_loop_replies", "Replies to Loop room actions, by HTTP status.", ["status"])
        self.native_inputs_refused = counter(
            "ingest_native_inputs_refused", "Inputs of POST /v1/inputs that were refused as malformed."
        )
        self.decisions_read = counter("ingest_decisions_read", "Decisions read from the log.")
        self.decisions_late = counter(
            "ingest_decisions_late", "Commands answered 503 because their decision did not come in time."
        )
        self.directory_sessions = gauge("ingest_directory_sessions", "Live sessions known without asking the store.")
        self.directory_rooms = gauge("ingest_directory_rooms", "Rooms known without asking the store.")
        self.directory_lookups = counter("ingest_directory_lookups", "Questions of the directory to the store.")
        self.inputs = gauge("inputs", _ACCOUNT, ["place"])

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        return generate_latest(self._registry)
