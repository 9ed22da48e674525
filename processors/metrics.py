"""The metrics of a processor, of the one list in `storage.metric_list`.

Lags are told by ingest's `/metrics` for the whole log, whoever holds the partitions; here stands what one worker does.
"""

from collections.abc import Callable
from typing import Literal

from prometheus_client import CollectorRegistry, generate_latest

from processors.freshness import Freshness
from state_machine.vocabulary import ROOM_KINDS
from storage import metric_list as listed
from storage.clock import now_ms
from storage.instruments import BuildInfo, Instruments

Counted = Callable[[], int]


class ProcessorMetrics:
    """The counters, gauges and histograms of one worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(BuildInfo("processor"))
        make = Instruments(self._registry)
        self.rows_stored = make.counter(listed.ROWS_STORED)
        self.facts = make.counter(listed.FACTS_STORED)
        self.verdicts = make.counter(listed.VERDICTS_STORED)
        self.leases_expired = make.counter(listed.LEASES_EXPIRED)
        self.freshness = Freshness()
        self._registry.register(self.freshness)
        self.insert_seconds = make.histogram(listed.INSERT)
        self.insert_rows = make.histogram(listed.INSERT_ROWS)
        self.inserts_refused = make.counter(listed.INSERTS_REFUSED)
        self.inserts_uncertain = make.counter(listed.INSERTS_UNCERTAIN)
        self.decisions_published = make.counter(listed.DECISIONS_PUBLISHED)
        self.takeovers = make.counter(listed.TAKEOVERS)
        self.takeover_seconds = make.histogram(listed.TAKEOVER)
        self._attempts_failed = make.counter(listed.ATTEMPTS_FAILED)
        self._live_sessions = make.summed(listed.LIVE_SESSIONS)
        self._partitions = make.summed(listed.PARTITIONS)
        self._standing = make.summed(listed.STANDING_STILL)
        self._rooms = make.summed(listed.ROOMS)
        make.summed(listed.PROCESSOR_START).set(now_ms() / 1000)

    def failed(self, part: Literal["log", "store"]) -> None:
        """Count an attempt that failed and will be made again."""
        self._attempts_failed.labels(part=part).inc()

    def watch(self, partitions: Counted, standing: Counted, rooms: Counted, live: Callable[[str], int]) -> None:
        """Ask these at each scrape; `live` is asked for each kind of room."""
        self._partitions.set_function(partitions)
        self._standing.set_function(standing)
        self._rooms.set_function(rooms)
        for room_kind in ROOM_KINDS:
            self._live_sessions.labels(room_kind=room_kind).set_function(_of(live, room_kind))

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        return generate_latest(self._registry)


def _of(live: Callable[[str], int], room_kind: str) -> Counted:
    return lambda: live(room_kind)
