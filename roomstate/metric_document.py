"""docs/prometheus.md: the list of metrics as a page. `roomstate metrics > docs/prometheus.md` writes it anew."""

from collections.abc import Iterator
from typing import Final

from storage.metric_kinds import CounterMetric, GaugeMetric, Metric, Part
from storage.metric_list import METRICS

_HEAD: Final = """# Prometheus

This page is what `roomstate metrics` prints. [prometheus.yml](../dashboards/prometheus/prometheus.yml) is an example of
a scrape config, [alerts.yml](../dashboards/prometheus/alerts.yml) holds alert rules, and
[operating.md](operating.md#alerts) says what each means and what to do.

| part | where | whose numbers |
|---|---|---|
| ingest | `/metrics` on its port; bound elsewhere than on loopback it takes the bearer token | all its processes |
| processor | `/metrics` on `ROOMSTATE_PROCESSOR_PORT`, which is off unless it is set | this worker |
| embedded store | `/metrics` on `ROOMSTATE_STORE_PORT` | this store |

A ClickHouse or Kafka of your own tells about itself by its own exporters; the embedded log has no port, ingest tells
about it. Names have base units, counters end in `_total`. No label takes text that somebody sent. A counter starts
again at 0 with its process (ingest's: with the parent of its processes); what is not known is left out rather than
shown as 0.
"""
_TITLES: Final[dict[Part, str]] = {
    "every part": "Every part",
    "ingest": "Ingest",
    "processor": "Processor",
    "store": "Embedded store",
}


def metric_document() -> str:
    """Return the page, in Markdown."""
    return "\n".join((_HEAD, *(line for part in _TITLES for line in _section(part))))


def _section(part: Part) -> Iterator[str]:
    yield f"## {_TITLES[part]}\n"
    yield "| metric | type | unit | meaning |"
    yield "|---|---|---|---|"
    for metric in METRICS:
        if metric.part == part:
            yield f"| `{metric.name}` | {_kind(metric)} | {metric.unit} | {metric.meaning}{_labels(metric)} |"
    yield ""


def _kind(metric: Metric) -> str:
    if isinstance(metric, CounterMetric):
        return "counter"
    return "gauge" if isinstance(metric, GaugeMetric) else "histogram"


def _labels(metric: Metric) -> str:
    texts = [f"`{label.name}`: {', '.join(label.values) or label.text}" for label in metric.labels]
    return f" Labels: {'; '.join(texts)}." if texts else ""
