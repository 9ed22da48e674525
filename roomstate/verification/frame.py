"""One frame of the log against everything that the store has under its offset."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from roomstate.verification.rows import StoredPlace
from roomstate.verification.text import Expected, keeps

LongExtra = Callable[[int], Awaitable[str]]
"""Gives the `extra` of a command of the frame, by its index."""


class FrameFindings(NamedTuple):
    """What was found of a frame: of each sort the indexes concerned, in order."""

    by_sort: Mapping[str, Sequence[int]]
    absent: Sequence[int]
    """Without a row that answers it; why that is, the place tells."""
    equal: int


async def compare_frame(
    lines: Sequence[Expected], places: Iterable[StoredPlace], long_extra: LongExtra
) -> FrameFindings:
    """Return what differs between a frame's lines and its rows."""
    by_index: dict[int, list[StoredPlace]] = {}
    for place in places:
        by_index.setdefault(place.log_index, []).append(place)
    found: dict[str, list[int]] = {}
    absent = []
    equal = 0
    for index, expected in enumerate(lines):
        facts = by_index.pop(index, [])
        if not facts or facts[0].fact_index > 0:
            absent.append(index)
            continue
        sorts = {*_of_answer(facts[0], expected, len(lines)), *_of_consequences(facts[1:], expected, len(lines))}
        if not await _is_kept(facts[0], expected, index, long_extra):
            sorts.add("erased" if facts[0].is_erased else "changed")
        equal += not sorts
        for sort in sorts:
            found.setdefault(sort, []).append(index)
    if by_index:
        found["unexpected"] = sorted(by_index)
    return FrameFindings(found, absent, equal)


def runs(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of neighbours."""
    first = last = -2
    for index in indexes:
        if index != last + 1:
            if first >= 0:
                yield first, last
            first = index
        last = index
    if first >= 0:
        yield first, last


def _of_any(place: StoredPlace, frame_inputs: int) -> Iterator[str]:
    if place.rows > 1:
        yield "doubled"
    if place.frame_inputs != (frame_inputs, frame_inputs):
        yield "miscounted"


def _of_answer(place: StoredPlace, expected: Expected, frame_inputs: int) -> Iterator[str]:
    yield from _of_any(place, frame_inputs)
    if not _is_there(expected.core_hash, place.core, place.rows):
        yield "changed"
    elif not _is_there(expected.personal_hash, place.personal, place.rows):
        yield "erased" if place.is_erased else "changed"


def _of_consequences(places: Sequence[StoredPlace], expected: Expected, frame_inputs: int) -> Iterator[str]:
    if [place.fact_index for place in places] != list(range(1, len(places) + 1)):
        yield "uneven"
    for place in places:
        yield from _of_any(place, frame_inputs)
        if not _is_there(expected.copy_hash, place.core, place.rows):
            yield "changed"


def _is_there(wanted: int, held: tuple[int, int], rows: int) -> bool:
    """Tell whether the hash is the row's; of several rows, one of them suffices, the others are doubled."""
    return held == (wanted, wanted) or (rows > 1 and wanted in held)


async def _is_kept(place: StoredPlace, expected: Expected, index: int, long_extra: LongExtra) -> bool:
    """Tell whether a command's row keeps what no column holds."""
    if not expected.extra:
        return True
    return keeps(await long_extra(index) if place.extra is None else place.extra, expected.extra)
