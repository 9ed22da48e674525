"""What is known of a room, the plain way: all stays there ever were, in a list, and what was said of the room.

Source: design sections 4 and 5.
"""

from dataclasses import dataclass, field

from tests.truth.told import Line, Snapshot, Told

MEMORY_MS = 300_000
EIGHT_WEEKS_MS = 8 * 7 * 24 * 3_600_000


@dataclass
class PlainStay:
    """One opening to one closing."""

    session: str
    user: str
    opened_at: int
    last_at: int
    lease_ms: int
    lease_end: int
    snapshot: Snapshot = field(default_factory=lambda: Snapshot("init"))
    since: int = 0
    is_implicit: bool = False
    highest_seq: int = 0
    ids: list[str] = field(default_factory=list)
    device_type: str = ""
    can_handle: int = 0
    closed_at: int | None = None
    why: str = ""


@dataclass
class Publication:
    """A stream on air."""

    node: str
    region: str
    started_at: int
    last_at: int
    lease_end: int


@dataclass
class PlainRoom:
    """One room from the first line about it on."""

    stays: list[PlainStay] = field(default_factory=list)
    was_created: bool = False
    is_deleted: bool = False
    owner: str = ""
    seats: int = 0
    given_end: int = 0
    said_at: int = 0
    uses: list[int] = field(default_factory=list)
    publication: Publication | None = None
    answered: list[str] = field(default_factory=list)

    def inside(self) -> list[PlainStay]:
        return [stay for stay in self.stays if stay.closed_at is None]

    def last_stay(self, session: str) -> PlainStay | None:
        stays = [stay for stay in self.stays if stay.session == session]
        return stays[-1] if stays else None

    def live_stay(self, session: str) -> PlainStay | None:
        stay = self.last_stay(session)
        return stay if stay is not None and stay.closed_at is None else None

    def remembered(self, line: Line) -> PlainStay | None:
        """Return the session's last stay if it is live, closed lately, or barred."""
        stay = self.last_stay(line.text("session"))
        if stay is None or stay.closed_at is None:
            return stay
        is_lately = line.received - stay.closed_at <= MEMORY_MS
        return stay if is_lately or self.barred_until(stay, line) > line.received else None

    def barred_until(self, stay: PlainStay, line: Line) -> int:
        """Return until when an account's session stays out that others ended: its lease's end."""
        return stay.lease_end if line.room_kind == "account" and stay.why in ("killed", "replaced") else 0

    def end(self, room_kind: str) -> int:
        """Return when the room's time is over; 0 = never."""
        uses = [use for use in self.uses if use > self.said_at]
        if self.given_end and uses and room_kind == "call":
            return max(self.given_end, max(uses) + EIGHT_WEEKS_MS)
        return self.given_end

    def is_over(self, line: Line) -> bool:
        return not self.is_deleted and 0 < self.end(line.room_kind) <= line.received

    def exists(self, line: Line) -> bool:
        return self.was_created and not self.is_deleted and not self.is_over(line)

    def close(self, stay: PlainStay, at: int, why: str) -> Told:
        """End a stay and return the fact."""
        told = self.of(stay, "session_closed", at, why)
        stay.closed_at, stay.why = told.at, why
        if why in ("left", "killed", "replaced"):
            self.uses.append(told.at)
        return told

    def of(self, stay: PlainStay, fact: str, at: int, reason: str = "") -> Told:
        """Return a fact of a stay that judges nothing; it is dated no earlier than what the stay has already."""
        stay.last_at = max(stay.last_at, at)
        return Told(
            fact,
            stay.last_at,
            stay.session,
            stay.user,
            stay.opened_at,
            before=stay.snapshot,
            since=stay.since,
            reason=reason,
        )
