"""The views of single facts, row by row, from the recount: minutes, violations, dead letters, ledger, accounting.

Source: interfaces, "Views"; design sections 6 and 7.
"""

from collections import Counter

from tests.truth.recount import Recount
from tests.truth.told import Line, Told
from tests.truth.views_of_stays import Row

_MINUTE_MS = 60_000


def room_events(recount: Recount, _now: int) -> list[Row]:
    """Return every row, but for what its writer chose, and `extra`."""
    return [_row(each) for each in recount.told]


def story_row(each: Told) -> Row:
    """Return what the stories show of a fact."""
    return {
        "at": each.at,
        "room_kind": each.room_kind,
        "room_id": each.room_id,
        "session_id": each.session_id,
        "opened_at": each.opened_at,
        "fact": each.fact,
        "kind": each.kind,
        "event": each.event,
        "verdict": each.verdict,
        "reason": each.reason,
        "rule_version": 1,
        "moved": each.moved,
        "prev_state": each.before.state,
        "state": each.now.state,
        **_counters(each),
        "lease_ends_at": each.lease_ends_at,
        "user_id": each.user_id,
        "user_agent": each.said("user_agent"),
        "occurred_at": each.line.number("occurred_at_ms") or each.received,
        "received_at": each.received,
        "log_partition": each.line.place[0],
        "log_offset": each.line.place[1],
        "log_index": each.line.place[2],
        "fact_index": each.fact_index,
    }


def _row(each: Told) -> Row:
    texts = ("device_type", "service", "app", "client_ip")
    return {
        **story_row(each),
        **{name: each.said(name) for name in texts},
        "bytes_sent": each.counted("bytes_sent"),
        "bytes_recv": each.counted("bytes_recv"),
        "event_family": each.family,
        "prev_since": each.since,
        "input_id": each.line.text("id"),
        "client_seq": each.line.number("seq"),
        "frame_inputs": each.line.frame_lines,
    }


def _counters(each: Told) -> Row:
    return {
        "connections": each.now.connections,
        "send_streams": each.now.send_streams,
        "recv_streams": each.now.recv_streams,
        "prev_connections": each.before.connections,
        "prev_send_streams": each.before.send_streams,
        "prev_recv_streams": each.before.recv_streams,
    }


def minute_stats(recount: Recount, _now: int) -> list[Row]:
    names = ("minute", "room_kind", "kind", "fact", "verdict", "reason", "state")
    facts = Counter(
        (e.at // _MINUTE_MS * _MINUTE_MS, e.room_kind, e.kind, e.fact, e.verdict, e.reason, e.now.state)
        for e in recount.told
    )
    return [dict(zip(names, values, strict=True)) | {"facts": count} for values, count in facts.items()]


def violations(recount: Recount, _now: int) -> list[Row]:
    return [violation_row(each) for each in recount.told if each.verdict == "violation"]


def violation_row(each: Told) -> Row:
    left_out = {"fact", "kind", "verdict", "lease_ends_at", "user_id", "occurred_at", "received_at", "fact_index"}
    return {name: value for name, value in story_row(each).items() if name not in left_out}


def dead_letters(recount: Recount, _now: int) -> list[Row]:
    return [_dead_letter(line) for line in recount.lines if line.problem]


def _dead_letter(line: Line) -> Row:
    return {
        "log_partition": line.place[0],
        "log_offset": line.place[1],
        "log_index": line.place[2],
        "bytes": line.raw.hex().upper(),
        "reason": line.problem,
        "at": line.appended_at,
        "length_bytes": len(line.raw),
        "detail": line.detail,
    }


def ledger(recount: Recount, _now: int) -> list[Row]:
    inserts: dict[tuple[int, int, int], list[Told]] = {}
    for each in recount.told:
        written = recount.written_of(each)
        inserts.setdefault((each.line.place[0], written.epoch, written.judged_at), []).append(each)
    return [
        {
            "log_partition": partition,
            "first_offset": min(each.line.place[1] for each in told),
            "last_offset": max(each.line.place[1] for each in told),
            "inputs": len({each.line.place for each in told}),
            "facts": len(told),
            "dead_letters": len([each for each in told if each.fact == "dead_letter"]),
            "epoch": epoch,
            "judged_at": judged_at,
        }
        for (partition, epoch, judged_at), told in inserts.items()
    ]


def accounting(recount: Recount, _now: int) -> list[Row]:
    return [
        _account(partition, [line for line in recount.lines if line.place[0] == partition])
        for partition in sorted({line.place[0] for line in recount.lines})
    ]


def _account(partition: int, lines: list[Line]) -> Row:
    offsets = sorted({line.place[1] for line in lines})
    places = sum((line.place[1] + 1) * (line.place[2] + 1) for line in lines)
    return {
        "log_partition": partition,
        "frames": len(offsets),
        "first_offset": offsets[0],
        "last_offset": offsets[-1],
        "accepted": len(lines),
        "stored": len([line for line in lines if not line.problem]),
        "dead_lettered": len([line for line in lines if line.problem]),
        "offsets_sum": sum(offsets),
        "places_sum": places,
        "places_sum_due": places,
    }
