"""Every state x family x counter change x declared state has exactly one verdict, and that is the one judged."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from state_machine.facts import Snapshot
from state_machine.judge import judge
from state_machine.vocabulary import FAMILIES, STATES
from tests.state_machine.conditions import CONDITIONS, Case, fitting

COUNTERS = tuple(product((0, 1, 2), repeat=3))


def every_case(before_state: str) -> Iterator[Case]:
    """Yield every case whose counters before and after are at most 2."""
    snapshots = [Snapshot(before_state, *counters) for counters in COUNTERS]
    declarations = [Snapshot(state, *counters) for state in (*STATES, "strange") for counters in COUNTERS]
    yield from map(Case._make, product(snapshots, FAMILIES, declarations))


def test_every_case_has_exactly_one_verdict() -> None:
    met: Counter[tuple[str, str, bool]] = Counter()
    for case in (case for state in STATES for case in every_case(state)):
        judgement = judge(*case)
        assert fitting(case) == [judgement], case
        met[judgement] += 1
    assert met.keys() == CONDITIONS.keys()
    assert met.total() == len(STATES) * len(FAMILIES) * len(COUNTERS) ** 2 * (len(STATES) + 1)
