"""Each verdict's condition, written on its own, without regard to the order in which the code asks.

So two that overlap and a case that none covers both show. Source: design section 4.
"""

from collections.abc import Callable
from typing import NamedTuple

from state_machine.facts import Snapshot
from state_machine.vocabulary import STATES

DELTAS = {
    "notice": (0, 0, 0),
    "connection_created": (1, 0, 0),
    "connection_destroyed": (-1, 0, 0),
    "send_created": (0, 1, 0),
    "send_destroyed": (0, -1, 0),
    "recv_created": (0, 0, 1),
    "recv_destroyed": (0, 0, -1),
}
DIAGRAM = {
    "init --connection_created--> waiting",
    "waiting --connection_created--> starting",
    "waiting --connection_destroyed--> init",
    "starting --recv_created--> receiving",
    "starting --send_created--> sending",
    "receiving --send_created--> sendrecv",
    "sending --recv_created--> sendrecv",
}
DIAGRAM_AT_LAST_SEND = {"sendrecv --send_destroyed--> receiving", "sending --send_destroyed--> cleanup"}
DIAGRAM_AT_LAST_RECV = {"sendrecv --recv_destroyed--> sending", "receiving --recv_destroyed--> cleanup"}
DIAGRAM_AT_LAST_CONNECTION = {"cleanup --connection_destroyed--> waiting"}
BEFORE_MEDIA = ("init", "waiting", "starting", "cleanup")


class Case(NamedTuple):
    """One status and what was before it."""

    before: Snapshot
    family: str
    declared: Snapshot

    @property
    def is_known(self) -> bool:
        return self.declared.state in STATES

    @property
    def has_moved_as_said(self) -> bool:
        return self.is_known and all(
            now - then == delta
            for then, now, delta in zip(self.before[1:], self.declared[1:], DELTAS[self.family], strict=True)
        )

    @property
    def agrees(self) -> bool:
        _, _, sending, receiving = self.declared
        fitting = {
            (True, True): ("sendrecv",),
            (True, False): ("sending",),
            (False, True): ("receiving",),
            (False, False): BEFORE_MEDIA,
        }[sending > 0, receiving > 0]
        return self.declared.state in fitting

    @property
    def arrow(self) -> str:
        return f"{self.before.state} --{self.family}--> {self.declared.state}"


def is_diagram(case: Case) -> bool:
    return case.has_moved_as_said and (
        case.arrow in DIAGRAM
        or (case.arrow in DIAGRAM_AT_LAST_SEND and case.declared.send_streams == 0)
        or (case.arrow in DIAGRAM_AT_LAST_RECV and case.declared.recv_streams == 0)
        or (case.arrow in DIAGRAM_AT_LAST_CONNECTION and case.declared.connections == 1)
    )


def is_exceptional(case: Case) -> bool:
    return (
        case.has_moved_as_said
        and case.before.state in ("starting", "sending", "receiving", "sendrecv")
        and case.family == "connection_destroyed"
        and case.declared.state == "waiting"
    )


def is_steady(case: Case) -> bool:
    return case.has_moved_as_said and case.declared.state == case.before.state and case.family != "notice"


def is_notice(case: Case) -> bool:
    return case.family == "notice" and case.is_known and case.declared == case.before


def is_restart(case: Case) -> bool:
    return (
        case.family == "connection_created"
        and case.declared[1:] == (1, 0, 0)
        and case.declared.state in ("waiting", "starting")
        and case.before[1:] != (0, 0, 0)
    )


def is_teardown(case: Case) -> bool:
    return (
        case.family == "notice"
        and case.declared[1:] == (0, 0, 0)
        and case.declared.state in BEFORE_MEDIA
        and case.before[1:] != (0, 0, 0)
    )


def is_implied(case: Case) -> bool:
    if not case.has_moved_as_said or case.declared.state == case.before.state:
        return False
    return case.agrees and not is_diagram(case) and not is_exceptional(case)


def is_counter_jump(case: Case) -> bool:
    is_a_jump = case.is_known and not case.has_moved_as_said and case.agrees
    return is_a_jump and not is_restart(case) and not is_teardown(case)


def is_state_disagrees(case: Case) -> bool:
    if not case.is_known or case.agrees:
        return False
    return not (is_diagram(case) or is_exceptional(case) or is_steady(case) or is_notice(case))


def is_unknown_state(case: Case) -> bool:
    return not case.is_known


CONDITIONS: dict[tuple[str, str, bool], Callable[[Case], bool]] = {
    ("violation", "unknown_state", False): is_unknown_state,
    ("diagram", "", True): is_diagram,
    ("exceptional", "", True): is_exceptional,
    ("steady", "", True): is_steady,
    ("notice", "", True): is_notice,
    ("restart", "", True): is_restart,
    ("teardown", "", True): is_teardown,
    ("implied", "", True): is_implied,
    ("violation", "counter_jump", True): is_counter_jump,
    ("violation", "state_disagrees", False): is_state_disagrees,
}


def fitting(case: Case) -> list[tuple[str, str, bool]]:
    """Return every judgement (verdict, reason, moved) whose condition holds; there must be one."""
    return [judgement for judgement, holds in CONDITIONS.items() if holds(case)]
