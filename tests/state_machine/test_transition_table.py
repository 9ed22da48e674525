"""The specification of judging, as a table: what was, what happened, what the client says it is, and the verdict.

Within each part, rows that more than one verdict would fit stand under the one that takes precedence.
"""

import pytest

from state_machine.diagram import EDGES
from state_machine.judge import judge
from state_machine.vocabulary import VERDICTS
from tests.state_machine.builders import snapshot

TABLE = """
before            family                declared          verdict      reason           moved

# each arrow of the diagram
init 0/0/0        connection_created    waiting 1/0/0     diagram      -                yes
waiting 1/0/0     connection_created    starting 2/0/0    diagram      -                yes
waiting 1/0/0     connection_destroyed  init 0/0/0        diagram      -                yes
starting 2/0/0    recv_created          receiving 2/0/1   diagram      -                yes
starting 2/0/0    send_created          sending 2/1/0     diagram      -                yes
receiving 2/0/1   send_created          sendrecv 2/1/1    diagram      -                yes
sending 2/1/0     recv_created          sendrecv 2/1/1    diagram      -                yes
sendrecv 2/1/1    send_destroyed        receiving 2/0/1   diagram      -                yes
sendrecv 2/1/1    recv_destroyed        sending 2/1/0     diagram      -                yes
sending 2/1/0     send_destroyed        cleanup 2/0/0     diagram      -                yes
receiving 2/0/1   recv_destroyed        cleanup 2/0/0     diagram      -                yes
cleanup 2/0/0     connection_destroyed  waiting 1/0/0     diagram      -                yes
starting 2/0/0    connection_destroyed  waiting 1/0/0     exceptional  -                yes
sending 2/1/0     connection_destroyed  waiting 1/1/0     exceptional  -                yes
receiving 2/0/1   connection_destroyed  waiting 1/0/1     exceptional  -                yes
sendrecv 2/1/1    connection_destroyed  waiting 1/1/1     exceptional  -                yes

# an arrow is one even where the state contradicts the counters; a guard that fails makes it none
waiting 1/1/0     connection_created    starting 2/1/0    diagram      -                yes
starting 2/1/0    recv_created          receiving 2/1/1   diagram      -                yes
sendrecv 2/2/1    send_destroyed        receiving 2/1/1   violation    state_disagrees  no
sendrecv 2/1/2    recv_destroyed        sending 2/1/1     violation    state_disagrees  no
sending 2/2/0     send_destroyed        cleanup 2/1/0     violation    state_disagrees  no
receiving 2/0/2   recv_destroyed        cleanup 2/0/1     violation    state_disagrees  no
cleanup 3/0/0     connection_destroyed  waiting 2/0/0     implied      -                yes

# the state stays, the counters move: also where the state contradicts them
sendrecv 2/1/1    recv_created          sendrecv 2/1/2    steady       -                yes
sendrecv 2/1/2    recv_destroyed        sendrecv 2/1/1    steady       -                yes
sending 1/1/0     connection_created    sending 2/1/0     steady       -                yes
sending 2/1/0     connection_destroyed  sending 1/1/0     steady       -                yes
init 0/0/0        send_created          init 0/1/0        steady       -                yes

# nothing moves
sendrecv 2/1/1    notice                sendrecv 2/1/1    notice       -                yes
init 0/0/0        notice                init 0/0/0        notice       -                yes
init 0/1/0        notice                init 0/1/0        notice       -                yes

# the client began again; from 0/0/0 the same is an ordinary first connection
sendrecv 2/1/1    connection_created    waiting 1/0/0     restart      -                yes
cleanup 1/0/0     connection_created    starting 1/0/0    restart      -                yes
waiting 1/0/0     connection_created    waiting 1/0/0     restart      -                yes
cleanup 0/0/0     connection_created    waiting 1/0/0     implied      -                yes
sendrecv 2/1/1    connection_created    init 1/0/0        violation    counter_jump     yes
sendrecv 2/1/1    connection_created    sending 1/0/0     violation    state_disagrees  no
sendrecv 2/1/1    recv_created          waiting 1/0/0     violation    counter_jump     yes
sendrecv 2/1/1    connection_created    waiting 2/0/0     violation    counter_jump     yes

# the client dropped everything and says why
sendrecv 2/1/1    notice                init 0/0/0        teardown     -                yes
sendrecv 2/1/1    notice                waiting 0/0/0     teardown     -                yes
sending 1/1/0     notice                starting 0/0/0    teardown     -                yes
sendrecv 2/1/1    notice                cleanup 0/0/0     teardown     -                yes
waiting 1/0/0     notice                waiting 0/0/0     teardown     -                yes
waiting 0/0/0     notice                cleanup 0/0/0     implied      -                yes
sendrecv 2/1/1    notice                sendrecv 0/0/0    violation    state_disagrees  no
sendrecv 2/1/1    connection_destroyed  cleanup 0/0/0     violation    counter_jump     yes

# no arrow, but the counters moved as said and the state is what they say
waiting 1/0/0     send_created          sending 1/1/0     implied      -                yes
init 0/0/0        send_created          sending 0/1/0     implied      -                yes
init 0/0/0        connection_created    starting 1/0/0    implied      -                yes
waiting 1/0/0     recv_created          receiving 1/0/1   implied      -                yes
cleanup 2/0/0     recv_created          receiving 2/0/1   implied      -                yes
sending 1/1/0     send_destroyed        waiting 1/0/0     implied      -                yes
starting 1/0/0    notice                waiting 1/0/0     implied      -                yes

# the counters did not move as said
waiting 1/0/0     connection_created    starting 3/0/0    violation    counter_jump     yes
waiting 1/0/0     recv_created          sendrecv 1/1/1    violation    counter_jump     yes
sendrecv 2/1/1    notice                receiving 2/0/1   violation    counter_jump     yes
sendrecv 2/1/1    notice                sendrecv 2/1/2    violation    counter_jump     yes
init 0/0/0        connection_destroyed  init 0/0/0        violation    counter_jump     yes

# the state contradicts the counters
waiting 1/0/0     send_created          sendrecv 1/1/0    violation    state_disagrees  no
waiting 1/0/0     send_created          receiving 1/1/0   violation    state_disagrees  no
waiting 1/0/0     recv_created          sending 1/0/1     violation    state_disagrees  no
waiting 1/0/0     recv_created          init 1/0/1        violation    state_disagrees  no
init 0/0/0        connection_created    sendrecv 2/1/0    violation    state_disagrees  no

# a state is compared exactly, and before all else
init 0/0/0        connection_created    Waiting 1/0/0     violation    unknown_state    no
init 0/0/0        connection_created    connected 1/0/0   violation    unknown_state    no
sendrecv 2/1/1    notice                null 0/0/0        violation    unknown_state    no
"""
ROWS = [line.split() for line in TABLE.splitlines() if line and not line.startswith(("#", "before"))]


@pytest.mark.parametrize("row", ROWS, ids=[" ".join(row[:5]) for row in ROWS])
def test_the_table_is_what_is_judged(row: list[str]) -> None:
    before, family, declared = snapshot(" ".join(row[:2])), row[2], snapshot(" ".join(row[3:5]))
    verdict, reason, moved = judge(before, family, declared)
    assert [verdict, reason or "-", "yes" if moved else "no"] == row[5:]


def test_the_table_has_every_arrow_of_the_diagram() -> None:
    listed = [(row[0], row[2], row[3], row[5]) for row in ROWS[: len(EDGES)]]
    assert listed == [(edge.origin, edge.family, edge.target, edge.verdict) for edge in EDGES]


def test_the_table_has_every_verdict_that_does_not_hang_on_history() -> None:
    assert {row[5] for row in ROWS} == set(VERDICTS) - {"duplicate", "late", "after_close"}
