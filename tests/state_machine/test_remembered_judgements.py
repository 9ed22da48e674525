"""A remembered judgement is the one that judging again would give, also once it was forgotten in between."""

from itertools import product

from state_machine.facts import Snapshot, Step
from state_machine.families import WIRE_NAMES
from state_machine.inputs import Input
from state_machine.judge import judge
from state_machine.statuses import COUNTER_MAX, JUDGED_KEPT, judged_after
from state_machine.vocabulary import FAMILIES, STATES

EVENT_OF = {"notice": "sdk.exception", **{family: names[0] for family, names in WIRE_NAMES.items()}}
COUNTERS = tuple(product((0, 1), repeat=3))


def asked(before: Snapshot, family: str, declared: Snapshot) -> tuple[Step, str]:
    """Return what is decided of such a status, from memory or not."""
    _, connections, send_streams, recv_streams = declared
    item = Input(
        event=EVENT_OF[family],
        state=declared.state,
        connections=connections,
        send_streams=send_streams,
        recv_streams=recv_streams,
    )
    return judged_after(before, item)


def test_every_case_is_judged_from_memory_as_without() -> None:
    snapshots = [Snapshot(state, *counters) for state in STATES for counters in COUNTERS]
    strange = [Snapshot("strange", *counters) for counters in COUNTERS]
    cases = list(product(snapshots, FAMILIES, [*snapshots, *strange]))
    assert len(cases) > JUDGED_KEPT
    for before, family, declared in cases:
        verdict, reason, moved = judge(before, family, declared)
        judged = Step(before, declared, family, verdict, moved), reason
        assert asked(before, family, declared) == judged
        assert asked(before, family, declared) == judged  # from memory


def test_counters_too_large_to_store_are_judged_as_the_largest() -> None:
    before = Snapshot("waiting", 1, 0, 0)
    largest = Snapshot("starting", COUNTER_MAX, 0, 0)
    for connections in (COUNTER_MAX, COUNTER_MAX + 1, 1 << 70):
        assert asked(before, "notice", largest._replace(connections=connections)) == asked(before, "notice", largest)
