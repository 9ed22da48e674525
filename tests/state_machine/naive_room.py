"""A room written a second time, the plain way: stays in a list, every question asked of all of them.

Follows the design's words, not the core's code. Time only goes forward here. It says what answers an input and who is
inside afterwards; which of the judgements of a live session's status applies is left to the tables.
"""

from dataclasses import dataclass, field

from state_machine.inputs import Input

LEASE_MS = 300_000
MEMORY_MS = 300_000
EIGHT_WEEKS_MS = 4_838_400_000

Answer = tuple[str, str]
"""Name of the fact and its reason; of a status that its history decides, the verdict and its reason."""


@dataclass
class NaiveStay:
    """One opening to one closing."""

    session: str
    user: str
    lease_ends_ms: int
    is_implicit: bool
    can_handle: int
    last_ms: int
    """When something of it was heard last."""
    ids: list[str] = field(default_factory=list)
    highest_seq: int = 0
    closed_ms: int | None = None
    why: str = ""


@dataclass
class NaiveRoom:
    """A call."""

    stays: list[NaiveStay] = field(default_factory=list)
    exists: bool = False
    is_deleted: bool = False
    has_ended: bool = False
    owner: str = ""
    seats: int = 0
    given_end_ms: int | None = None
    said_ms: int = 0
    """When something was said of the room last."""
    uses_ms: list[int] = field(default_factory=list)
    """When somebody joined, refreshed or left, as it is dated: after everything earlier of the same session."""
    answered: set[str] = field(default_factory=set)

    def inside(self) -> list[NaiveStay]:
        return [stay for stay in self.stays if stay.closed_ms is None]

    def answer(self, item: Input) -> Answer:
        """Return what answers the input, and remember what follows."""
        expired = [stay for stay in self.inside() if stay.lease_ends_ms <= item.received_at_ms]
        for stay in expired:
            self._end(stay, stay.lease_ends_ms, "expired")
        if item.kind == "status":
            return self._status(item)
        if item.id and item.id in self.answered:
            return "ignored", "duplicate"
        self.answered.add(item.id)
        if item.kind == "expire" and item.session in {stay.session for stay in expired}:
            return "session_closed", "expired"
        if item.kind != "expire":
            self._end_in_time(item)
        answer: Answer = getattr(self, f"_{item.kind}")(item)
        return answer

    def _end(self, stay: NaiveStay, at_ms: int, why: str) -> None:
        stay.closed_ms, stay.why = max(at_ms, stay.last_ms), why
        if why in ("left", "killed", "replaced"):
            self.uses_ms.append(stay.closed_ms)

    def _end_in_time(self, item: Input) -> None:
        """End the room, and everybody's stay in it, if its time is over."""
        if self.given_end_ms is None:
            return
        used_ms = [use_ms for use_ms in self.uses_ms if use_ms > self.said_ms]
        end_ms = max([self.given_end_ms, *(use_ms + EIGHT_WEEKS_MS for use_ms in used_ms)])
        if end_ms <= item.received_at_ms:
            for stay in self.inside():
                self._end(stay, end_ms, "expired")
            self.exists, self.has_ended = False, True

    def _give_end(self, item: Input) -> None:
        if item.expires_at_ms:
            self.given_end_ms = item.expires_at_ms
        self.said_ms = item.received_at_ms

    def _begin(self, item: Input, *, is_implicit: bool) -> NaiveStay:
        lease_ends_ms = item.received_at_ms + LEASE_MS
        # A stay never begins in the same moment in which an earlier one of the session ended.
        ended_ms = [stay.closed_ms for stay in self.stays if stay.session == item.session and stay.closed_ms]
        begins_ms = max(item.received_at_ms, *(at_ms + 1 for at_ms in ended_ms), 0)
        self.stays.append(
            NaiveStay(item.session, item.user, lease_ends_ms, is_implicit, item.client_max_size, begins_ms)
        )
        return self.stays[-1]

    def _live(self, item: Input) -> NaiveStay | None:
        live = next((stay for stay in self.inside() if stay.session == item.session), None)
        if live is not None:
            live.last_ms = max(live.last_ms, item.received_at_ms)
        return live

    def _last(self, item: Input) -> NaiveStay | None:
        """Return the session's last stay if it is live or was closed lately."""
        stays = [stay for stay in self.stays if stay.session == item.session]
        if not stays:
            return None
        closed_ms = stays[-1].closed_ms
        is_past = closed_ms is not None and item.received_at_ms - closed_ms > MEMORY_MS
        return None if is_past else stays[-1]

    def _why_not(self, item: Input) -> str:
        stay = self._last(item)
        return stay.why if stay else "unknown_session"

    def _status(self, item: Input) -> Answer:
        stay = self._last(item)
        if stay is None and not item.implicit:
            return "after_close", "unknown_session"
        if stay is None:
            stay = self._begin(item, is_implicit=True)
        stay.last_ms = max(stay.last_ms, item.received_at_ms)
        if item.id in stay.ids[-32:]:
            return "duplicate", ""
        if item.id:
            stay.ids.append(item.id)
        if stay.closed_ms is None and stay.is_implicit:
            stay.lease_ends_ms = item.received_at_ms + LEASE_MS
        if item.seq and item.seq <= stay.highest_seq:
            return "late", ""
        stay.highest_seq = max(stay.highest_seq, item.seq)
        return ("", "") if stay.closed_ms is None else ("after_close", stay.why)

    def _open(self, item: Input) -> Answer:
        if self.is_deleted:
            return "open_refused", "room_deleted"
        if self.has_ended:
            return "open_refused", "room_expired"
        live = self._live(item)
        own = [stay for stay in self.inside() if item.user and stay.user == item.user]
        others = [stay for stay in self.inside() if stay not in own and stay is not live]
        if live is not None:
            if item.client_max_size and item.client_max_size <= len(others):
                return "open_refused", "client_capacity"
            live.lease_ends_ms = item.received_at_ms + LEASE_MS
            live.can_handle = item.client_max_size or live.can_handle
            self.uses_ms.append(live.last_ms)
            return "session_refreshed", "rejoined"
        users = {item.user, *(stay.user for stay in self.inside())}
        kept = 1 if self.owner and self.owner not in users else 0
        for bound in (self.seats, *(stay.can_handle for stay in others)):
            if bound > 0 and bound - len(others) - kept <= 0:
                return "open_refused", "room_full"
        if item.client_max_size and item.client_max_size <= len(others):
            return "open_refused", "client_capacity"
        for stay in own:
            self._end(stay, item.received_at_ms, "replaced")
        self.uses_ms.append(self._begin(item, is_implicit=False).last_ms)
        return "session_opened", ""

    def _refresh(self, item: Input) -> Answer:
        live = self._live(item)
        if live is None:
            return "refresh_refused", self._why_not(item)
        live.lease_ends_ms = item.received_at_ms + LEASE_MS
        self.uses_ms.append(live.last_ms)
        return "session_refreshed", ""

    def _close(self, item: Input) -> Answer:
        live = self._live(item)
        if live is None:
            return "close_refused", self._why_not(item)
        self._end(live, item.received_at_ms, "left")
        return "session_closed", "left"

    def _kill(self, item: Input) -> Answer:
        named = [stay for stay in self.inside() if item.session in ("", stay.session)]
        if not named:
            return "close_refused", self._why_not(item)
        for stay in named:
            self._end(stay, item.received_at_ms, "killed")
        return "session_closed", "killed"

    def _expire(self, item: Input) -> Answer:
        last = self._last(item)
        if last is None:
            return "ignored", "unknown_session"
        return "ignored", "lease_renewed" if last.closed_ms is None else "already_closed"

    def _log_domains(self, item: Input) -> Answer:
        return ("domains_logged", "") if self._live(item) else ("ignored", self._why_not(item))

    def _room_create(self, item: Input) -> Answer:
        if self.exists:
            return "ignored", "room_exists"
        self.exists, self.is_deleted, self.owner, self.seats = True, False, item.user, item.max_size
        self.has_ended, self.given_end_ms = False, None
        self._give_end(item)
        return "room_created", ""

    def _room_update(self, item: Input) -> Answer:
        if not self.exists:
            return "ignored", "unknown_room"
        self.seats = item.max_size or self.seats
        self._give_end(item)
        return "room_updated", ""

    def _room_delete(self, item: Input) -> Answer:
        if not self.exists:
            return "ignored", "unknown_room"
        self.exists, self.is_deleted, self.given_end_ms = False, True, None
        for stay in self.inside():
            self._end(stay, item.received_at_ms, "room_deleted")
        return "room_deleted", ""
