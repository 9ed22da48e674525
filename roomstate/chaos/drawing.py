"""Which faults come in which round: a pure function of the seed.

The faults are dealt like cards: each comes once before any comes again, so that a run of enough rounds misses none.
In every third round a second one, dealt from a pack of its own, happens at the same time.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from roomstate.chaos.faults import Fault

PAIR_EVERY: Final = 3
LONG_FROM_ROUNDS: Final = 20
"""Shorter runs leave out the faults that take a minute."""


def drawn_faults(seed: str, rounds: int, faults: Sequence[Fault]) -> list[tuple[Fault, ...]]:
    """Return the faults of each round; those that take long come once, as soon as the run is long enough."""
    random = Random(f"{seed}/faults")
    short = [fault for fault in faults if not fault.is_long] or faults
    firsts, seconds = _dealt(random, short), _dealt(random, short)
    drawn: list[tuple[Fault, ...]] = []
    for number in range(1, rounds + 1):
        first = next(firsts)
        pair = (first, _fitting(first, seconds, len(short))) if number % PAIR_EVERY == 0 else (first, None)
        drawn.append(tuple(fault for fault in pair if fault is not None))
    long = [fault for fault in faults if fault.is_long]
    if rounds >= LONG_FROM_ROUNDS:
        for fault, number in zip(long, random.sample(range(rounds), min(len(long), rounds)), strict=False):
            drawn[number] = (fault,)
    return drawn


def _dealt(random: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    while faults:
        yield from random.sample(faults, len(faults))


def _fitting(first: Fault, seconds: Iterator[Fault], tries: int) -> Fault | None:
    """Return the next fault that can happen at the same time, or None if there is none."""
    for _ in range(2 * tries):
        second = next(seconds)
        if not first.touches & second.touches:
            return second
    return None
