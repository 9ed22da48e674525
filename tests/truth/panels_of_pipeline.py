"""The panels of the pipeline, of playback over time, and of who was there when.

Source: docs/metrics.md, "Pipeline", "Playback and streams", "Rooms now".
"""

import re
from collections import Counter

from tests.truth import views_of_facts
from tests.truth.panels_of_now import KINDS
from tests.truth.plain_judgement import STATES
from tests.truth.plain_lines import KINDS as INPUT_KINDS
from tests.truth.question import Question, Row, newest_first, percentiles
from tests.truth.recount import Recount
from tests.truth.told import Told


def _answers(recount: Recount, asked: Question) -> list[Told]:
    return [each for each in recount.told if each.fact_index == 0 and asked.spans(each.at) and asked.takes_room(each)]


def inputs_over_time(recount: Recount, asked: Question) -> list[Row]:
    kinds = Counter((asked.step_of(each.at), each.kind) for each in _answers(recount, asked))
    return asked.over_time(
        lambda step: {
            "inputs": sum(kinds[step, kind] for kind in [*INPUT_KINDS, ""]),
            **{kind: kinds[step, kind] for kind in INPUT_KINDS},
            "dead_letters": kinds[step, ""],
        }
    )


def _fresh(recount: Recount, asked: Question) -> list[tuple[int, int]]:
    """Return of each input that somebody sent in which step it was, and how long it took to be stored."""
    return [
        (asked.step_of(each.at), recount.written_of(each).inserted_at - each.received)
        for each in _answers(recount, asked)
        if each.kind not in ("", "expire")
    ]


def freshness(recount: Recount, asked: Question) -> list[Row]:
    times = [took for _, took in _fresh(recount, asked)]
    return [{"inputs": len(times)} | percentiles(times, "", (50, 95, 99))]


def freshness_over_time(recount: Recount, asked: Question) -> list[Row]:
    fresh = _fresh(recount, asked)
    return asked.over_time(lambda step: percentiles([took for at, took in fresh if at == step], "", (50, 95, 99)))


def lag(recount: Recount, asked: Question) -> list[Row]:
    steps: dict[int, list[Told]] = {}
    for each in recount.told:
        judged_at = recount.written_of(each).judged_at
        if each.fact != "dead_letter" and asked.spans(judged_at):
            steps.setdefault(asked.step_of(judged_at), []).append(each)

    def counted(step: int) -> Row:
        told = [(each, recount.written_of(each)) for each in steps.get(step, [])]
        return {
            "longest_wait_ms": max((written.judged_at - each.received for each, written in told), default=None),
            "longest_insert_ms": max((written.inserted_at - written.judged_at for _, written in told), default=None),
            "inputs": len([each for each, _ in told if each.fact_index == 0]),
        }

    return asked.over_time(counted)


def accounting_by_partition(recount: Recount, asked: Question) -> list[Row]:
    left_out = {"offsets_sum", "places_sum", "places_sum_due"}
    return [
        {name: value for name, value in row.items() if name not in left_out} | {"balanced": True}
        for row in views_of_facts.accounting(recount, asked.now)
    ]


def accounting(recount: Recount, _asked: Question) -> list[Row]:
    dead = len([line for line in recount.lines if line.problem])
    accepted = len(recount.lines)
    return [{"accepted": accepted, "stored": accepted - dead, "dead_lettered": dead, "balanced": True}]


def _dead(recount: Recount, asked: Question) -> list[Told]:
    return [each for each in recount.told if each.fact == "dead_letter" and asked.spans(each.at)]


def dead_letters(recount: Recount, asked: Question) -> list[Row]:
    rows: list[Row] = []
    for each in sorted(_dead(recount, asked), key=newest_first)[: asked.limit]:
        partition, offset, index = each.line.place
        rows.append(
            {
                "at": each.at,
                "log_partition": partition,
                "log_offset": offset,
                "log_index": index,
                "reason": each.reason,
                "detail": each.line.detail,
                "length_bytes": len(each.line.raw),
                "beginning": re.sub("\ufffd+", "\ufffd", each.line.raw[:500].decode(errors="replace")),
            }
        )
    return rows


