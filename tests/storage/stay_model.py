"""Stays drawn at random, played into rows, and their intervals and sums computed again in plain Python."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from state_machine.vocabulary import STATES
from tests.storage.rows_builder import NOON_MS, Stay, Story

MEDIA = {"sending", "receiving", "sendrecv"}


@dataclass(frozen=True)
class Action:
    """What one session does next, `after_ms` behind whatever was before in the room."""

    session: int
    after_ms: int
    what: str
    state: str
    counters: tuple[int, int, int]


ACTIONS = st.lists(
    st.builds(
        Action,
        session=st.integers(0, 2),
        after_ms=st.one_of(st.just(0), st.integers(1, 5000)),
        what=st.sampled_from(["status", "status", "status", "status", "late", "violation", "refresh", "close"]),
        state=st.sampled_from(STATES),
        counters=st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)),
    ),
    max_size=40,
)


@dataclass
class ModelStay:
    """What should be found of one stay, in milliseconds."""

    session: str
    opened_at: int
    entries: list[tuple[str, int, str]] = field(default_factory=list)
    """(state, entered at, entered by) in order."""
    closed_at: int | None = None
    close_reason: str = ""
    snapshots: list[tuple[int, str, tuple[int, int, int]]] = field(default_factory=list)
    statuses: int = 0
    violations: int = 0

    def intervals(self) -> list[tuple[Any, ...]]:
        """(state, entered at, left at, duration, entered by, next state) of each interval."""
        ends = [*((entered, state) for state, entered, _ in self.entries[1:]), (self.closed_at, "")]
        return [
            (state, entered, left, None if left is None else left - entered, by, following)
            for (state, entered, by), (left, following) in zip(self.entries, ends, strict=True)
        ]

    def session_row(self) -> dict[str, Any]:
        """The stay's row of the view `sessions`."""

        def first(index: int) -> int | None:
            return next((at for at, _, counters in self.snapshots if counters[index]), None)

        closed = [(state, duration) for state, _, _, duration, _, _ in self.intervals() if duration is not None]
        peaks = [max(counters[index] for _, _, counters in self.snapshots) for index in range(3)]
        return {
            "session_id": self.session,
            "opened_at": self.opened_at,
            "closed_at": self.closed_at,
            "close_reason": self.close_reason,
            "first_send_at": first(1),
            "first_recv_at": first(2),
            "first_two_way_at": next((at for at, state, _ in self.snapshots if state == "sendrecv"), None),
            "media_ms": sum(duration for state, duration in closed if state in MEDIA),
            "two_way_ms": sum(duration for state, duration in closed if state == "sendrecv"),
            "peak_connections": peaks[0],
            "peak_send_streams": peaks[1],
            "peak_recv_streams": peaks[2],
            "statuses": self.statuses,
            "violations": self.violations,
            "last_state": self.snapshots[-1][1],
        }


def play(actions: list[Action], room: str) -> tuple[Story, list[ModelStay]]:
    """Play the actions in one room; a session is opened by its first action, and again after its closing."""
    story = Story(inputs_per_frame=3)
    live: dict[int, tuple[Stay, ModelStay]] = {}
    closed: dict[int, tuple[Stay, ModelStay]] = {}
    model: list[ModelStay] = []
    at_ms = NOON_MS
    for action in actions:
        at_ms += action.after_ms
        name = f"s{action.session}"
        if action.session in closed and action.what in {"status", "violation"}:
            stay, found = closed[action.session]
            stay.status(at_ms, action.state, *action.counters, verdict="after_close", moved=False)
            found.statuses += 1
        if action.session not in live:
            at_ms += 1  # a stay is told from the session's earlier ones by when it opened
            stay = story.open(name, at_ms, room_id=room)
            found = ModelStay(name, at_ms, [("init", at_ms, "open")], snapshots=[(at_ms, "init", (0, 0, 0))])
            live[action.session] = (stay, found)
            model.append(found)
        _act(action, at_ms, *live[action.session])
        if action.what == "close":
            closed[action.session] = live.pop(action.session)
    return story, model


def _act(action: Action, at_ms: int, stay: Stay, found: ModelStay) -> None:
    event = f"Session.{action.state}"
    if action.what == "refresh":
        stay.refresh(at_ms, at_ms + 1000)
    elif action.what == "close":
        stay.close(at_ms, "expired")
        found.closed_at, found.close_reason = at_ms, "expired"
    else:
        moved = action.what == "status"
        verdict = "diagram" if moved else action.what
        stay.status(at_ms, action.state, *action.counters, verdict=verdict, moved=moved, event=event)
        found.statuses += 1
        found.violations += action.what == "violation"
        if moved and action.state != found.snapshots[-1][1]:
            found.entries.append((action.state, at_ms, event))
        if moved:
            found.snapshots.append((at_ms, action.state, action.counters))
