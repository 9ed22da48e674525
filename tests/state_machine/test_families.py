"""Event names and the counters that they change."""

import pytest

from state_machine.families import CHANGES, WIRE_NAMES, family_of
from state_machine.vocabulary import FAMILIES

TABLE = """
connection_created     +1  0  0   Session.connectionCreated
connection_destroyed   -1  0  0   Session.connectionDestroyed
recv_created            0  0 +1   Session.streamCreated     Session.av.streamCreated   Session.screen.streamCreated
recv_destroyed          0  0 -1   Session.streamDestroyed   Session.av.streamDestroyed Session.screen.streamDestroyed
send_created            0 +1  0   Publisher.streamCreated
send_destroyed          0 -1  0   Publisher.streamDestroyed
notice                  0  0  0   Session.subscribeCompleted Session.networkDisconnected Session.forceDisconnected
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_family_has_its_names_and_its_change(row: list[str]) -> None:
    family, connections, send_streams, recv_streams, *names = row
    assert CHANGES[family] == (int(connections), int(send_streams), int(recv_streams))
    for name in names:
        assert family_of(name) == family
        assert family_of(name.upper()) == family
        assert family_of(name.lower()) == family


@pytest.mark.parametrize(
    "event", ["", "sdk.exception.1500.publish", "sdk.datachannel.close", "Session.streamcreated ", "streamCreated", "7"]
)
def test_every_other_name_is_a_notice(event: str) -> None:
    assert family_of(event) == "notice"


def test_the_table_has_every_family_and_every_name_of_the_wire() -> None:
    assert {row[0] for row in ROWS} == set(FAMILIES) == set(CHANGES)
    listed = {name for row in ROWS if row[0] != "notice" for name in row[4:]}
    assert listed == {name for names in WIRE_NAMES.values() for name in names}
