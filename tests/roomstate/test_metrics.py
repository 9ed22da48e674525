"""What Prometheus is shown, against the list of all metrics, the page about it, and what the store says."""

import itertools
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from roomstate.metric_document import metric_document
from roomstate.simulation.call import CallShape
from roomstate.simulation.plan import Traffic, planned_calls
from roomstate.simulation.play import Target, play
from roomstate.simulation.played import Played
from storage.metric_kinds import CounterMetric
from storage.metric_list import METRICS
from storage.store import Store
from tests.roomstate.running_up import RunningUp, until

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "dashboards" / "prometheus"
LISTED = {metric.name: metric for metric in METRICS}
PARTS_OF_A_HISTOGRAM = re.compile("_(bucket|count|sum)$")
LOG_AND_STORE = {"roomstate_inputs", "roomstate_lag_frames", "roomstate_lag_inputs", "roomstate_lag_seconds"}


def listed_name(sample: str) -> str:
    """Return the name of the metric that a sample belongs to."""
    return sample if sample in LISTED else PARTS_OF_A_HISTOGRAM.sub("", sample)


def pages(running_up: RunningUp) -> dict[str, str]:
    """Return the page of each part."""
    ports = {"ingest": running_up.port, "processor": running_up.processor_port, "store": running_up.store_port}
    replies = {part: httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=20.0) for part, port in ports.items()}
    assert {reply.status_code for reply in replies.values()} == {200}
    assert {reply.headers["content-type"] for reply in replies.values()} == {"text/plain; version=0.0.4; charset=utf-8"}
    return {part: reply.text for part, reply in replies.items()}


def samples(page: str) -> Iterator[Sample]:
    """Yield every sample of a page."""
    for family in text_string_to_metric_families(page):
        yield from family.samples


@pytest.fixture
async def played(running_up: RunningUp) -> None:
    """Some calls, all of them stored."""
    token = (running_up.data_dir / "api_token").read_text().strip()
    calls = planned_calls(Traffic("metrics", 12, 600, CallShape(talk_s=3.0, misbehaving=0.4)), "metrics")
    await play(calls, Target(running_up.url, token, speed=20.0), Played(), lambda: None)


def test_the_page_about_metrics_is_the_list() -> None:
    assert (ROOT / "docs" / "prometheus.md").read_text() == metric_document(), "roomstate metrics > docs/prometheus.md"


def test_names_are_in_the_ecosystem_s_form() -> None:
    assert len(LISTED) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"roomstate(_[a-z]+)+", metric.name), metric.name
        assert metric.name.endswith("_total") == isinstance(metric, CounterMetric), metric.name
        if metric.unit in ("seconds", "bytes"):
            assert metric.name.removesuffix("_total").endswith(f"_{metric.unit}"), metric.name
        assert metric.meaning.endswith(".")


@pytest.mark.usefixtures("played")
def test_every_part_shows_its_metrics_and_nothing_else(running_up: RunningUp) -> None:
    until(lambda: "roomstate_lag_seconds" in pages(running_up)["ingest"], 20.0, lambda: running_up.log)
    for part, page in pages(running_up).items():
        shown = {listed_name(sample.name) for sample in samples(page)}
        assert shown == {metric.name for metric in METRICS if metric.part in (part, "every part")}


@pytest.mark.usefixtures("played")
def test_labels_take_no_value_but_those_of_the_list(running_up: RunningUp) -> None:
    for sample in itertools.chain.from_iterable(map(samples, pages(running_up).values())):
        metric = LISTED[listed_name(sample.name)]
        values = {name: value for name, value in sample.labels.items() if name != "le"}
        assert values.keys() == set(metric.label_names)
        for label in metric.labels:
            value = values[label.name]
            assert value in label.values if label.values else re.fullmatch(r"[0-9.]+", value), sample


async def stored_and_told(running_up: RunningUp) -> tuple[Counter[tuple[str, ...]], dict[tuple[str, ...], float]]:
    """Return what the store has and what the processor told of it, at a moment when nothing was on its way."""
    sql = "SELECT fact, verdict, room_kind::String, fact = 'session_closed' AND reason = 'expired', fact_index = 0"
    deadline_s = time.monotonic() + 30.0
    async with await Store.connect(f"http://analyst@127.0.0.1:{running_up.store_port}/roomstate") as store:
        while True:
            stored = counted(await store.rows(f"{sql}, count() FROM room_events GROUP BY ALL"))
            page = pages(running_up)["processor"]
            told = {(sample.name, *sample.labels.values()): sample.value for sample in samples(page)}
            if stored["roomstate_processor_rows_stored_total",] == told["roomstate_processor_rows_stored_total",]:
                return stored, told
            assert time.monotonic() < deadline_s, (stored, page)


def counted(rows: list[tuple[Any, ...]]) -> Counter[tuple[str, ...]]:
    """Return what a processor should tell of the rows."""
    stored: Counter[tuple[str, ...]] = Counter()
    for fact, verdict, room_kind, is_expired, is_answer, number in rows:
        stored["roomstate_processor_rows_stored_total",] += number
        stored["roomstate_processor_facts_total", fact, room_kind] += number
        if verdict:
            stored["roomstate_processor_verdicts_total", verdict] += number
        if is_answer:
            stored["roomstate_processor_freshness_seconds_count",] += number
        if is_expired:
            stored["roomstate_processor_leases_expired_total", room_kind] += number
        change = {"session_opened": number, "session_closed": -number}.get(fact, 0)
        stored["roomstate_processor_live_sessions", room_kind] += change
    return stored


@pytest.mark.usefixtures("played")
async def test_a_processor_counts_what_the_store_has(running_up: RunningUp) -> None:
    stored, told = await stored_and_told(running_up)
    assert stored["roomstate_processor_rows_stored_total",] > 100
    assert {key: told[key] for key in stored} == stored


def test_every_metric_of_a_rule_is_in_the_list_and_every_rule_says_what_is_the_matter() -> None:
    (group,) = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        names = re.findall(r"\b(roomstate_[a-z_]+)\b", rule["expr"])
        assert {listed_name(name) for name in names} <= LISTED.keys(), rule["alert"]
        assert names or "up{" in rule["expr"]
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["labels"]["severity"] in ("critical", "warning")
    assert len(group["rules"]) > 10
    tested = (PROMETHEUS / "alerts_test.yml").read_text()
    assert {listed_name(name) for name in re.findall(r"\b(roomstate_[a-z_]+)\b", tested)} <= LISTED.keys()
    assert set(re.findall(r"alertname: (\w+)", tested)) <= {rule["alert"] for rule in group["rules"]}


def test_prometheus_takes_the_files_and_the_pages(running_up: RunningUp) -> None:
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert [PROMETHEUS / name for name in config["rule_files"]] == [PROMETHEUS / "alerts.yml"]
    assert {job["job_name"] for job in config["scrape_configs"]} == {f"roomstate-{part}" for part in pages(running_up)}
    promtool = shutil.which("promtool")
    if promtool is None:
        return  # what it would say is told above as far as that goes without it
    checks: list[tuple[list[str], str | None]] = [
        (["check", "config", str(PROMETHEUS / "prometheus.yml")], None),
        (["test", "rules", str(PROMETHEUS / "alerts_test.yml")], None),
    ]
    checks += [(["check", "metrics"], page) for page in pages(running_up).values()]
    for arguments, page in checks:
        told = subprocess.run([promtool, *arguments], input=page, capture_output=True, text=True, check=False)
        assert (told.returncode, told.stderr) == (0, ""), told.stdout
