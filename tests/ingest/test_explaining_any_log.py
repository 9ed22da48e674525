"""No fact of any log is left without words, and none breaks the telling of it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from ingest.native.explain import explained
from processors.block import Block
from processors.rows import rows_of
from state_machine.inputs import Input
from state_machine.room import Room
from tests.state_machine.builders import Played, played, status
from tests.state_machine.drawing import jumping_logs, room_kinds

NOTHING_KNOWN = {"facts": 0, "highest_seq": 0, "lease_ends_at": None, "closed_at": None, "close_reason": ""}


def stored(room: Played, items: list[Input]) -> list[dict[str, Any]]:
    """Return the facts of the inputs as the store gives them back; nothing is known of what was before."""
    block = Block()
    for offset, item in enumerate(items):
        facts = room.take(item)
        for fact in facts:
            block.facts.append(fact)
            block.items.append(item)
            block.offsets.append(offset)
        block.indexes += [0] * len(facts)
        block.partitions += [0] * len(facts)
        block.frame_inputs += [1] * len(facts)
    rows: list[dict[str, Any]] = rows_of(block, {0: 1}, 1).to_pylist() if items else []
    return [as_read(row, rows) for row in rows]


def as_read(row: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a row as it is read, with the other facts of its input."""
    others = [each for each in rows if each["log_offset"] == row["log_offset"] and each is not row]
    told = [{**each, "place": f"0.{each['log_offset']}.0.{each['fact_index']}"} for each in others]
    extra = msgspec.json.decode(row["extra"]) if row["extra"] else {}
    known = {**(NOTHING_KNOWN if row["opened_at"].timestamp() else {}), "sent_before": None}
    return {**row, "extra": extra, "known": known, "same_input": {"facts": len(told), "told": told}}


@settings(deadline=None)
@given(room_kinds, jumping_logs)
def test_every_fact_of_any_log_is_explained(room_kind: str, items: list[Input]) -> None:
    for fact in stored(Played(Room(room_kind, "r")), items):
        told = explained(fact)
        assert told["words"]
        assert told["rule"], (fact["fact"], fact["reason"])
        assert msgspec.json.encode(told)
        if fact["fact"] == "status_judged":
            assert told["words"].rpartition(", so ")[2].startswith(told["rule_name"])
            assert bool(told["because"])
        # A story of a room has nothing of what was known.
        assert explained({name: value for name, value in fact.items() if name != "known"} | {"known": {}})["words"]


def test_what_another_version_decided_is_not_explained_by_this_one() -> None:
    room = played()
    fact = stored(room, [status()])[-1]
    told = explained(fact | {"rule_version": 2, "verdict": "novel", "reason": "of tomorrow"})
    assert told["rule"] == "It was decided by version 2 of the rules; this program can explain version 1."
    assert told["because"] == []
    assert told["words"].endswith("so novel")


@pytest.mark.parametrize("extra", [{}, {"conflicts": 7}, {"barred_until_ms": "soon"}, {"input": "text"}, {"node": 1}])
@pytest.mark.parametrize("name", ["open_refused", "stream_published", "stream_unpublished", "session_closed"])
def test_what_was_erased_from_a_row_is_left_out(name: str, extra: dict[str, Any]) -> None:
    fact = stored(played(), [status()])[-1]
    for reason in ("killed", "playback_limit", "room_full", "left", "renewed"):
        row = fact | {"fact": name, "reason": reason, "extra": extra}
        assert explained(row)["words"]
        assert explained(row | {"at": datetime(2026, 1, 1, tzinfo=UTC)})["words"]
