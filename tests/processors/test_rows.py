"""Facts to rows: what stands in which column."""

import json

from storage.columns import COLUMN_TYPES, ROW_SCHEMA
from storage.frames import TIME_MS_MAX
from tests.processors.builders import T0_MS, command, judged, rows, status

A_FULL_STATUS = status(
    received_at_ms=T0_MS,
    occurred_at_ms=T0_MS - 40,
    event="Publisher.streamCreated",
    state="sending",
    connections=2,
    send_streams=1,
    id="i-1",
    seq=3,
    user="u",
    device_type="desktop",
    app="hello",
    service="loop",
    client_ip="192.0.2.7",
    user_agent="UA",
    bytes_sent=12,
    bytes_recv=34,
)


def test_a_status_fills_the_columns_that_it_names() -> None:
    row = rows(judged(A_FULL_STATUS))[1]
    assert row == {
        "kind": "status",
        "fact": "status_judged",
        "fact_index": 0,
        "room_kind": "call",
        "room_id": "r",
        "session_id": "s",
        "user_id": "u",
        "event": "Publisher.streamCreated",
        "event_family": "send_created",
        "state": "sending",
        "connections": 2,
        "send_streams": 1,
        "recv_streams": 0,
        "prev_state": "init",
        "prev_connections": 0,
        "prev_send_streams": 0,
        "prev_recv_streams": 0,
        "verdict": "violation",
        "reason": "counter_jump",
        "rule_version": 1,
        "moved": True,
        "opened_at": T0_MS,
        "prev_since": T0_MS,
        "lease_ends_at": T0_MS + 300_000,
        "device_type": "desktop",
        "service": "loop",
        "app": "hello",
        "client_ip": "192.0.2.7",
        "user_agent": "UA",
        "bytes_sent": 12,
        "bytes_recv": 34,
        "input_id": "i-1",
        "client_seq": 3,
        "occurred_at": T0_MS - 40,
        "received_at": T0_MS,
        "at": T0_MS,
        "judged_at": T0_MS + 5,
        "log_partition": 0,
        "log_offset": 0,
        "log_index": 0,
        "frame_inputs": 1,
        "epoch": 7,
        "session_number": 0,
        "extra": "",
    }


def test_an_implicit_opening_carries_its_client_but_no_event() -> None:
    opened, _ = rows(judged(status(user_agent="UA", client_ip="192.0.2.7")))
    assert (opened["fact"], opened["event"], opened["state"], opened["moved"]) == ("session_opened", "", "init", True)
    assert (opened["user_agent"], opened["client_ip"]) == ("UA", "192.0.2.7")


def test_a_kill_leaves_its_senders_address_off_the_sessions_of_others() -> None:
    block = judged(
        status(session="a"), status(session="b"), command("kill", client_ip="192.0.2.9", user_agent="operator")
    )
    closings = [row for row in rows(block) if row["fact"] == "session_closed" and row["fact_index"] > 0]
    assert len(closings) == 1
    assert [(row["client_ip"], row["user_agent"]) for row in closings] == [("", "")]


def test_an_input_without_a_clients_time_occurred_when_it_was_received() -> None:
    assert rows(judged(status()))[0]["occurred_at"] == T0_MS


def test_a_rooms_attributes_stand_in_extra() -> None:
    item = command("room_create", user="o", max_size=2, expires_at_ms=T0_MS + 1, extra={"roomName": "Tea"})
    extra = json.loads(rows(judged(item))[0]["extra"])
    assert extra == {"roomName": "Tea", "owner": "o", "max_size": 2, "expires_at_ms": T0_MS + 1}


def test_members_that_the_answer_did_not_take_are_kept_apart() -> None:
    extra = json.loads(rows(judged(status(extra={"lease_ms": 1, "network": "wifi"})))[1]["extra"])
    assert extra == {"input": {"lease_ms": 1, "network": "wifi"}}


def test_a_lease_of_centuries_fits_its_column() -> None:
    row = rows(judged(command("open", session="s", lease_ms=TIME_MS_MAX - 1)))[0]
    assert row["lease_ends_at"] == TIME_MS_MAX


def test_the_rows_have_the_writers_schema() -> None:
    block = judged(status())
    assert list(rows(block)[0]) == list(COLUMN_TYPES) == ROW_SCHEMA.names
