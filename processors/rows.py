"""A block's facts to the rows of `room_events`, column by column.

A column is one pass over the block's lists, because building a row at a time costs several times as much. What facts
say of their sessions' snapshots is shared by most of them, so it is written down once and then repeated by index.
Values stand here in the form that no column refuses: counters and times were bounded when they were decoded and
decided.

What a row says of the client (event, device, address, …) is what its input said; a consequence that concerns somebody
else's session (a kill, a lease found expired) carries nothing of the client that caused it.
Source: interfaces, `room_events`; storage/columns.py has the columns and their types.
"""

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import msgspec
import pyarrow
import pyarrow.compute

from processors.block import Block
from state_machine.facts import Fact, Snapshot
from state_machine.inputs import Input
from state_machine.vocabulary import RULE_VERSION
from storage.columns import COLUMN_TYPES, ROW_SCHEMA, TIME, column_of
from storage.frames import TIME_MS_MAX

_EXTRA_ENCODER = msgspec.json.Encoder()

NOBODY = Input(kind="")
"""Stands for the client of a row that no client caused."""

Columns = dict[str, Sequence[Any]]


def rows_of(block: Block, epochs: Mapping[int, int], judged_at_ms: int) -> pyarrow.Table:
    """Return the block's rows.

    Units: `judged_at_ms` epoch milliseconds, UTC, the same for every row, so that the block is one part of one day.
    """
    rows = len(block.facts)
    indexes = [fact.index for fact in block.facts]
    consequences = list(compress(range(rows), indexes))
    values: Columns = {
        "fact_index": indexes,
        "event": _events(block.items, consequences),
        "extra": _extras(block.facts, block.items),
        **_columns_of_facts(block.facts),
        **_columns_of_inputs(block.items),
        **_columns_of_clients(_clients(block.facts, block.items, consequences)),
        "log_partition": block.partitions,
        "log_offset": block.offsets,
        "log_index": block.indexes,
        "frame_inputs": block.frame_inputs,
        "epoch": [epochs[partition] for partition in block.partitions],
    }
    columns = {
        **{name: column_of(COLUMN_TYPES[name], column) for name, column in values.items()},
        **_columns_of_steps(block.facts),
        "lease_ends_at": _bounded([fact.lease_ends_at_ms for fact in block.facts]),
        "at": _bounded([fact.at_ms for fact in block.facts]),
        "judged_at": _repeated("judged_at", judged_at_ms, rows),
        "rule_version": _repeated("rule_version", RULE_VERSION, rows),
    }
    return pyarrow.Table.from_arrays([columns[name] for name in COLUMN_TYPES], schema=ROW_SCHEMA)


def _repeated(name: str, value: int, rows: int) -> pyarrow.Array:
    return pyarrow.repeat(pyarrow.scalar(value, COLUMN_TYPES[name]), rows)


def _columns_of_steps(facts: Sequence[Fact]) -> dict[str, pyarrow.Array]:
    """Return the columns of the snapshots; equal steps are mostly one object, so one of each is looked at."""
    steps = [fact.step for fact in facts]
    ids = list(map(id, steps))
    indexed = column_of(pyarrow.uint64(), ids).dictionary_encode()
    by_id = dict(zip(ids, steps, strict=True))
    distinct = [by_id[number] for number in indexed.dictionary.to_pylist()]
    before = [step.before for step in distinct]
    declared = [step.declared for step in distinct]
    columns: Columns = {
        "event_family": [step.family for step in distinct],
        "verdict": [step.verdict for step in distinct],
        "moved": [step.moved for step in distinct],
        **_columns_of_snapshots("", declared),
        **_columns_of_snapshots("prev_", before),
    }
    return {name: pyarrow.array(column, COLUMN_TYPES[name]).take(indexed.indices) for name, column in columns.items()}


def _columns_of_snapshots(prefix: str, snapshots: Sequence[Snapshot]) -> Columns:
    return {
        f"{prefix}state": [snapshot.state for snapshot in snapshots],
        f"{prefix}connections": [snapshot.connections for snapshot in snapshots],
        f"{prefix}send_streams": [snapshot.send_streams for snapshot in snapshots],
        f"{prefix}recv_streams": [snapshot.recv_streams for snapshot in snapshots],
    }


def _columns_of_facts(facts: Sequence[Fact]) -> Columns:
    return {
        "fact": [fact.name for fact in facts],
        "session_id": [fact.session_id for fact in facts],
        "user_id": [fact.user_id for fact in facts],
        "reason": [fact.reason for fact in facts],
        "opened_at": [fact.opened_at_ms for fact in facts],
        "prev_since": [fact.since_ms for fact in facts],
        "session_number": [fact.session_number for fact in facts],
    }


def _columns_of_inputs(items: Sequence[Input]) -> Columns:
    return {
        "kind": [item.kind for item in items],
        "room_kind": [item.room_kind for item in items],
        "room_id": [item.room for item in items],
        "input_id": [item.id for item in items],
        "client_seq": [item.seq for item in items],
        "occurred_at": [item.occurred_at_ms or item.received_at_ms for item in items],
        "received_at": [item.received_at_ms for item in items],
    }


def _columns_of_clients(clients: Sequence[Input]) -> Columns:
    return {
        "device_type": [client.device_type for client in clients],
        "service": [client.service for client in clients],
        "app": [client.app for client in clients],
        "client_ip": [client.client_ip for client in clients],
        "user_agent": [client.user_agent for client in clients],
        "bytes_sent": [client.bytes_sent for client in clients],
        "bytes_recv": [client.bytes_recv for client in clients],
    }


def _bounded(times_ms: Sequence[int]) -> pyarrow.Array:
    """Return the times, none later than a column holds: only a lease of centuries is."""
    return pyarrow.compute.min_element_wise(column_of(pyarrow.int64(), times_ms), TIME_MS_MAX).cast(TIME)


def _events(items: Sequence[Input], consequences: Sequence[int]) -> list[str]:
    """Return the events, which belong to the answers alone."""
    events = [item.event for item in items]
    for row in consequences:
        events[row] = ""
    return events


def _clients(facts: Sequence[Fact], items: Sequence[Input], consequences: Sequence[int]) -> list[Input]:
    clients = list(items)
    for row in consequences:
        if facts[row].session_id != items[row].session:
            clients[row] = NOBODY
    return clients


def _extras(facts: Sequence[Fact], items: Sequence[Input]) -> list[str]:
    extras = [""] * len(facts)
    rows = range(len(facts))
    of_facts = compress(rows, [fact.extra for fact in facts])
    of_inputs = compress(rows, [item.extra for item in items])
    for row in {*of_facts, *of_inputs}:
        extras[row] = _extra_of(facts[row], items[row])
    return extras


def _extra_of(fact: Fact, item: Input) -> str:
    """Return what no column holds, as a JSON object, or nothing.

    Shape: the fact's own members stand at the top, so that a room restores from its rows; `input` holds members of
    the input that its answer did not take.
    """
    if not fact.extra and fact.index:
        return ""
    members: dict[str, Any] = fact.extra
    if fact.index == 0 and not item.extra.items() <= fact.extra.items():
        members = {**fact.extra, "input": item.extra}
    return _EXTRA_ENCODER.encode(members).decode()
