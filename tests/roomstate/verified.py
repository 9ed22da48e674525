"""What a verification of a judged log found, in a form to compare."""

from typing import Any

from roomstate.verification.result import Verification
from roomstate.verification.verify import verify
from storage.store import Store
from tests.roomstate.judged_log import JudgedLog
from tests.storage.rows_builder import Row, put

INPUTS = 45

Found = list[tuple[str, int, str, str, int]]
"""Sort, partition, offsets, indexes, inputs."""


async def verified(filled: JudgedLog, url: str, **options: Any) -> Verification:
    async with await Store.connect(url) as store:
        return await verify(filled.log, store, **options)


def found(result: Verification) -> Found:
    """What was found, as the table shows it; also holds the sums to it."""
    assert result.exit_code == int(not result.is_equal)
    ranges = [
        (sort, partition, each.offsets, each.index_range, each.inputs)
        for sort, partition, finding in result.each()
        for each in finding.ranges
    ]
    assert sum(result.totals.values()) == sum(inputs for *_, inputs in ranges)
    return ranges


async def found_with(rows: list[Row], filled: JudgedLog, url: str) -> Found:
    """What is found if the store has these rows."""
    async with await Store.connect(url) as store:
        await put(store, rows)
    return found(await verified(filled, url))
