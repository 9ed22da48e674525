"""The panels of call quality. Source: docs/metrics.md, "Call quality"; design section 7."""

from tests.truth.plain_stays import MEDIA, StayTold, in_company
from tests.truth.question import Question, Row, percent, percentile, percentiles
from tests.truth.recount import Recount
from tests.truth.told import Told

REASONS = [
    "sdk_exception",
    "network_disconnected",
    "force_disconnected",
    "lease_expired",
    "killed",
    "limit_denied",
    "never_connected",
    "unknown",
]
_SHARES = (50, 75, 95, 99)


def calls(recount: Recount, asked: Question) -> list[Row]:
    stays = asked.calls(recount)
    reasons = [stay.close_reason for stay in stays]
    live = len([stay for stay in stays if stay.closed_at is None])
    return [
        {
            "calls": len({stay.opening.room_id for stay in stays}),
            "stays": len(stays),
            "statuses": sum(len(stay.statuses) for stay in stays),
            "left": reasons.count("left"),
            "expired": reasons.count("expired"),
            "ended_otherwise": len(stays) - live - reasons.count("left") - reasons.count("expired"),
            "live": live,
        }
    ]


def _refusals(recount: Recount, asked: Question) -> list[Told]:
    return [
        each for each in recount.told if each.room_kind == "call" and each.fact == "open_refused" and asked.takes(each)
    ]


def joins_over_time(recount: Recount, asked: Question) -> list[Row]:
    opened = [asked.step_of(stay.opened_at) for stay in asked.calls(recount)]
    refused = [asked.step_of(each.at) for each in _refusals(recount, asked)]
    return asked.over_time(lambda step: {"joins": opened.count(step), "refusals": refused.count(step)})


def _successes(stays: list[StayTold]) -> tuple[int, int, int]:
    """Return joins, how many reached media, how many within 5 s."""
    joined = [stay for stay in stays if stay.left_init_at is not None]
    first_ms = [(stay.first_in(MEDIA), stay.opened_at) for stay in joined]
    reached = [at - opened_at for at, opened_at in first_ms if at is not None]
    return len(joined), len(reached), len([ms for ms in reached if ms <= 5_000])


def join_success(recount: Recount, asked: Question) -> list[Row]:
    joins, reached, within_5_s = _successes(asked.calls(recount))
    return [
        {
            "joins": joins,
            "reached": reached,
            "reached_within_5_s": within_5_s,
            "percent": percent(reached, joins),
            "percent_within_5_s": percent(within_5_s, joins),
        }
    ]


def join_success_over_time(recount: Recount, asked: Question) -> list[Row]:
    stays = asked.calls(recount)

    def counted(step: int) -> Row:
        joins, reached, within = _successes([stay for stay in stays if asked.step_of(stay.opened_at) == step])
        return {"percent": percent(reached, joins), "percent_within_5_s": percent(within, joins), "joins": joins}

    return asked.over_time(counted)


def _times(stays: list[StayTold]) -> dict[str, list[int]]:
    """Return how long after their opening stays came to each milestone, for those that did."""
    found: dict[str, list[int]] = {"first send": [], "first receive": [], "first media": [], "two-way": []}
    for stay in stays:
        send, receive = stay.first("send_streams"), stay.first("recv_streams")
        either = min((at for at in (send, receive) if at is not None), default=None)
        for name, at in zip(found, (send, receive, either, stay.first_in(("sendrecv",))), strict=True):
            if at is not None:
                found[name].append(at - stay.opened_at)
    return found


def time_to_first_media(recount: Recount, asked: Question) -> list[Row]:
    return [
        {"milestone": name, "stays": len(times)} | percentiles(times, "", _SHARES)
        for name, times in _times(asked.calls(recount)).items()
    ]


def time_to_first_media_over_time(recount: Recount, asked: Question) -> list[Row]:
    stays = asked.calls(recount)

    def counted(step: int) -> Row:
        times = _times([stay for stay in stays if asked.step_of(stay.opened_at) == step])
        return {
            **percentiles(times["first send"], "send_", _SHARES),
            **percentiles(times["first receive"], "recv_", _SHARES),
            **percentiles(times["two-way"], "two_way_", _SHARES),
        }

    return asked.over_time(counted)


def talk_time(recount: Recount, asked: Question) -> list[Row]:
    talked = [
        stay.spent(("sendrecv",))
        for stay in asked.calls(recount)
        if stay.closed_at is not None and stay.first_in(("sendrecv",)) is not None
    ]
    return [{"stays": len(talked), "total_ms": sum(talked)} | percentiles(talked, "", _SHARES)]


