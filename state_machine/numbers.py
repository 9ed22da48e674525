"""Session numbers: the integer by which operators name one opening of a session.

The numbers of a log partition increase, also after a clock stepped back; those of different partitions differ, because
a number modulo `PARTITIONS_MAX` is its partition. They follow from the log alone: judged again it gives the same ones.
Below 2^53, and so exact in every JSON reader, until 2089.
Source: contract 4.3 (integer ids).
"""

from typing import Final

from state_machine.facts import Fact

PARTITIONS_MAX: Final = 4096
EPOCH_MS: Final = 1_577_836_800_000
"""The beginning of 2020."""


def next_number(opened_at_ms: int, partition: int, last: int) -> int:
    """Return the number of a partition's next opening; `last` is the partition's last one, 0 = none yet.

    Units: `opened_at_ms` epoch milliseconds, UTC.
    """
    return max((opened_at_ms - EPOCH_MS) * PARTITIONS_MAX, (last or partition) - partition + PARTITIONS_MAX) + partition


def number_openings(facts: list[Fact], partition: int, last: int) -> int:
    """Give every opening among the facts of one input its number, in order; return the partition's last number."""
    for fact in facts:
        if fact.name == "session_opened":
            last = fact.session_number = next_number(fact.opened_at_ms, partition, last)
    return last