def dead_letters_over_time(recount: Recount, asked: Question) -> list[Row]:
    steps = Counter(asked.step_of(each.at) for each in _dead(recount, asked))
    return asked.over_time(lambda step: {"dead_letters": steps[step]})


def restarts(recount: Recount, asked: Question) -> list[Row]:
    times: dict[tuple[int, int], tuple[int, str]] = {}
    for claimed_at, owner, partition, epoch in sorted(recount.takeovers):
        times.setdefault((partition, epoch), (claimed_at, owner))
    rows: dict[tuple[int, str], list[int]] = {}
    for (_, epoch), (claimed_at, owner) in times.items():
        if asked.spans(claimed_at):
            rows.setdefault((claimed_at, owner), []).append(epoch)
    return [
        {
            "time": claimed_at,
            "owner": owner,
            "partitions": len(epochs),
            "epoch": max(epochs),
            "text": f"processor took over {len(epochs)} partition{'' if len(epochs) == 1 else 's'}",
        }
        for (claimed_at, owner), epochs in sorted(rows.items())
    ]


def rule_versions(recount: Recount, asked: Question) -> list[Row]:
    times = [recount.written_of(each).judged_at for each in recount.told if each.fact == "status_judged"]
    first = min(times, default=-1)
    return [{"time": first, "rule_version": 1, "text": "rules of version 1"}] if asked.spans(first) else []


def _of_accounts(recount: Recount, asked: Question, fact: str, reason: str) -> Counter[int]:
    return Counter(
        asked.step_of(each.at)
        for each in recount.told
        if each.room_kind == "account"
        and each.fact == fact
        and reason in ("", each.reason)
        and asked.spans(each.at)
        and asked.takes_room(each)
    )


def playback_limits_denied(recount: Recount, asked: Question) -> list[Row]:
    opened = _of_accounts(recount, asked, "session_opened", "")
    denied = _of_accounts(recount, asked, "open_refused", "playback_limit")
    return asked.over_time(lambda step: {"opened": opened[step], "denied": denied[step]})


def zombies_reaped(recount: Recount, asked: Question) -> list[Row]:
    names = {"reaped": "expired", "closed": "left", "replaced": "replaced", "killed": "killed"}
    ended = {name: _of_accounts(recount, asked, "session_closed", reason) for name, reason in names.items()}
    return asked.over_time(lambda step: {name: steps[step] for name, steps in ended.items()})


def _points(asked: Question, every_s: int) -> list[int]:
    """Return the multiples of so many seconds in the span, none later than now."""
    every = 1000 * every_s
    return list(range(-(-asked.start // every) * every, min(asked.end, asked.now), every))


def states_over_time(recount: Recount, asked: Question) -> list[Row]:
    spans: list[tuple[str, int, int | None]] = []
    for stay in recount.stays:
        if asked.takes_room(stay.opening):
            intervals = [(each.state, each.entered_at, each.left_at) for each in stay.intervals]
            state, entered_at, left_at = intervals[-1]
            spans += [*intervals[:-1], (state, entered_at, stay.ends_by(asked.now) if left_at is None else left_at)]
    rows = []
    for point in _points(asked, asked.step_s):
        there = Counter(state for state, start, end in spans if start <= point and (end is None or point < end))
        rows.append({"time": point} | {state: there[state] for state in STATES})
    return [row | {"other": 0} for row in rows]


def concurrency(recount: Recount, asked: Question) -> list[Row]:
    spans = [
        (stay.opening.room_kind, stay.opened_at, stay.ends_by(asked.now))
        for stay in recount.stays
        if asked.takes_room(stay.opening)
    ]
    steps: dict[int, list[Counter[str]]] = {}
    for point in _points(asked, min(5, asked.step_s)):
        there = Counter(kind for kind, start, end in spans if start <= point and (end is None or point < end))
        steps.setdefault(asked.step_of(point), []).append(there)
    return [
        {"time": step, "sessions": max(point.total() for point in points)}
        | {name: max(point[kind] for point in points) for name, kind in KINDS.items()}
        for step, points in steps.items()
    ]
