"""Every metric of ingest, in one closed list, with its meaning and unit.

The registry belongs to the application object, not to the process, so that several can live side by side.
No label takes free text. Source: design section 8.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PLACES: Final = ("accepted", "stored", "dead_lettered", "pending")


class Metrics:
    """The counters, gauges and histograms that /metrics shows."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.inputs_accepted = Counter(
            "roomstate_ingest_inputs_accepted", "Inputs made durable in the log.", registry=registry
        )
        self.inputs_not_written = Counter(
            "roomstate_ingest_inputs_not_written",
            "Inputs that the log did not take in time; each was answered 503 and is not in the log.",
            registry=registry,
        )
        self.queue_refusals = Counter(
            "roomstate_ingest_queue_refusals",
            "Requests answered 503 because too much waits for the log.",
            registry=registry,
        )
        self.append_seconds = Histogram(
            "roomstate_ingest_append_seconds",
            "Time of one write to the log.",
            buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=registry,
        )
        self.batch_inputs = Histogram(
            "roomstate_ingest_batch_inputs",
            "Inputs of one write to the log.",
            buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000),
            registry=registry,
        )
        self.queue_inputs = Gauge(
            "roomstate_ingest_queue_inputs", "Inputs waiting for their durability.", registry=registry
        )
        self.queue_bytes = Gauge(
            "roomstate_ingest_queue_bytes", "Bytes waiting for their durability.", registry=registry
        )
        self.loop_replies = Counter(
            "roomstate_ingest_loop_replies",
            "Replies of the Loop contract's room actions, by HTTP status.",
            ["status"],
            registry=registry,
        )
        self.native_inputs_refused = Counter(
            "roomstate_ingest_native_inputs_refused",
            "Inputs of POST /v1/inputs that were refused as malformed.",
            registry=registry,
        )
        self.decisions_read = Counter(
            "roomstate_ingest_decisions_read", "Decisions read from the log.", registry=registry
        )
        self.decisions_late = Counter(
            "roomstate_ingest_decisions_late",
            "Commands answered 503 because their decision did not come in time.",
            registry=registry,
        )
        self.directory_sessions = Gauge(
            "roomstate_ingest_directory_sessions", "Live sessions known without asking the store.", registry=registry
        )
        self.directory_rooms = Gauge(
            "roomstate_ingest_directory_rooms", "Rooms known without asking the store.", registry=registry
        )
        self.directory_lookups = Counter(
            "roomstate_ingest_directory_lookups", "Questions of the directory to the store.", registry=registry
        )
        self.inputs = Gauge(
            "roomstate_inputs",
            "The accounting over all partitions: accepted = stored + dead_lettered + pending.",
            ["place"],
            registry=registry,
        )

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        return generate_latest(self._registry)
