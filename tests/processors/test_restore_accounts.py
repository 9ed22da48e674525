"""An account that comes back from its rows lets in, refuses and bars whom the one in memory does."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from state_machine.inputs import Input
from state_machine.room import Room
from storage.store import Store
from tests.processors.builders import RULES, T0_MS, command
from tests.processors.stored_in_memory import restored
from tests.processors.test_restore_laws import Run, received_in_turn
from tests.processors.test_restoring import rooms_with_sessions, store_all

KINDS = ["open"] * 6 + ["refresh", "refresh", "close", "kill", "kill", "expire", "status"]
items = st.builds(
    Input,
    kind=st.sampled_from(KINDS),
    received_at_ms=st.sampled_from([0, 1, 1_000, 299_000, 301_000, 400_000, 7_199_999, 7_200_000]),
    room_kind=st.just("account"),
    room=st.sampled_from(["u", "v"]),
    session=st.sampled_from("abcd"),
    event=st.just("?"),
    state=st.just("init"),
    device_type=st.sampled_from(["", "tv", "tv"]),
    lease_ms=st.sampled_from([0, 0, 0, 30_000, 20_000_000]),
    replace=st.sampled_from(["", "", "oldest", "a", "b"]),
)


@pytest.fixture
async def store(store_database: str) -> AsyncIterator[Store]:
    async with await Store.connect(store_database) as connected:
        yield connected


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(items, min_size=2, max_size=25), st.data())
def test_a_restored_account_decides_the_rest_as_the_one_in_memory(drawn: list[Input], data: st.DataObject) -> None:
    log = received_in_turn(drawn)
    cut = data.draw(st.integers(1, len(log) - 1))
    stayed = Run()
    for offset, item in enumerate(log[:cut]):
        stayed.judge(item, offset)
    restarted = stayed.taken_over(cut, log[cut].received_at_ms)
    for offset, item in enumerate(log[cut:], cut):
        restarted.held.rooms.sweep(item.received_at_ms, RULES, frozenset())
        assert restarted.judge(item, offset) == stayed.judge(item, offset)


def played(is_anybody_left: bool) -> list[Input]:
    """Return an account in which one session was killed and one replaced, hours before their leases' ends."""
    opened = [
        command("open", room_kind="account", room="u", session=name, device_type="tv", lease_ms=20_000_000)
        for name in "ab"
    ]
    opened.append(command("open", room_kind="account", room="u", session="c", device_type="tv", replace="b"))
    endings = [command("kill", room_kind="account", room="u", session="a")]
    if not is_anybody_left:
        endings.append(command("close", room_kind="account", room="u", session="c"))
    return [*opened, *endings]


@pytest.mark.parametrize("is_anybody_left", [True, False])
async def test_the_store_gives_back_whom_others_ended_until_the_leases_would_have_ended(
    store: Store, is_anybody_left: bool
) -> None:
    rows = await store_all(store, played(is_anybody_left))
    for since_ms, barred in ((T0_MS + 10_000_000, ["a", "b"]), (T0_MS + 20_000_000, [])):
        back = await rooms_with_sessions(store, {0: since_ms})
        assert back == restored(rows, since_ms)
        sessions = back.get(("account", "u"), Room("account", "u")).sessions
        assert [name for name in sessions if name != "c"] == barred
        assert ("c" in sessions) == is_anybody_left
