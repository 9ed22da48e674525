"""What a processor tells over HTTP."""

import asyncio
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.metrics import ProcessorMetrics
from processors.operation import PortInUse, told_on
from roomstate.ports import free_port
from state_machine.vocabulary import ROOM_KINDS
from storage.clock import now_ms
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


def test_live_sessions_are_told_also_by_the_worker_that_takes_over(pipeline: Pipeline) -> None:
    ports = free_port(), free_port()
    first = pipeline.start_worker(settings={"processor_port": ports[0]})
    now = now_ms()
    opened = [command("open", room=f"room {n}", session="a", received_at_ms=now) for n in range(9)]
    watched = [command("open", room=f"s/{n}", room_kind="stream", session="a", received_at_ms=now) for n in range(4)]
    pipeline.append([*opened, *watched])
    pipeline.append([command("close", room=f"room {n}", session="a", received_at_ms=now + 1) for n in range(5)])
    pipeline.wait_until_stored()
    live = {"call": 4, "account": 0, "stream": 4}
    wait_until(lambda: _live(ports[0]) == live, "the first worker to have counted")
    first.kill()
    second = pipeline.start_worker(settings={"processor_port": ports[1]})
    pipeline.append([command("close", room="room 8", session="a", received_at_ms=now_ms())])
    pipeline.wait_until_stored()
    wait_until(lambda: _live(ports[1]) == {**live, "call": 3}, "the second worker to have counted")
    told = _told(ports[1])
    assert told["roomstate_processor_takeovers_total"] == told["roomstate_processor_partitions"]
    assert told["roomstate_processor_takeover_seconds_count"] >= 1
    assert 0 < told["roomstate_processor_start_time_seconds"] - now / 1000 < 120
    assert second.stop() == 0


def _live(port: int) -> dict[str, float]:
    told = _told(port)
    return {kind: told[f'roomstate_processor_live_sessions{{room_kind="{kind}"}}'] for kind in ROOM_KINDS}


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
