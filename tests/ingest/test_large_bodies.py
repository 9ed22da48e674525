"""Large bodies at once: a few are taken apart, the others wait, and memory stays where it is."""

import json
import threading
from pathlib import Path

import httpx
import pytest

from ingest.large_bodies import LargeBodies, TooManyBodies
from tests.ingest.test_server import Process, a_process

AT_ONCE = 24
PEAK_MIB_MAX = 450


def peak_mib(running: Process) -> float:
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def test_many_large_bodies_at_once_take_bounded_memory(tmp_path: Path) -> None:
    one = {"room": "r", "session": "s", "event": "e" * 700, "state": "init"}
    body = json.dumps([one] * 9900)
    replies: list[int] = []

    def post() -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        replies.append(httpx.post(f"{running.url}/v1/inputs", content=body, headers=headers, timeout=60).status_code)

    with a_process(tmp_path, LOG_TIMEOUT_MS="30000") as running:
        token = (tmp_path / "api_token").read_text().strip()
        posters = [threading.Thread(target=post) for _ in range(AT_ONCE)]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join()
        assert peak_mib(running) < PEAK_MIB_MAX
    assert len(replies) == AT_ONCE
    assert set(replies) <= {200, 503}
    assert 200 in replies


async def test_who_finds_no_room_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.large_bodies._WAIT_S", 0.05)
    monkeypatch.setattr("ingest.large_bodies._AT_ONCE", 1)
    bodies = LargeBodies()
    async with bodies.room_for("1000000", ""):
        async with bodies.room_for("1000", ""):
            pass  # a small one needs none
        for length, encoding in (("1000000", ""), ("", ""), ("10", "gzip")):
            with pytest.raises(TooManyBodies):
                async with bodies.room_for(length, encoding):
                    raise AssertionError("there was room")
    async with bodies.room_for("", ""):
        pass
