"""What the witness' record and the store's rows together mean; which faults a seed draws; a clock that is stepped."""

import subprocess
import sys
from pathlib import Path

import pytest

from roomstate.chaos.drawing import LONG_FROM_ROUNDS, drawn_faults
from roomstate.chaos.faults import FAULTS
from roomstate.chaos.judging import Findings, judge
from roomstate.chaos.rejudging import Rejudging
from roomstate.chaos.stepped_clock import SteppedClock
from roomstate.chaos.stored import Stored
from roomstate.chaos.witness import Answer, Post, Told, Witness
from state_machine.inputs import Input
from storage.event_log import INPUTS_TOPIC, Frame
from storage.frames import encode_input
from storage.settings import load_settings
from storage.sqlite_log import SqliteLog

T_MS = 1_700_000_000_000
OPENED = Told(("session_opened",), "", "ann", (2, 7, 0), "id-1")


def row(mark: str = "chaos/1/1", kind: str = "open", fact: str = "session_opened", **others: object) -> Stored:
    """Return a stored answer."""
    members: dict[str, object] = {
        "log_partition": 2,
        "log_offset": 7,
        "log_index": 0,
        "reason": "",
        "room_id": "room",
        "session_id": "ann",
        "input_id": "id-1",
        "room_name": "",
        **others,
    }
    return Stored(kind=kind, fact=fact, user_agent=mark, **members)  # type: ignore[arg-type]  # by name


def judged(answer: Answer, *rows: Stored, told: Told | None = None, reply: str = "") -> Findings:
    """Judge one input that was answered so against what is stored."""
    post = Post("chaos/1/1", "open", answer, told, reply)
    return judge({post.mark: post}, rows)


@pytest.mark.parametrize("answer", list(Answer))
def test_how_often_an_input_must_be_stored_follows_from_its_answer(answer: Answer) -> None:
    nowhere, once, twice = judged(answer), judged(answer, row()), judged(answer, row(), row(log_index=1))
    assert bool(nowhere.lost) == (answer is Answer.ACCEPTED)
    assert bool(once.broken) == (answer in (Answer.REFUSED, Answer.NOT_TAKEN))
    assert once.unpromised.total() == (answer in (Answer.UNDECIDED, Answer.UNKNOWN))
    assert "chaos/1/1" in twice.doubled[0]


def test_a_decision_must_read_the_same_in_the_store() -> None:
    assert judged(Answer.ACCEPTED, row(), told=OPENED).is_well
    for other in (
        OPENED._replace(facts=("open_refused",)),
        OPENED._replace(reason="room_full"),
        OPENED._replace(session="bob"),
        OPENED._replace(place=(2, 8, 0)),
        OPENED._replace(input_id="id-2"),
    ):
        assert "decided otherwise" in judged(Answer.ACCEPTED, row(), told=other).broken[0]


def test_a_repeated_command_is_answered_as_the_first_time() -> None:
    posts = {mark: Post(mark, "open", Answer.ACCEPTED, OPENED) for mark in ("chaos/1/1", "chaos/1/2")}
    again = row("chaos/1/2", fact="ignored", reason="duplicate", log_offset=9)
    assert judge(posts, [row(), again]).is_well


def test_what_nobody_sent_is_a_finding_but_for_expiries_and_unheard_registrations() -> None:
    posts = {"chaos/1/1": Post("chaos/1/1", "register", Answer.UNKNOWN)}
    expiry = row("", kind="expire", fact="session_closed")
    registration = row("", kind="register", fact="user_registered", room_id="somebody")
    assert judge(posts, [expiry, registration]).is_well
    assert judge(posts, [registration, registration]).broken
    assert "chaos/0/9" in judge(posts, [row("chaos/0/9")]).broken[0]


def test_an_internal_error_is_a_finding() -> None:
    assert judged(Answer.UNDECIDED, reply="500 Internal Server Error").broken


class StoreSaying:
    """Stands for a store that answers with these rows."""

    def __init__(self, rows: list[tuple[object, ...]]) -> None:
        self._rows = rows

    async def rows(self, sql: str, parameters: object) -> list[tuple[object, ...]]:
        """Return them."""
        return self._rows


