"""The panels of protocol health, and the stories. Source: docs/metrics.md, "Protocol health", "Stories"."""

from collections import Counter
from collections.abc import Iterable

from tests.truth.plain_judgement import STATES
from tests.truth.question import Question, Row, by, newest_first, percent
from tests.truth.recount import Recount
from tests.truth.told import Key, Told
from tests.truth.views_of_facts import story_row, violation_row
from tests.truth.views_of_stays import SAYS_OF_THE_ROOM
from tests.truth.views_of_stays import rooms as room_rows

VERDICTS = [
    "diagram",
    "steady",
    "implied",
    "notice",
    "teardown",
    "restart",
    "exceptional",
    "violation",
    "duplicate",
    "late",
    "after_close",
]
_UNMOVED = ("duplicate", "late", "after_close")


def _updates(recount: Recount, asked: Question) -> list[Told]:
    return [each for each in recount.told if each.fact == "status_judged" and asked.takes(each)]


def _violations(recount: Recount, asked: Question) -> list[Told]:
    return [each for each in _updates(recount, asked) if each.verdict == "violation"]


def _stays(told: Iterable[Told]) -> int:
    return len({each.stay for each in told})


def verdicts(recount: Recount, asked: Question) -> list[Row]:
    updates = Counter(each.verdict for each in _updates(recount, asked))
    rows = [
        {"verdict": verdict, "updates": count, "percent": percent(count, updates.total(), 1)}
        for verdict, count in updates.items()
    ]
    return sorted(rows, key=lambda row: (-updates[str(row["verdict"])], row["verdict"]))


def verdicts_over_time(recount: Recount, asked: Question) -> list[Row]:
    updates = Counter((asked.step_of(each.at), each.verdict) for each in _updates(recount, asked))
    return asked.over_time(lambda step: {verdict: updates[step, verdict] for verdict in VERDICTS})


def violations_by_reason(recount: Recount, asked: Question) -> list[Row]:
    rows = [
        {"reason": reason, "violations": len(told), "stays": _stays(told)}
        for (reason,), told in by(_violations(recount, asked), "reason").items()
    ]
    return sorted(rows, key=lambda row: (-row["violations"], row["reason"]))


def violations_by_event(recount: Recount, asked: Question) -> list[Row]:
    rows = [
        {"event": event, "violations": len(told), "stays": _stays(told)}
        for (event,), told in by(_violations(recount, asked), "event").items()
    ]
    return sorted(rows, key=lambda row: (-row["violations"], row["event"].encode()))[: asked.limit]


def violations_by_user_agent(recount: Recount, asked: Question) -> list[Row]:
    rows = []
    for (agent,), told in by(_updates(recount, asked), "user_agent").items():
        wrong = [each for each in told if each.verdict == "violation"]
        if wrong:
            share = percent(len(wrong), len(told))
            rows.append((agent, len(wrong), len(told), share, _stays(wrong)))
    rows.sort(key=lambda row: (-row[1], row[0].encode()))
    names = ("user_agent", "violations", "updates", "percent", "stays")
    return [dict(zip(names, row, strict=True)) for row in rows[: asked.limit]]


def offenders(recount: Recount, asked: Question) -> list[Row]:
    rows = [
        {
            "user_agent": agent,
            "event": event,
            "reason": reason,
            "violations": len(told),
            "sessions": len({each.stay[:3] for each in told}),
        }
        for (agent, event, reason), told in by(_violations(recount, asked), "user_agent", "event", "reason").items()
    ]
    rows.sort(key=lambda r: (-r["violations"], r["user_agent"].encode(), r["event"].encode(), r["reason"]))
    return rows[: asked.limit]


def violations(recount: Recount, asked: Question) -> list[Row]:
    left_out = {"log_partition", "log_offset", "log_index", "opened_at", "rule_version"}
    return [
        {name: value for name, value in violation_row(each).items() if name not in left_out}
        for each in sorted(_violations(recount, asked), key=newest_first)[: asked.limit]
    ]


def transitions(recount: Recount, asked: Question) -> list[Row]:
    found: Counter[tuple[str, str, str, int]] = Counter()
    for each in recount.told:
        if asked.takes(each) and (step := _transition(each)) is not None:
            found[step] += 1
    names = ("from_state", "to_state", "verdict", "moved", "updates")
    return [dict(zip(names, (*step, count), strict=True)) for step, count in sorted(found.items())]


def _transition(each: Told) -> tuple[str, str, str, int] | None:
    state = each.now.state if each.now.state in STATES else "other" if each.now.state else ""
    if each.fact == "session_opened":
        return "", "init", "opened", 1
    if each.fact == "session_closed":
        return each.before.state, "", "closed", 1
    if each.fact != "status_judged" or each.verdict in _UNMOVED:
        return None
    return each.before.state, state or "other", each.verdict, int(each.moved)


def room_story(recount: Recount, asked: Question) -> list[Row]:
    told = [
        each
        for each in recount.told
        if each.fact not in ("dead_letter", "user_registered")
        and each.room_id == asked.room
        and asked.takes_room(each)
        and asked.spans(each.at)
    ]
    order = ["call", "account", "stream"]
    told.sort(key=lambda each: order.index(each.room_kind))
    return [story_row(each) for each in told[: asked.limit]]


def session_story(recount: Recount, asked: Question) -> list[Row]:
    told = [each for each in recount.told if each.session_id == asked.session and asked.room in ("", each.room_id)]
    return [story_row(each) for each in told[: asked.limit]]


def rooms(recount: Recount, asked: Question) -> list[Row]:
    active = _active_rooms(recount, asked)
    rows = [
        row
        for row in room_rows(recount, asked.now)
        if (row["room_kind"], row["room_id"]) in active
        and asked.room_kind in ("", row["room_kind"])
        and asked.room in ("", row["room_id"])
    ]
    order = ["call", "account", "stream"]
    rows.sort(key=lambda row: (-row["last_activity_at"], order.index(row["room_kind"]), row["room_id"].encode()))
    return rows[: asked.limit]


def _active_rooms(recount: Recount, asked: Question) -> set[Key]:
    """Return the rooms of which something was said in the span, or that had a stay which reached into it."""
    said = {each.key for each in recount.told if each.fact in SAYS_OF_THE_ROOM and asked.spans(each.at)}
    return said | {
        stay.opening.key
        for stay in recount.stays
        if stay.opened_at < asked.end and any(each.at >= asked.start for each in stay.told)
    }
