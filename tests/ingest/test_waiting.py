"""Waiting for decisions that do not come, come late, or come twice."""

from pathlib import Path

import pytest

from storage.decisions import Decision, encode_decision
from storage.event_log import DECISIONS_TOPIC, Frame
from storage.sqlite_log import SqliteLog
from tests.ingest.decider_loop import deciding
from tests.ingest.serving import Guest, HawkClient, served, settings_for
from tests.ingest.test_group_commit import ROOM, SESSION, a_guest, wait_until


def test_a_decision_that_does_not_come_is_a_503_of_each_contract(tmp_path: Path) -> None:
    with a_guest(tmp_path, decision_timeout_ms=200) as guest:
        for action in ("refresh", "leave"):
            reply = guest.act(action=action)
            assert (reply.status_code, reply.json()["errno"], reply.headers["Retry-After"]) == (503, 201, "30")
        reply = guest.act(action="join", displayName="x", clientMaxSize=2)
        assert reply.status_code == 503
        assert guest.server.http.post("/registration").status_code == 503
        native = guest.server.native({"kind": "open", "room": "r", "session": "s"}, params={"wait": "decision"})
        assert (native.status_code, native.headers["Retry-After"]) == (503, "1")
        assert guest.status().status_code == 204
        assert [item.kind for item in guest.server.inputs() if item.room == ROOM] == [
            "refresh",
            "close",
            "open",
            "status",
        ]


def test_a_command_is_sent_again_under_its_id_after_a_503(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", 4)
    with served(settings_for(tmp_path, decision_timeout_ms=200), log) as server:
        opening = {"kind": "open", "room": "r", "session": "s", "id": "once"}
        assert server.native(opening, params={"wait": "decision"}).status_code == 503
        with deciding(log):
            again = server.native(opening, params={"wait": "decision"})
    log.close()
    assert again.status_code == 200
    assert again.json()["decisions"][0]["fact"] == "session_opened"


def test_garbage_and_repeats_in_the_decisions_topic_change_nothing(tmp_path: Path) -> None:
    with a_guest(tmp_path) as guest:
        log = guest.server.log
        closed = Decision((0, 0, 0, 0), "session_closed", "call", "other", 1, session=SESSION, opened_at_ms=1)
        frames = [b"{", b"\xff", b"[]", encode_decision(closed), b""]
        log.append([Frame(DECISIONS_TOPIC, 0, value, 1) for value in frames], 5.0)
        later = Decision((0, 9, 0, 0), "room_created", "call", "later", 1)
        log.append([Frame(DECISIONS_TOPIC, 0, encode_decision(later), 1)] * 2, 5.0)
        wait_until(lambda: guest.server.edge.directory.size == (1, 2))
        assert guest.status().status_code == 204


def test_two_processes_hear_of_each_others_sessions(tmp_path: Path) -> None:
    log, other_log = (SqliteLog(tmp_path / "log.db", 4) for _ in range(2))
    settings = settings_for(tmp_path)
    with deciding(log), served(settings, log) as server, served(settings, other_log) as other:
        room = HawkClient(server).create_room()
        guest = Guest.joined(server, room)
        wait_until(lambda: other.edge.directory.size == (1, 1))
        elsewhere = Guest(other, room, guest.token)
        assert elsewhere.status().status_code == 204
        assert elsewhere.act(action="leave").status_code == 204
        wait_until(lambda: server.edge.directory.size == (0, 1))
        assert guest.status().status_code == 401
    log.close()
    other_log.close()


@pytest.mark.parametrize(("keep", "kept"), [("full", "127.0.0.1"), ("truncated", "127.0.0.0"), ("none", "")])
def test_addresses_are_kept_as_the_setting_says(tmp_path: Path, keep: str, kept: str) -> None:
    with a_guest(tmp_path, client_ip=keep) as guest:
        assert guest.status().status_code == 204
        item = {"room": "n", "session": "s", "event": "e", "state": "init", "client_ip": "127.0.0.1"}
        assert guest.server.native(item).status_code == 200
        assert [item.client_ip for item in guest.server.inputs()] == [kept, kept]