def one_way_media(recount: Recount, asked: Question) -> list[Row]:
    stays = [stay for stay in asked.calls(recount) if any(in_company(each, MEDIA) for each in stay.moves)]
    sending = [stay for stay in stays if stay.longest_alone("sending", asked.now) > 10_000]
    receiving = [stay for stay in stays if stay.longest_alone("receiving", asked.now) > 10_000]
    one_way = len([stay for stay in stays if stay in sending or stay in receiving])
    return [
        {
            "stays": len(stays),
            "one_way": one_way,
            "percent": percent(one_way, len(stays)),
            "sending_only": len(sending),
            "receiving_only": len(receiving),
        }
    ]


def reconnects(recount: Recount, asked: Question) -> list[Row]:
    gaps = []
    for stay in recount.stays:
        opening = stay.opening
        if opening.room_kind != "call" or not opening.user_id or not asked.spans(stay.opened_at):
            continue
        if asked.takes_room(opening):
            gaps.append(_gap(recount, stay))
    back = [gap for gap in gaps if gap is not None and gap <= 60_000]
    return [
        {
            "joins": len(gaps),
            "reconnects": len(back),
            "percent": percent(len(back), len(gaps)),
            "p50_gap_ms": percentile(back, 0.5),
        }
    ]


def _gap(recount: Recount, stay: StayTold) -> int | None:
    """Return how long ago the user's latest stay in the room had ended; one of no length is none."""
    ends = [
        other.closed_at
        for other in recount.stays_of_user(stay.opening.key, stay.opening.user_id)
        if other.closed_at is not None and other.opened_at < other.closed_at <= stay.opened_at
    ]
    return stay.opened_at - max(ends) if ends else None


def _attempts(recount: Recount, asked: Question) -> list[tuple[int, str]]:
    """Return when everybody tried, and why it failed for whom it did."""
    denied = [each for each in _refusals(recount, asked) if each.reason in ("room_full", "client_capacity")]
    return [(stay.opened_at, stay.failure) for stay in asked.calls(recount)] + [
        (each.at, "limit_denied") for each in denied
    ]


def failure_reasons(recount: Recount, asked: Question) -> list[Row]:
    failures = [failure for _, failure in _attempts(recount, asked)]
    if not failures:
        return []
    return [
        {
            "reason": reason,
            "failures": failures.count(reason),
            "percent": percent(failures.count(reason), len(failures)),
        }
        for reason in REASONS
    ]


def failure_reasons_over_time(recount: Recount, asked: Question) -> list[Row]:
    attempts = [(asked.step_of(at), failure) for at, failure in _attempts(recount, asked)]
    return asked.over_time(lambda step: {reason: attempts.count((step, reason)) for reason in REASONS})


def funnel(recount: Recount, asked: Question) -> list[Row]:
    stays = asked.calls(recount)
    names = ("init", "waiting", "starting", "first media", "two-way", "sustained two-way")
    return [_step(name, number, stays, asked.now) for number, name in enumerate(names, 1)] if stays else []


def _step(name: str, number: int, stays: list[StayTold], now: int) -> Row:
    reached = len([stay for stay in stays if _furthest(stay, now) >= number])
    here = [stay for stay in stays if _furthest(stay, now) == number]
    return {
        "step": name,
        "stays": reached,
        "percent": percent(reached, len(stays), 1),
        "left_here": len([stay for stay in here if stay.closed_at is not None and not stay.failure]),
        "failed_here": len([stay for stay in here if stay.failure]),
        "still_here": len([stay for stay in here if stay.closed_at is None]),
    }


def _furthest(stay: StayTold, now: int) -> int:
    last = stay.intervals[-1]
    lasts = 0
    if last.state == "sendrecv" and stay.closed_at is None:
        lasts = min(now, stay.lease_end or now) - last.entered_at
    return 6 if max(stay.longest_two_way, lasts) >= 10_000 else stay.furthest


def user_agents(recount: Recount, asked: Question) -> list[Row]:
    agents: dict[str, list[StayTold]] = {}
    for stay in asked.calls(recount):
        agents.setdefault(stay.last_said("user_agent"), []).append(stay)
    agents.pop("", None)
    rows: list[Row] = [
        {
            "user_agent": agent,
            "stays": len(stays),
            "updates": sum(len(stay.statuses) for stay in stays),
            "violations": sum(stay.violations for stay in stays),
        }
        for agent, stays in agents.items()
    ]
    return sorted(rows, key=lambda row: (-row["stays"], row["user_agent"].encode()))[: asked.limit]
