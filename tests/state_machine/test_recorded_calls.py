"""What the rules say of the calls recorded from the real client, stay by stay.

Statuses with a negative counter never get here: the contract refuses them at the door. Everything else of a stay is
judged in its session, also what raced the client's own leave. The table is what these rules gave; that they gave the
right thing, each status by itself, is for the conditions written without regard to the code.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from state_machine.facts import Fact
from state_machine.inputs import Input
from tests.state_machine.builders import T0_MS, Played, command
from tests.state_machine.conditions import Case, fitting

RECORDED = Path(__file__).parents[2] / "roomstate" / "recorded" / "loop_client_traces.json"
CALLS: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))

TABLE = """
call                                            diagram steady implied notice teardown

normal_peer_joins_after_us_and_leaves_first           3      2       1      1        0
peer_already_there__peer_listed_before_us             1      0       3      1        0
peer_already_there__own_connection_listed_first       5      1       0      1        0
we_leave_first                                        2      1       1      1        0
alone_join_and_leave                                  1      0       1      0        0
peer_network_drop_and_returns                         5      4       1      2        0
our_network_drop_then_retry                           3      1       4      3        0
camera_denied                                         0      0       0      0        0
peer_screen_share_start_stop                          3      4       1      2        0
our_tab_share_desktop                                 2      3       1      1        0
full_call_owner_desktop_guest_standalone.owner        3      4       1      1        0
full_call_owner_desktop_guest_standalone.guest        1      1       3      2        0
three_connections                                     3      6       1      2        0
peer_leaves_and_joins_three_times                     7      6       1      3        0
our_stream_destroyed                                  3      2       2      1        0
data_channel_errors.guest                             3      4       1      6        0
sdk_exception_subscriber_ice                          2      1       1      0        1
connect_failed                                        0      0       1      1        0
force_disconnected_room_deleted.guest                 1      1       3      3        0
audio_only_peer                                       3      2       1      1        0
peer_never_publishes                                  1      2       1      0        0
peer_gone_before_subscribe_completes                  3      2       1      0        0
publish_timeout                                       1      0       0      0        0
"""
HEADER, *ROWS = [line.split() for line in TABLE.splitlines() if line]
EXPECTED = {
    row[0]: {verdict: int(count) for verdict, count in zip(HEADER[1:], row[1:], strict=True) if count != "0"}
    for row in ROWS
}


def is_let_in(body: dict[str, Any]) -> bool:
    return all(body[counter] >= 0 for counter in ("connections", "sendStreams", "recvStreams"))


def judged(call: dict[str, Any]) -> list[Fact]:
    """Return the facts of every status that is let in."""
    room = Played()
    facts: list[Fact] = []
    for number, stay in enumerate(call["stays"]):
        room.take(command("open", str(number)))
        for body in (call["statuses"][index] for index in stay):
            if is_let_in(body):
                facts.append(room.answer(status_of(str(number), body)))
        room.take(command("close", str(number)))
    return facts


def status_of(session: str, body: dict[str, Any]) -> Input:
    return Input(
        received_at_ms=T0_MS,
        session=session,
        event=body["event"],
        state=body["state"],
        connections=body["connections"],
        send_streams=body["sendStreams"],
        recv_streams=body["recvStreams"],
        implicit=False,
    )


@pytest.mark.parametrize("name", CALLS)
def test_a_recorded_call_is_judged_by_the_rules(name: str) -> None:
    facts = judged(CALLS[name])
    assert Counter(fact.verdict for fact in facts) == EXPECTED[name]
    for fact in facts:
        assert fitting(Case(fact.before, fact.family, fact.declared)) == [(fact.verdict, fact.reason, fact.moved)]


def test_every_recorded_status_belongs_to_a_stay_and_has_one_verdict() -> None:
    bodies = [body for call in CALLS.values() for body in call["statuses"]]
    stays = [index for call in CALLS.values() for stay in call["stays"] for index in stay]
    assert len(bodies) == len(stays) == 173
    assert sum(len(judged(call)) for call in CALLS.values()) == sum(map(is_let_in, bodies)) == 166
    assert CALLS.keys() == EXPECTED.keys()


def test_only_the_client_that_counted_below_nothing_is_refused_at_the_door() -> None:
    refused = {name for name, call in CALLS.items() if not all(map(is_let_in, call["statuses"]))}
    assert refused == {"publish_timeout"}


def test_the_verdicts_of_all_recorded_calls() -> None:
    total = sum((Counter(each) for each in EXPECTED.values()), Counter[str]())
    assert total == {"diagram": 56, "steady": 47, "notice": 32, "implied": 30, "teardown": 1}
