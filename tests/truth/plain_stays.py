"""Stays put together from their facts: intervals, first times, peaks, failures. Source: design sections 4 and 7."""

from dataclasses import dataclass, field
from functools import cached_property

from tests.truth.told import Told

MEDIA = ("sending", "receiving", "sendrecv")
STEPS = {"init": 1, "waiting": 2, "cleanup": 2, "starting": 3, "sending": 4, "receiving": 4, "sendrecv": 5}


@dataclass
class Interval:
    """A state from when to when."""

    state: str
    entered_at: int
    entered_by: str
    left_at: int | None = None
    next_state: str = ""

    @property
    def duration(self) -> int | None:
        return None if self.left_at is None else self.left_at - self.entered_at


@dataclass
class StayTold:
    """All facts of one stay, in the order in which they were decided; whole before anything is asked of it."""

    told: list[Told] = field(default_factory=list)

    @cached_property
    def opening(self) -> Told:
        return next(each for each in self.told if each.fact == "session_opened")

    @cached_property
    def closing(self) -> Told | None:
        return next((each for each in self.told if each.fact == "session_closed"), None)

    @cached_property
    def opened_at(self) -> int:
        return self.opening.opened_at

    @cached_property
    def closed_at(self) -> int | None:
        return self.closing.at if self.closing else None

    @cached_property
    def close_reason(self) -> str:
        return self.closing.reason if self.closing else ""

    @cached_property
    def moves(self) -> list[Told]:
        """What moved the snapshot, the opening first."""
        return [each for each in self.told if each.moved]

    @cached_property
    def state(self) -> str:
        return self.moves[-1].now.state

    @cached_property
    def lease_end(self) -> int | None:
        """The newest end of the lease; None = it has none."""
        ends = [each.lease_ends_at for each in self.told if each.lease_ends_at]
        return ends[-1] if ends else None

    def ends_by(self, now: int) -> int | None:
        """Return when the stay ended, by its closing or its lease; None if it goes on."""
        if self.closed_at is not None:
            return self.closed_at
        return self.lease_end if self.lease_end is not None and self.lease_end <= now else None

    def is_live(self, now: int) -> bool:
        return self.closed_at is None and (self.lease_end is None or self.lease_end > now)

    @cached_property
    def intervals(self) -> list[Interval]:
        """Return the states one after the other; they meet without gap or overlap."""
        found: list[Interval] = []
        for each in self.told:
            if found and (each.changes_state or each.fact == "session_closed"):
                found[-1].left_at = each.at
                found[-1].next_state = each.now.state
            if each.changes_state:
                found.append(Interval(each.now.state, each.at, "open" if each.fact == "session_opened" else each.event))
        return found

    def spent(self, states: tuple[str, ...]) -> int:
        """Return the length of the closed intervals in the states."""
        return sum(each.duration or 0 for each in self.intervals if each.state in states)

    def first(self, name: str) -> int | None:
        """Return when a counter was first above 0."""
        return next((each.at for each in self.moves if getattr(each.now, name) > 0), None)

    def first_in(self, states: tuple[str, ...]) -> int | None:
        return next((each.at for each in self.moves if each.now.state in states), None)

    @cached_property
    def left_init_at(self) -> int | None:
        return next((each.at for each in self.moves if each.now.state != "init"), None)

    def peak(self, name: str) -> int:
        return max(int(getattr(each.now, name)) for each in self.moves)

    @cached_property
    def statuses(self) -> list[Told]:
        return [each for each in self.told if each.fact == "status_judged"]

    @cached_property
    def violations(self) -> int:
        return len([each for each in self.told if each.verdict == "violation"])

    def last_said(self, name: str) -> str:
        """Return the newest text that was not empty."""
        return next((each.said(name) for each in reversed(self.told) if each.said(name)), "")

    def any_said(self, name: str) -> str:
        return max(each.said(name) for each in self.told)

    def most(self, name: str) -> int:
        return max(each.counted(name) for each in self.told)

    @cached_property
    def furthest(self) -> int:
        return max(STEPS[each.now.state] for each in self.moves)

    @cached_property
    def longest_two_way(self) -> int:
        return max((each.duration or 0 for each in self.intervals if each.state == "sendrecv"), default=0)

    def alone(self, state: str) -> list[tuple[int, int | None]]:
        """Return from when to when the state went on while two or more were connected; None: it still does."""
        stretches: list[tuple[int, int | None]] = []
        began = None
        for each in self.moves:
            is_so = in_company(each, (state,))
            if began is not None and not is_so:
                stretches.append((began, each.at))
                began = None
            elif began is None and is_so:
                began = each.at
        return stretches if began is None else [*stretches, (began, self.closed_at)]

    def longest_alone(self, state: str, now: int) -> int:
        """Return the longest of these stretches; one that goes on does so until now, or its lease's end."""
        end_now = now if self.lease_end is None else min(now, self.lease_end)
        return max((((end_now if end is None else end) - start) for start, end in self.alone(state)), default=0)

    @cached_property
    def failure(self) -> str:
        """Return why a call failed for this person; '' = it did not, is not over, or is no call."""
        if self.opening.room_kind != "call" or self.closing is None:
            return ""
        if self.close_reason == "killed":
            return "killed"
        if self._broken:
            return self._broken
        if self.close_reason == "expired":
            return "lease_expired"
        if self.left_init_at is None:
            return "never_connected"
        had_company = self.peak("connections") >= 2
        return "unknown" if self.first_in(MEDIA) is None and had_company else ""

    @cached_property
    def _broken(self) -> str:
        """Return what the client said last of why its call broke, unless media began anew after that."""
        said = ""
        for each in self.told:
            if each.changes_state and each.now.state in MEDIA:
                said = ""
            elif each.fact == "status_judged" and each.verdict not in ("duplicate", "late", "after_close"):
                said = _failure_notice(each.event) or said
        return said


def in_company(each: Told, states: tuple[str, ...]) -> bool:
    return each.now.state in states and each.now.connections >= 2


def _failure_notice(event: str) -> str:
    event = event.encode().lower().decode()
    if event.startswith("sdk.exception"):
        return "sdk_exception"
    return {
        "session.networkdisconnected": "network_disconnected",
        "session.forcedisconnected": "force_disconnected",
    }.get(event, "")


def stays_of(told: list[Told]) -> dict[tuple[str, str, str, int], StayTold]:
    """Return all stays of the facts, by room kind, room, session and opening."""
    stays: dict[tuple[str, str, str, int], StayTold] = {}
    for each in told:
        if each.opened_at and each.session_id:
            stays.setdefault(each.stay, StayTold()).told.append(each)
    return stays