async def test_a_fact_that_a_replay_decides_otherwise_is_named(tmp_path: Path) -> None:
    settings = load_settings(_env_file=None, data_dir=tmp_path)
    log = SqliteLog(tmp_path / "log.db", 1)
    lines = [encode_input(Input(kind=kind, received_at_ms=T_MS, room="r", session="ann")) for kind in ("open", "close")]
    log.append([Frame(INPUTS_TOPIC, 0, b"\n".join(lines), 2)], 1.0)
    opened = ("session_opened", "", "", "ann", "", "init", "", True, T_MS, T_MS, T_MS + 300_000)
    closed = ("session_closed", "left", "", "ann", "", "", "init", False, T_MS, T_MS, 0)
    good: list[tuple[object, ...]] = [(0, 0, 0, 0, *opened), (0, 0, 1, 0, *closed)]
    for rows, named in (
        (good, []),
        ([good[0], (0, 0, 1, 0, "close_refused", *closed[1:])], ["(0, 0, 1, 0)"]),
        (good[:1], ["(0, 0, 1, 0)"]),
        ([*good, (0, 0, 1, 1, *closed)], ["(0, 0, 1, 1)"]),
    ):
        found = await Rejudging(log, settings).differences(StoreSaying(rows), [1])  # type: ignore[arg-type]
        assert [place for place in named if place in "".join(found)] == named
        assert len(found) == len(named), found
    log.close()


def test_more_findings_than_a_person_reads_are_counted() -> None:
    posts = {f"chaos/1/{number}": Post(f"chaos/1/{number}", "open", Answer.ACCEPTED) for number in range(25)}
    lines = judge(posts, []).lines()
    assert len(lines) == 21
    assert lines[-1] == "lost: and 5 more"


def test_the_witness_keeps_one_round_in_memory_and_the_others_on_disk(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "posts.jsonl")
    witness.begin_round(1)
    witness.post("open").answered(Answer.ACCEPTED, "200")
    witness.rename(witness.post("register"), "user someone")
    witness.begin_round(2)
    assert witness.posts == {}
    assert [(post.mark, post.answer) for post in witness.earlier()] == [
        ("chaos/1/1", Answer.ACCEPTED),
        ("user someone", Answer.UNKNOWN),
    ]
    assert witness.post("status").mark == "chaos/2/1"


def test_the_same_seed_draws_the_same_faults_and_each_comes_before_any_comes_again() -> None:
    short = [fault for fault in FAULTS if not fault.is_long]
    drawn = drawn_faults("seed", LONG_FROM_ROUNDS - 1, FAULTS)
    assert drawn == drawn_faults("seed", LONG_FROM_ROUNDS - 1, FAULTS) != drawn_faults("other", 19, FAULTS)
    firsts = [faults[0] for faults in drawn]
    assert set(firsts[: len(short)]) == set(short[: len(firsts)]) or len(set(firsts)) == len(firsts)
    for first, second in (faults for faults in drawn if len(faults) > 1):
        assert not first.touches & second.touches
    assert sum(len(faults) > 1 for faults in drawn) >= len(drawn) // 4


def test_a_long_run_has_each_of_the_long_faults_once() -> None:
    drawn = [fault for faults in drawn_faults("seed", 200, FAULTS) for fault in faults]
    assert [drawn.count(fault) for fault in FAULTS if fault.is_long] == [1, 1]
    assert min(drawn.count(fault) for fault in FAULTS if not fault.is_long) >= 5


def test_a_part_reads_the_stepped_clock(tmp_path: Path) -> None:
    clock = SteppedClock(tmp_path / "clock")
    code = """
import sys
from pathlib import Path
from roomstate.chaos.rejudging import Rejudging
from roomstate.chaos.stepped_clock import follow_clock
follow_clock(Path(sys.argv[1]))
from storage.clock import now_ms
import time
for _ in sys.stdin:
    print(now_ms(), int(time.time() * 1000), flush=True)
"""
    command = [sys.executable, "-c", code, str(clock.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        times = []
        for offset_s in (0, -3600, 0):
            clock.step_to(offset_s)
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("\n")
            reader.stdin.flush()
            times.append([int(word) for word in reader.stdout.readline().split()])
    (first, _), (stepped, also), (last, _) = times
    assert 3_590_000 < first - stepped <= 3_600_000
    assert abs(also - stepped) < 1000
    assert last >= first
