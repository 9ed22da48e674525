"""The core against a naive room, one step after the other, for as long as they agree."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from state_machine.inputs import Input
from tests.state_machine.builders import T0_MS, Played
from tests.state_machine.naive_room import EIGHT_WEEKS_MS, LEASE_MS, MEMORY_MS, NaiveRoom

sessions = st.sampled_from(["a", "b", "c", "d"])
users = st.sampled_from(["", "u", "v", "o"])
sizes = st.sampled_from([0, 0, -1, 1, 2, 3])
ids = st.sampled_from(["", "", "", "i", "j"])
HOUR_MS = 3_600_000
pauses_ms = st.sampled_from(
    [1, 1_000, LEASE_MS // 2, LEASE_MS - 1, LEASE_MS, LEASE_MS + MEMORY_MS, 10 * LEASE_MS, HOUR_MS, EIGHT_WEEKS_MS]
)


class RoomAgainstNaiveRoom(RuleBasedStateMachine):
    """Both take the same inputs; they must give the same answers and hold the same people."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = T0_MS
        self.core = Played()
        self.naive = NaiveRoom()

    def take(self, kind: str, **members: Any) -> None:
        item = Input(kind, self.now_ms, **members)
        fact = self.core.answer(item)
        expected = self.naive.answer(item)
        if kind != "status":
            assert (fact.name, fact.reason) == expected
        elif expected == ("", ""):
            assert fact.verdict not in ("duplicate", "late", "after_close")
        else:
            assert (fact.verdict, fact.reason) == expected

    @rule(pause_ms=pauses_ms)
    def wait(self, pause_ms: int) -> None:
        self.now_ms += pause_ms

    @rule(session=sessions, user=users, size=sizes, input_id=ids)
    def join(self, session: str, user: str, size: int, input_id: str) -> None:
        self.take("open", session=session, user=user, client_max_size=size, id=input_id)

    @rule(
        session=sessions,
        state=st.sampled_from(["waiting", "sending", "strange"]),
        implicit=st.booleans(),
        seq=st.integers(0, 5),
        input_id=ids,
    )
    def report(self, session: str, state: str, implicit: bool, seq: int, input_id: str) -> None:
        self.take("status", session=session, state=state, implicit=implicit, seq=seq, id=input_id, connections=1)

    @rule(kind=st.sampled_from(["refresh", "close", "kill", "expire", "log_domains"]), session=sessions, input_id=ids)
    def ask_about_one(self, kind: str, session: str, input_id: str) -> None:
        self.take(kind, session=session, id=input_id)

    @rule(kind=st.sampled_from(["kill", "room_delete"]), input_id=ids)
    def end_all(self, kind: str, input_id: str) -> None:
        self.take(kind, id=input_id)

    @rule(
        kind=st.sampled_from(["room_create", "room_update"]),
        user=users,
        seats=st.integers(0, 3),
        input_id=ids,
        hours=st.sampled_from([0, 1, 1]),
    )
    def set_up(self, kind: str, user: str, seats: int, input_id: str, hours: int) -> None:
        expires_at_ms = self.now_ms + hours * HOUR_MS if hours else 0
        self.take(kind, user=user, max_size=seats, id=input_id, expires_at_ms=expires_at_ms)

    @invariant()
    def the_same_people_are_inside(self) -> None:
        assert self.core.inside() == [stay.session for stay in self.naive.inside()]


TestRoomAgainstNaiveRoom = RoomAgainstNaiveRoom.TestCase
TestRoomAgainstNaiveRoom.settings = settings(deadline=None, max_examples=150, stateful_step_count=40)
