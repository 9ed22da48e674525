"""Judging one declared snapshot against the one before: exactly one verdict, by a fixed precedence.

What depends on the session's history (`duplicate`, `late`, `after_close`) is decided before, in `statuses`.
Source: design section 4.
"""

from typing import Final, NamedTuple

from state_machine.diagram import edge_verdict
from state_machine.facts import Snapshot
from state_machine.families import CHANGES
from state_machine.vocabulary import STATES


class Judgement(NamedTuple):
    """A verdict, its reason if it is a violation, and whether the snapshot moves."""

    verdict: str
    reason: str
    moved: bool


UNKNOWN_STATE: Final = Judgement("violation", "unknown_state", False)
COUNTER_JUMP: Final = Judgement("violation", "counter_jump", True)
STATE_DISAGREES: Final = Judgement("violation", "state_disagrees", False)
STEADY: Final = Judgement("steady", "", True)
NOTICE: Final = Judgement("notice", "", True)
RESTART: Final = Judgement("restart", "", True)
TEARDOWN: Final = Judgement("teardown", "", True)
IMPLIED: Final = Judgement("implied", "", True)
_ON_AN_EDGE: Final = {verdict: Judgement(verdict, "", True) for verdict in ("diagram", "exceptional")}

_STATES: Final = frozenset(STATES)
_WITHOUT_MEDIA: Final = frozenset({"init", "waiting", "starting", "cleanup"})
_BEGINS_AGAIN: Final = frozenset({"waiting", "starting"})


def judge(before: Snapshot, family: str, declared: Snapshot) -> Judgement:
    """Return the one judgement of a status whose event is of `family`.

    Guarantees: total and pure; the order of the guards is the precedence of verdicts.
    """
    if declared.state not in _STATES:
        return UNKNOWN_STATE
    if _counters_moved_as_said(before, family, declared):
        verdict = edge_verdict(before.state, family, declared)
        if verdict:
            return _ON_AN_EDGE[verdict]
        if declared.state == before.state:
            return NOTICE if family == "notice" else STEADY
        return IMPLIED if state_agrees(declared) else STATE_DISAGREES
    if _begins_again(before, family, declared):
        return RESTART
    if _tears_down(before, family, declared):
        return TEARDOWN
    return COUNTER_JUMP if state_agrees(declared) else STATE_DISAGREES


def state_agrees(declared: Snapshot) -> bool:
    """Tell whether the declared state is one that the declared counters allow."""
    if declared.send_streams > 0:
        return declared.state == ("sendrecv" if declared.recv_streams > 0 else "sending")
    if declared.recv_streams > 0:
        return declared.state == "receiving"
    return declared.state in _WITHOUT_MEDIA


def _counters_moved_as_said(before: Snapshot, family: str, declared: Snapshot) -> bool:
    change = CHANGES[family]
    return (
        declared.connections == before.connections + change.connections
        and declared.send_streams == before.send_streams + change.send_streams
        and declared.recv_streams == before.recv_streams + change.recv_streams
    )


def _begins_again(before: Snapshot, family: str, declared: Snapshot) -> bool:
    """Tell whether the client started over without closing: its first connection, from counters that were not zero."""
    return (
        family == "connection_created"
        and declared[1:] == (1, 0, 0)
        and declared.state in _BEGINS_AGAIN
        and before[1:] != (0, 0, 0)
    )


def _tears_down(before: Snapshot, family: str, declared: Snapshot) -> bool:
    """Tell whether the client dropped everything at once and says why."""
    return (
        family == "notice"
        and declared[1:] == (0, 0, 0)
        and declared.state in _WITHOUT_MEDIA
        and before[1:] != (0, 0, 0)
    )
