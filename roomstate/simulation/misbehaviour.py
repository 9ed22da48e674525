"""Clients that break the rules: one or more of a closed list of faults, put into an honest stay. Pure.

Each fault is well-formed, so that it is accepted and shows up as a verdict: that is what verdicts are for.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from roomstate.simulation.clients import Fault
from roomstate.simulation.steps import Step

_LATER_MS: Final = 40
_ANOTHER: Final = 0.4
_AFTER_CLOSE_SEQ: Final = 1_000_000
"""Beyond any that came before."""


def misbehaved(random: Random, stay: list[Step], faults: tuple[Fault, ...]) -> list[Step]:
    """Return the stay's steps with the first fault and perhaps more; a stay without a status stays as it is."""
    statuses = [index for index, step in enumerate(stay) if step.body["kind"] == "status"]
    if not statuses:
        return stay
    for number, fault in enumerate(faults):
        if number == 0 or random.random() < _ANOTHER:
            stay = FAULTS[fault](stay, random.choice(statuses))
    return stay


def _changed(stay: list[Step], index: int, **members: Any) -> list[Step]:
    step = stay[index]
    return [*stay[:index], step._replace(body={**step.body, **members}), *stay[index + 1 :]]


def _added(stay: list[Step], step: Step, **members: Any) -> list[Step]:
    return [*stay, step._replace(at_ms=step.at_ms + _LATER_MS, body={**step.body, **members})]


def _counter_jump(stay: list[Step], index: int) -> list[Step]:
    return _changed(stay, index, connections=stay[index].body["connections"] + 3)


def _wrong_state(stay: list[Step], index: int) -> list[Step]:
    claims_media = stay[index].body["send_streams"] == 0
    return _changed(stay, index, state="sendrecv" if claims_media else "init")


def _unknown_state(stay: list[Step], index: int) -> list[Step]:
    return _changed(stay, index, state="conected")


def _late(stay: list[Step], index: int) -> list[Step]:
    step = stay[index]
    return _added(stay, step, id=f"{step.body['id']}-late")


def _repeated(stay: list[Step], index: int) -> list[Step]:
    return _added(stay, stay[index])


def _after_close(stay: list[Step], index: int) -> list[Step]:
    last = max(stay, key=lambda step: step.at_ms)
    body = {**stay[index].body, "id": f"{stay[index].body['id']}-after", "seq": _AFTER_CLOSE_SEQ}
    return [*stay, last._replace(at_ms=last.at_ms + _LATER_MS, body=body, is_waited_for=False)]


FAULTS: Final[dict[Fault, Callable[[list[Step], int], list[Step]]]] = {
    "counter_jump": _counter_jump,
    "wrong_state": _wrong_state,
    "unknown_state": _unknown_state,
    "late": _late,
    "repeated": _repeated,
    "after_close": _after_close,
}
