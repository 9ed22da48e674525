"""What is published outlives the processor, and a lease that ended meanwhile is dated at its end."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from ingest.store_gate import StoreGate
from storage.clock import now_ms
from storage.sqlite_log import SqliteLog
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import served, settings_for
from tests.ingest.streaming import NODES, Directory
from tests.ingest.whole_pipeline import fresh_database, processing, wait_until


def test_publications_come_back_with_the_next_processor(embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    with fresh_database(embedded_store) as url:
        log = SqliteLog(tmp_path / "log.db", 4)
        settings = settings_for(tmp_path, store_url=url, decision_timeout_ms=10_000, nodes=json.dumps(NODES))
        with served(settings, log, StoreGate.to(url)) as running:
            directory = Directory(running)
            with processing(tmp_path, url):
                began = directory.publish("live/kept", node="o3.example")
                brief = directory.publish("live/brief", lease_ms=1_500)["extra"]["lease_ends_at_ms"]
            time.sleep(max(0, brief + 1 - now_ms()) / 1000)
            assert [each["name"] for each in directory.got("event/list")] == ["kept"], "an end that nobody wrote counts"
            with processing(tmp_path, url):
                again = directory.publish("live/kept")
                assert (again["reason"], again["extra"]["started_at_ms"]) == ("renewed", began["at_ms"])
                assert directory.got("event/live/kept/stats")["serverAddress"] == "o3.example"

                def ended() -> Any:
                    facts = running.http.get("/v1/rooms/live/brief", params={"room_kind": "stream"}).json()["facts"]
                    return next((each for each in facts if each["fact"] == "stream_unpublished"), None)

                end = wait_until(ended, "the end to be written")
                assert round(datetime.fromisoformat(end["at"]).timestamp() * 1000) == brief
                directory.unpublish("live/kept")
                assert directory.got("event/list") == []
        log.close()
