"""The directory as a cache: what it hears, what it asks, what it forgets."""

import asyncio
import tracemalloc

from ingest.directory import Directory, DirectoryLimits
from ingest.metrics import Metrics
from state_machine.room import NEVER_MS
from storage.decisions import Decision
from storage.reading import LiveSession

NOW = 1_000_000


class Store:
    """The store's side of the directory's questions: a few rows in memory, and how often they were asked for."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[str, str], LiveSession] = {}
        self.rooms: dict[str, int] = {}
        self.questions = 0

    async def live_session(self, room: str, session: str) -> LiveSession | None:
        self.questions += 1
        await asyncio.sleep(0)
        return self.sessions.get((room, session))

    async def live_session_of_user(self, room: str, user: str) -> LiveSession | None:
        self.questions += 1
        return next((live for live in self.sessions.values() if (live.room, live.user) == (room, user)), None)

    async def room_expiry_ms(self, room: str) -> int | None:
        self.questions += 1
        return self.rooms.get(room)


def a_directory(limits: DirectoryLimits | None = None) -> tuple[Directory, Store]:
    store = Store()
    return Directory(store, Metrics(), limits), store


def heard(fact: str, session: str = "s", room: str = "r", opened: int = NOW, ends: int = NOW + 300) -> Decision:
    return Decision(
        (0, 0, 0, 0), fact, "call", room, NOW, session=session, user="u", opened_at_ms=opened, lease_ends_at_ms=ends
    )


def a_row(session: str = "s", room: str = "r", opened: int = NOW, ends: int = NOW + 300) -> LiveSession:
    return LiveSession(room, session, "u", opened, ends)


async def test_what_was_heard_is_not_asked_for() -> None:
    directory, store = a_directory()
    directory.apply(heard("session_opened"))
    directory.apply(heard("room_created"))
    assert await directory.session("r", "s", NOW) == a_row()
    assert await directory.session_of_user("r", "u", NOW) == a_row()
    assert await directory.has_room("r", NOW)
    assert store.questions == 0


async def test_a_miss_asks_the_store_and_remembers_the_answer() -> None:
    directory, store = a_directory()
    store.sessions["r", "s"] = a_row()
    store.rooms["r"] = NEVER_MS
    for _ in range(3):
        assert await directory.session("r", "s", NOW) == a_row()
        assert await directory.has_room("r", NOW)
    assert store.questions == 2


async def test_the_same_question_at_once_is_asked_once() -> None:
    directory, store = a_directory()
    store.sessions["r", "s"] = a_row()
    answers = await asyncio.gather(*(directory.session("r", "s", NOW) for _ in range(20)))
    assert answers == [a_row()] * 20
    assert store.questions == 1


async def test_a_lease_that_ran_out_is_asked_about() -> None:
    directory, store = a_directory()
    directory.apply(heard("session_opened"))
    assert await directory.session("r", "s", NOW + 300) is None
    store.sessions["r", "s"] = a_row(ends=NOW + 900)
    assert await directory.session("r", "s", NOW + 300) == a_row(ends=NOW + 900)


async def test_a_renewal_is_heard() -> None:
    directory, store = a_directory()
    directory.apply(heard("session_opened"))
    directory.apply(heard("session_refreshed", ends=NOW + 600))
    assert await directory.session("r", "s", NOW + 300) == a_row(ends=NOW + 600)
    assert store.questions == 0


async def test_a_closed_session_stays_closed_whatever_an_older_answer_says() -> None:
    directory, store = a_directory()
    store.sessions["r", "s"] = a_row()
    directory.apply(heard("session_opened"))
    directory.apply(heard("session_closed"))
    directory.fill([a_row()], [])
    directory.apply(heard("session_opened"))
    assert await directory.session("r", "s", NOW) is None
    assert await directory.session_of_user("r", "u", NOW) is None


async def test_a_new_stay_under_an_old_name_is_live() -> None:
    directory, _ = a_directory()
    directory.apply(heard("session_closed"))
    directory.apply(heard("session_opened", opened=NOW + 1))
    directory.apply(heard("session_closed"))
    live = await directory.session("r", "s", NOW)
    assert live is not None
    assert live.opened_at_ms == NOW + 1


async def test_a_closing_heard_while_the_store_was_asked_wins() -> None:
    directory, store = a_directory()
    store.sessions["r", "s"] = a_row()
    asking = asyncio.ensure_future(directory.session("r", "s", NOW))
    await asyncio.sleep(0)
    directory.apply(heard("session_closed"))
    assert await asking is None


async def test_a_deleted_room_stays_deleted_whatever_an_older_answer_says() -> None:
    directory, store = a_directory()
    store.rooms["r"] = NEVER_MS
    asking = asyncio.ensure_future(directory.has_room("r", NOW))
    await asyncio.sleep(0)
    directory.apply(heard("room_deleted"))
    await asking
    directory.fill([], [("r", NEVER_MS)])
    assert not await directory.has_room("r", NOW)
    directory.apply(heard("room_created"))
    assert await directory.has_room("r", NOW)


async def test_filling_saves_the_questions_after_a_restart() -> None:
    directory, store = a_directory()
    directory.fill([a_row()], [("r", NOW + 5)])
    assert await directory.session("r", "s", NOW) == a_row()
    assert await directory.has_room("r", NOW)
    assert store.questions == 0
    assert not await directory.has_room("r", NOW + 5)
    assert store.questions == 1


async def test_memory_is_bounded_and_the_oldest_make_room() -> None:
    directory, store = a_directory(DirectoryLimits(sessions=3, rooms=3, closed=3))
    for number in range(10):
        directory.apply(heard("session_opened", session=f"s{number}", room=f"r{number}"))
        directory.apply(heard("room_created", room=f"r{number}"))
    assert directory.size == (3, 3)
    assert await directory.session("r9", "s9", NOW) is not None
    assert store.questions == 0


async def test_other_kinds_of_rooms_are_not_its_business() -> None:
    directory, _ = a_directory()
    decision = Decision((0, 0, 0, 0), "session_opened", "account", "r", NOW, session="s", opened_at_ms=NOW)
    directory.apply(decision)
    assert directory.size == (0, 0)


async def test_names_that_run_together_are_told_apart() -> None:
    directory, _ = a_directory()
    directory.fill([a_row("bc", "a"), a_row("c", "ab", opened=NOW + 1)], [])
    found = [await directory.session("a", "bc", NOW), await directory.session("ab", "c", NOW)]
    assert [live and live.opened_at_ms for live in found] == [NOW, NOW + 1]


async def test_a_users_newest_session_is_found_until_it_closes() -> None:
    directory, _ = a_directory()
    for number, session in enumerate(("s", "t")):
        directory.apply(heard("session_opened", session, opened=NOW + number))
    assert await directory.session_of_user("r", "u", NOW) == a_row("t", opened=NOW + 1)
    directory.apply(heard("session_closed", "s"))
    assert await directory.session_of_user("r", "u", NOW) == a_row("t", opened=NOW + 1)
    directory.apply(heard("session_closed", "t", opened=NOW + 1))
    assert await directory.session_of_user("r", "u", NOW) is None
    directory.apply(heard("session_opened", "v", opened=NOW + 2))
    assert directory.known_user_of_live("r", "t", NOW) is None
    assert await directory.session("r", "v", NOW) == a_row("v", opened=NOW + 2)


async def test_whose_a_live_session_is_is_known_until_its_lease_ends() -> None:
    directory, _ = a_directory()
    directory.fill([LiveSession("r", "s", "u", NOW, NOW + 10), LiveSession("r", "t", "", NOW, NOW + 20)], [])
    assert [directory.known_user_of_live("r", name, NOW + 9) for name in "stv"] == ["u", "", None]
    assert [directory.known_user_of_live("r", name, NOW + 10) for name in "st"] == [None, ""]


async def test_a_live_session_takes_less_than_500_bytes() -> None:
    directory, _ = a_directory()
    count = 20_000
    tracemalloc.start()
    for number in range(count):
        room, session, user = f"{number // 2:011d}", f"{number:036d}", f"{number:032d}"
        directory.fill([LiveSession(room, session, user, NOW + number, NOW + number)], [(room, NOW + number)])
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken_bytes / count < 500
