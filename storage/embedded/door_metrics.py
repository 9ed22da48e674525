"""The metrics of the embedded store, of the one list in `storage.metric_list`; shown at its door under /metrics."""

import contextlib
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest

from storage import metric_list as listed
from storage.clock import now_ms
from storage.embedded.lanes import Lanes
from storage.instruments import BuildInfo, Instruments


class DoorMetrics:
    """The counters, gauges and histograms of one store."""

    def __init__(self, lanes: Lanes) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(BuildInfo("store"))
        make = Instruments(self._registry)
        self.errors = make.counter(listed.STORE_ERRORS)
        self.spooled_bytes = make.counter(listed.STORE_SPOOLED)
        self._statements = make.counter(listed.STORE_STATEMENTS)
        self._seconds = make.histogram(listed.STORE_SECONDS)
        lane = make.summed(listed.STORE_LANE)
        for each in lanes.all:
            lane.labels(lane=each.name).set_function(each.held)
        make.summed(listed.STORE_START).set(now_ms() / 1000)

    @contextlib.contextmanager
    def carrying_out(self, user: str, statement: str) -> Iterator[None]:
        """Count a statement of the user and take its time, however it ends."""
        begun_s = time.monotonic()
        try:
            yield
        finally:
            self._statements.labels(user=user, statement=statement).inc()
            self._seconds.labels(statement=statement).observe(time.monotonic() - begun_s)

    def page(self) -> bytes:
        """Return the metrics in Prometheus' text form."""
        return generate_latest(self._registry)
