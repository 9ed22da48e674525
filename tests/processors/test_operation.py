"""What a processor tells over HTTP."""

import asyncio
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.metrics import ProcessorMetrics
from processors.operation import PortInUse, told_on
from storage.clock import now_ms
from tests.fixtures_store import free_port
from tests.processors.builders import command
from tests.processors.pipeline import Pipeline, wait_until


@pytest.fixture
def pipeline(tmp_path: Path, store_database: str) -> Iterator[Pipeline]:
    made = Pipeline(tmp_path, store_database)
    yield made
    made.close()


def _get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
        return bytes(reply.read()).decode()


def _told(port: int) -> dict[str, float]:
    lines = (line.split(" ") for line in _get(port, "/metrics").splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def test_a_processor_tells_what_it_holds_and_has_stored(pipeline: Pipeline) -> None:
    port = free_port()
    worker = pipeline.start_worker(settings={"processor_port": port})
    pipeline.append([command("open", room=f"room {n}", session="a", received_at_ms=now_ms()) for n in range(10)])
    pipeline.wait_until_stored()
    assert _get(port, "/healthz") == '{"status": "alive"}'
    rows = pipeline.query("SELECT count() FROM room_events")[0][0]
    wait_until(lambda: _told(port)["roomstate_processor_rows_stored_total"] == rows, "the metric to follow the store")
    told = _told(port)
    assert told["roomstate_processor_partitions"] == len(pipeline.query("SELECT DISTINCT log_partition FROM owners"))
    assert told["roomstate_processor_rooms"] == len(pipeline.query("SELECT DISTINCT room_id FROM room_events"))
    assert told["roomstate_processor_inserts_refused_total"] == 0
    assert worker.stop() == 0


def test_a_port_in_use_is_one_clear_line() -> None:
    async def tell(port: int) -> None:
        async with told_on(port, ProcessorMetrics()):
            pytest.fail("it listened")

    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            PortInUse, match=rf"^port {port} can't be listened on \(.+\); name another with --processor-port$"
        ):
            asyncio.run(tell(port))
