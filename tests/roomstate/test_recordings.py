"""Recorded calls: what the file holds, what is no recording, and which differences a race explains."""

import json
from pathlib import Path
from typing import Any

import pytest

from roomstate.replaying.recordings import RecordingError, Step, read_recordings
from roomstate.simulation.client_rule import OWN_CONNECTED, PEER_CONNECTED, ClientRule


def written(folder: Path, **members: Any) -> Path:
    """Write a file of one recording."""
    recording = {"client_kind": "standalone", "sequence": ["join:200", "leave:204"], "statuses": [], **members}
    path = folder / "calls.json"
    path.write_text(json.dumps({"a call": recording}))
    return path


def test_the_recorded_calls_are_all_there() -> None:
    recordings = read_recordings()
    steps = [step for recording in recordings for step in recording.steps]
    assert len(recordings) == 23
    assert len([step for step in steps if step.action == "status"]) == 173
    assert {recording.client_kind for recording in recordings} == {"standalone", "desktop"}


def test_events_with_colons_and_parentheses_are_read(tmp_path: Path) -> None:
    event = "sdk.exception.1554.Error: (a):204 [left]"
    path = written(tmp_path, sequence=["join:200", f"status({event}):401 [left]"], statuses=[{"event": event}])
    (recording,) = read_recordings(path)
    assert recording.steps[1] == Step("status", 401, {"event": event}, is_after_leave=True)


@pytest.mark.parametrize(
    "members",
    [
        {"client_kind": "phone"},
        {"sequence": ["dance:200"]},
        {"sequence": ["join"]},
        {"sequence": ["status(x):204"]},
        {"statuses": [{"event": "x"}]},
        {"sequence": 7},
        {"statuses": None},
    ],
)
def test_what_is_no_recording_is_refused_in_one_line(members: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"calls\.json holds no recorded calls"):
        read_recordings(written(tmp_path, **members))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}', "\ud800".encode("utf-8", "surrogatepass")])
def test_a_file_of_something_else_is_refused(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "calls.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RecordingError):
        read_recordings(path)


def test_a_deleted_room_is_deleted_before_the_first_404(tmp_path: Path) -> None:
    path = written(tmp_path, sequence=["join:200", "status(x):204", "leave:404"], statuses=[{"event": "x"}])
    assert read_recordings(path)[0].room_is_deleted_before == 2
    assert read_recordings(written(tmp_path))[0].room_is_deleted_before == 2


@pytest.mark.parametrize(
    ("note", "is_after_leave", "replies", "is_race"),
    [
        ("", True, (401, 400), True),
        ("", True, (204, 401), True),
        ("a race", False, (401, 204), True),
        ("", False, (401, 204), False),
        ("a race", False, (404, 204), False),
        ("", True, (204, 503), False),
    ],
)
def test_only_a_race_with_the_own_leave_explains_a_difference(
    note: str, is_after_leave: bool, replies: tuple[int, int], is_race: bool, tmp_path: Path
) -> None:
    (recording,) = read_recordings(written(tmp_path, note=note))
    assert recording.is_race(Step("status", replies[0], {}, is_after_leave), replies[1]) is is_race


def test_the_simulated_client_declares_what_the_real_one_declared() -> None:
    compared = 0
    for recording in read_recordings():
        rule = ClientRule()
        for step in recording.steps:
            if step.action == "join":
                rule = ClientRule()
            if step.action != "status" or step.is_after_leave or recording.note:
                continue
            status = step.status
            is_own = status["event"] == PEER_CONNECTED and status["state"] == "waiting"
            declared = rule.after(OWN_CONNECTED if is_own else status["event"])
            assert tuple(declared) == tuple(status.values()), recording.name
            compared += 1
    assert compared > 140
