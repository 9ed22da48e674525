"""What panels are asked in tests: the whole evening, a part of it, one room, limits, spans that hold nothing."""

from random import Random

from tests.truth.evening import BEGINS_MS, LASTS_MS
from tests.truth.question import Question, narrowed
from tests.truth.recount import Recount
from tests.truth.told import Key

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
        Question(start, start + chance.randrange(1, 1_000_000), 7, now, room_kind=room_kind, room=room, at=start),
        Question(start, start + chance.randrange(600_000), 2, now, chance.choice(("", "account", "stream")), limit=3),
        Question(min(stored) - 3_141, max(stored) + 5_926, 1, now, limit=_EVERYTHING),
        Question(now - 200_000, now + LASTS_MS, 10, now),
        Question(start, start - 1, 60, now, room="nowhere", user_agent="nobody", session="none"),
    ]


def _busy_rooms(recount: Recount) -> list[Key]:
    """Return the rooms that had several stays."""
    return [key for key, room in sorted(recount.rooms.items()) if len(room.stays) > 2]
