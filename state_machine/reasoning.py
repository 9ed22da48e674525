"""Why a status was judged as it was: the same steps as `judge`, told in sentences.

For whoever has never seen the diagram: what the event means, what the counters should have become and what was
declared, which edges there are, and what state the declared counters mean.
"""

from typing import Final, NamedTuple

from state_machine.diagram import EDGES, Edge, edge_verdict
from state_machine.facts import Snapshot
from state_machine.families import CHANGES
from state_machine.judge import judge, state_agrees
from state_machine.rulebook import FAMILY_MEANINGS
from state_machine.vocabulary import STATES

_COUNTERS: Final = ("connections", "send streams", "receive streams")
_WITHOUT_MEDIA: Final = "init, waiting, starting or cleanup"
_GUARDS: Final = {"s=0": "no send stream left", "r=0": "no receive stream left", "c=1": "one connection left"}


class Counters(NamedTuple):
    """The three counters; one that is expected may be negative."""

    connections: int
    send_streams: int
    recv_streams: int

    def __str__(self) -> str:
        return "/".join(map(str, self))


def counters_of(snapshot: Snapshot) -> Counters:
    """Return the snapshot's counters."""
    return Counters(*snapshot[1:])


def expected_counters(before: Snapshot, family: str) -> Counters:
    """Return what the event makes of the counters before it; below 0 if it can't be."""
    return Counters(*(was + change for was, change in zip(before[1:], CHANGES[family], strict=True)))


def meant_state(declared: Snapshot) -> str:
    """Return the state that the declared counters mean, or the four that they allow."""
    with_media = ("sendrecv", "sending", "receiving")
    return next((state for state in with_media if state_agrees(declared._replace(state=state))), _WITHOUT_MEDIA)


def reasoning(event: str, family: str, before: Snapshot, declared: Snapshot) -> list[str]:
    """Return the steps that lead to the judgement of a status, whatever it is.

    Shape: `event` as it is to be shown.
    """
    verdict = judge(before, family, declared).verdict
    steps = [f"{event} {FAMILY_MEANINGS[family]}."]
    if declared.state not in STATES:
        return [*steps, f"The declared state is none of the seven: {', '.join(STATES)}."]
    expected, counters = expected_counters(before, family), counters_of(declared)
    steps.append(_counting(before, expected, counters))
    match verdict:
        case "diagram" | "exceptional":
            return [*steps, _edges(before, family, declared)]
        case "steady" | "notice":
            return [*steps, f"The state stays {before.state}."]
        case "restart":
            return [*steps, f"{counters} is where every client begins: it began again without saying that it ended."]
        case "teardown":
            return [*steps, "Nothing is left, and the event says why: the client dropped everything at once."]
    if expected == counters:
        steps.append(_edges(before, family, declared))
    return [*steps, _agreement(declared)]


def _counting(before: Snapshot, expected: Counters, declared: Counters) -> str:
    text = f"Connections/send streams/receive streams were {counters_of(before)}, so {expected} should follow"
    if expected == declared:
        return f"{text}, and {declared} is declared: they moved as the event says."
    wrong = ", ".join(
        f"{name} {counter} instead of {wanted}"
        for name, counter, wanted in zip(_COUNTERS, declared, expected, strict=True)
        if counter != wanted
    )
    return f"{text}, but {declared} is declared: {wrong}."


def _edges(before: Snapshot, family: str, declared: Snapshot) -> str:
    leaving = [edge for edge in EDGES if (edge.origin, edge.family) == (before.state, family)]
    taken = next((edge for edge in leaving if edge.target == declared.state), None)
    if taken is not None:
        name = "the exceptional edge" if taken.verdict == "exceptional" else "the edge"
        text = f"The diagram has {name} {before.state} → {_target(taken)} for such an event"
        holds = edge_verdict(before.state, family, declared)
        return f"{text}." if holds else f"{text}, but that is not so here."
    if leaving:
        targets = " or ".join(map(_target, leaving))
        return f"The diagram leads from {before.state} with such an event to {targets}, not to {declared.state}."
    return f"The diagram has no edge from {before.state} for such an event."


def _target(edge: Edge) -> str:
    return f"{edge.target} (with {_GUARDS[edge.guard]})" if edge.guard else edge.target


def _agreement(declared: Snapshot) -> str:
    text = f"Counters {counters_of(declared)} mean {meant_state(declared)}: {declared.state}"
    return f"{text} agrees." if state_agrees(declared) else f"{text} contradicts them."
