"""What panels are asked in tests: the whole evening, a part of it, one room, limits, spans that hold nothing."""

from random import Random

from tests.truth.evening import BEGINS_MS, LASTS_MS
from tests.truth.question import Question, narrowed
from tests.truth.recount import Recount
from tests.truth.told import Key, Told

_EVERYTHING = 100_000


def questions(recount: Recount, chance: Random, now: int) -> list[Question]:
    """Return questions about an evening and about the time at which it was stored."""
    stay = chance.choice(recount.stays)
    room_kind, room = chance.choice(_busy_rooms(recount))
    inside = chance.choice([each for each in recount.stays if each.opening.key == (room_kind, room)])
    agents = sorted({each.said("user_agent") for each in recount.told} - {""})
    start = BEGINS_MS + chance.randrange(LASTS_MS)
    stored = [written.judged_at for written in recount.written.values()]
    moment = chance.choice([each.at for each in inside.told])
    whole = Question(BEGINS_MS - 600_000, BEGINS_MS + 2 * LASTS_MS, 60, now, limit=_EVERYTHING)
    return [
        narrowed(whole, {"session": stay.opening.session_id, "at": start}),
        narrowed(whole, {"room_kind": "call", "user_agent": chance.choice(agents), "step_s": 3600}),
        narrowed(whole, {"room": room, "session": inside.opening.session_id, "at": moment, "step_s": 17, "limit": 50}),
        Question(
            start, start + chance.randrange(1, 1_000_000), 7, now, chance.choice(("", "account", "stream")), limit=3
        ),
        Question(min(stored) - 3_141, max(stored) + 5_926, 1, now, limit=_EVERYTHING),
        Question(now - 200_000, now + LASTS_MS, 10, now),
        Question(start, start - 1, 60, now, room="nowhere", user_agent="nobody", session="none"),
    ]


def exact_question(recount: Recount, name: str, chance: Random, now: int) -> Question:
    """Return a question of a panel that begins with one of the things that it counts, and ends with another."""
    if name in ("lag", "rule_versions"):
        times = [written.judged_at for written in recount.written.values()]
        return Question(min(times), max(times), 1, now)
    if name == "restarts":
        claims = [claimed_at for claimed_at, *_ in recount.takeovers]
        return Question(min(claims), max(claims), 1, now)
    counted = [each for each in recount.told if _counts(name, each)]
    first, last = sorted(each.at for each in chance.sample(counted, 2))
    return Question(first, last, 5, now, room=counted[0].room_id if name == "room_story" else "", limit=50)


def _counts(name: str, each: Told) -> bool:
    if name.startswith("dead_letters"):
        return each.fact == "dead_letter"
    if name.startswith(("violations", "offenders")):
        return each.verdict == "violation"
    if name.startswith(("verdicts", "transitions", "inputs", "freshness")):
        return each.fact == "status_judged"
    if name in ("playback_limits_denied", "zombies_reaped"):
        return each.room_kind == "account" and each.fact == (
            "session_closed" if name == "zombies_reaped" else "session_opened"
        )
    return each.room_kind == "call" and each.fact == "session_opened"


def _busy_rooms(recount: Recount) -> list[Key]:
    """Return the rooms that had several stays."""
    return [key for key, room in sorted(recount.rooms.items()) if len(room.stays) > 2]
