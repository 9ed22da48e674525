"""Session numbers increase, tell partitions apart and stay exact in JSON."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from state_machine.facts import Fact
from state_machine.numbers import PARTITIONS_MAX, next_number, number_openings

END_OF_2088_MS = 3_755_289_600_000
times_ms = st.integers(0, END_OF_2088_MS)
partitions = st.integers(0, PARTITIONS_MAX - 1)


def numbered(partition: int, times: list[int]) -> list[int]:
    numbers = [0]
    for opened_at_ms in times:
        numbers.append(next_number(opened_at_ms, partition, numbers[-1]))
    return numbers


@given(partitions, st.lists(times_ms, max_size=20))
def test_numbers_of_a_partition_increase_whatever_the_clock_does(partition: int, times: list[int]) -> None:
    assert all(before < after for before, after in pairwise(numbered(partition, times)))


@given(partitions, partitions, st.lists(times_ms), st.lists(times_ms))
def test_numbers_of_two_partitions_differ(one: int, other: int, ones: list[int], others: list[int]) -> None:
    if one != other:
        assert not set(numbered(one, ones)[1:]) & set(numbered(other, others)[1:])


@given(partitions, times_ms)
def test_a_number_is_exact_in_json_and_says_when_it_opened(partition: int, opened_at_ms: int) -> None:
    number = next_number(opened_at_ms, partition, 0)
    assert 0 < number < 1 << 53
    assert number % PARTITIONS_MAX == partition


def test_only_openings_are_numbered() -> None:
    facts = [Fact("session_closed", 1, 5), Fact("session_opened", 0, 5, opened_at_ms=1_577_836_800_005)]
    assert number_openings(facts, 3, 0) == 5 * PARTITIONS_MAX + 3
    assert [fact.session_number for fact in facts] == [0, 5 * PARTITIONS_MAX + 3]
    assert number_openings(facts[:1], 3, 77) == 77
