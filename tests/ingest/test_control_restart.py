"""Session numbers through a change of processors: they go on, also when the clock has stepped back meanwhile."""

from pathlib import Path

from ingest.store_gate import StoreGate
from state_machine.inputs import Input
from state_machine.numbers import PARTITIONS_MAX
from storage.clock import now_ms
from storage.event_log import INPUTS_TOPIC, Frame
from storage.frames import encode_input, partition_of
from storage.sqlite_log import SqliteLog
from tests.fixtures_store import EmbeddedStore
from tests.ingest.controlled import TOKEN, Operator
from tests.ingest.serving import served, settings_for
from tests.ingest.whole_pipeline import fresh_database, processing, wait_until, wait_until_stored

AN_HOUR_MS = 3_600_000


def test_the_next_processor_goes_on_behind_the_last_number(embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    ahead = Input("open", now_ms() + AN_HOUR_MS, room="r", session="ahead")
    log = SqliteLog(tmp_path / "log.db", 4)
    with fresh_database(embedded_store) as url:
        settings = settings_for(tmp_path, store_url=url, management_token=TOKEN, decision_timeout_ms=10_000)
        with served(settings, log, StoreGate.to(url)) as server:
            operator = Operator(server)
            with processing(tmp_path, url):
                log.append([Frame(INPUTS_TOPIC, partition_of("call", "r", 4), encode_input(ahead), 1)], 5.0)
                (first,) = wait_until(lambda: operator.listed(stream="r"), "the opening to be stored")
            with processing(tmp_path, url):
                assert operator.open("r", "behind") == first["id"] + PARTITIONS_MAX
                wait_until_stored(server)
                assert operator.listed(stream="r")[0] == first
    log.close()
