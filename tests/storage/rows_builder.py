"""Builds rows of `room_events` by hand, as a processor would write them, without judging anything.

A `Story` is one partition of a log: each input takes the next place in it. A `Stay` is one session's stay, which keeps
the snapshot so that `prev_*` and `prev_since` are right. Times are integer milliseconds.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow

from storage.columns import COLUMN_TYPES, LANDING_TABLE, ROW_SCHEMA, TIME
from storage.ownership import claim
from storage.store import Store

Row = dict[str, Any]
LOG_ID = "log-of-the-tests"
NOON_MS = 1_790_000_000_000


def a_row(**values: Any) -> Row:
    """Return a row in which every column that is not given is empty, 0 or false."""
    row: Row = {}
    for name, kind in COLUMN_TYPES.items():
        row[name] = "" if kind == pyarrow.string() else False if kind == pyarrow.bool_() else 0
    row |= {"room_kind": "call", "event_family": "notice", "rule_version": 1, "frame_inputs": 1}
    unknown = values.keys() - row.keys()
    assert not unknown, unknown
    return row | values


def as_table(rows: Sequence[Row]) -> pyarrow.Table:
    """Return the rows as the Arrow table that the store takes."""
    columns = []
    for name, kind in COLUMN_TYPES.items():
        values = [row[name] for row in rows]
        columns.append(
            pyarrow.array(values, pyarrow.int64()).cast(TIME) if kind == TIME else pyarrow.array(values, kind)
        )
    return pyarrow.table(columns, schema=ROW_SCHEMA)


async def put(store: Store, rows: Iterable[Row]) -> None:
    """Insert the rows as one block through the gate, as the newest owner of their partitions."""
    listed = list(rows)
    epochs = await claim(store, {row["log_partition"] for row in listed}, "rows_builder", LOG_ID, NOON_MS)
    await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[row["log_partition"]]} for row in listed]))


@dataclass
class Story:
    """The rows of one partition, in log order; `inputs_per_frame` inputs share a frame."""

    partition: int = 0
    inputs_per_frame: int = 1
    judged_at_ms: int = NOON_MS
    first_offset: int = 0
    facts: list[Row] = field(default_factory=list)
    _inputs: int = 0

    def add(self, *facts: Row) -> None:
        """Add one input's facts; the first answers it (fact 0), the others are its consequences."""
        offset, index = divmod(self._inputs, self.inputs_per_frame)
        self._inputs += 1
        for fact_index, fact in enumerate(facts):
            place = {"log_offset": self.first_offset + offset, "log_index": index, "fact_index": fact_index}
            self.facts.append(fact | place | {"log_partition": self.partition, "judged_at": self.judged_at_ms})

    @property
    def rows(self) -> list[Row]:
        """The rows so far, each frame's number of inputs filled in."""
        inputs = Counter(row["log_offset"] for row in self.facts if row["fact_index"] == 0)
        return [row | {"frame_inputs": inputs[row["log_offset"]]} for row in self.facts]

    def dead_letter(self, at_ms: int, reason: str = "not_an_input", extra: str = "") -> None:
        """Add a line that is no input."""
        times = {"at": at_ms, "received_at": at_ms, "occurred_at": at_ms}
        self.add(a_row(fact="dead_letter", reason=reason, extra=extra, **times))

    def open(self, session: str, at_ms: int, lease_ends_ms: int = 0, **values: Any) -> "Stay":
        """Open a session by an `open` input; `values` are further columns of its row."""
        stay = Stay(self, session, at_ms, {"room_id": "room", **values})
        self.add(stay.opening("open", lease_ends_ms))
        return stay

    def open_implicitly(self, session: str, at_ms: int, lease_ends_ms: int, **values: Any) -> "Stay":
        """Open a session by its first status, `waiting` with one connection."""
        stay = Stay(self, session, at_ms, {"room_id": "room", **values})
        opening = stay.opening("status", lease_ends_ms) | {"reason": "implicit"}
        self.add(stay.judged(at_ms, "waiting", (1, 0, 0)) | {"lease_ends_at": lease_ends_ms}, opening)
        return stay


@dataclass
class Stay:
    """One stay and its snapshot."""

    story: Story
    session: str
    opened_at_ms: int
    values: Row
    state: str = "init"
    counters: tuple[int, int, int] = (0, 0, 0)
    since_ms: int = 0

    def opening(self, kind: str, lease_ends_ms: int) -> Row:
        """Return the row that opens the stay."""
        self.since_ms = self.opened_at_ms
        common = self._common(kind, "session_opened", self.opened_at_ms)
        return a_row(**common, state="init", moved=True, lease_ends_at=lease_ends_ms)

    def judged(
        self,
        at_ms: int,
        state: str,
        counters: tuple[int, int, int],
        *,
        event: str = "Session.connectionCreated",
        verdict: str = "diagram",
        moved: bool = True,
        **values: Any,
    ) -> Row:
        """Return the row of a status and take over what it moved."""
        row = a_row(
            **self._common("status", "status_judged", at_ms),
            **self._before(),
            **dict(zip(("connections", "send_streams", "recv_streams"), counters, strict=True)),
            **{"event": event, "state": state, "verdict": verdict, "moved": moved},
        )
        if moved:
            self.since_ms = at_ms if state != self.state else self.since_ms
            self.state, self.counters = state, counters
        return row | values

    def status(self, at_ms: int, state: str, *counters: int, **values: Any) -> None:
        """Add a status; `values` may name event, verdict, moved and further columns."""
        connections, send_streams, recv_streams = counters
        self.story.add(self.judged(at_ms, state, (connections, send_streams, recv_streams), **values))

    def refresh(self, at_ms: int, lease_ends_ms: int) -> None:
        """Add a refresh."""
        common = self._common("refresh", "session_refreshed", at_ms)
        self.story.add(a_row(**common, **self._before(), lease_ends_at=lease_ends_ms))

    def close(self, at_ms: int, reason: str = "left") -> None:
        """Add the closing."""
        self.story.add(a_row(**self._common("close", "session_closed", at_ms), **self._before(), reason=reason))

    def _before(self) -> Row:
        names = ("prev_connections", "prev_send_streams", "prev_recv_streams")
        return {"prev_state": self.state, "prev_since": self.since_ms, **dict(zip(names, self.counters, strict=True))}

    def _common(self, kind: str, fact: str, at_ms: int) -> Row:
        times = {"at": at_ms, "received_at": at_ms, "occurred_at": at_ms, "opened_at": self.opened_at_ms}
        return {"kind": kind, "fact": fact, "session_id": self.session, **times, **self.values}
