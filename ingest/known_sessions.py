"""Live sessions of calls by room and session and by room and user, in some 370 bytes each.

There may be hundreds of thousands, so nothing here is an object of its own: a session has a slot in a few flat columns,
and two strings lead to it. Strings and integers are all that is kept, so the garbage collector never walks over them.
Units: `*_ms` are integer milliseconds since the epoch, UTC.
"""

from array import array
from itertools import islice

from storage.reading import LiveSession

_FORGOTTEN_AT_ONCE = 64
"""Finding the oldest entry of a dictionary walks over those that were removed before it: once for so many."""


class KnownSessions:
    """A bounded table of live sessions; the oldest make room."""

    def __init__(self, sessions_max: int) -> None:
        self._sessions_max = sessions_max
        self._slots: dict[str, int] = {}
        self._slots_of_users: dict[str, int] = {}
        self._keys: list[str] = []
        self._keys_of_users: list[str] = []
        self._opened_at_ms = array("q")
        self._lease_ends_at_ms = array("q")
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, room: str, session: str) -> LiveSession | None:
        """Return the session as last heard of, or None."""
        slot = self._slots.get(f"{len(room)}:{room}{session}")
        return None if slot is None else self._at(slot, room, session)

    def user_of_live(self, room: str, session: str, now_ms: int) -> str | None:
        """Return the user of the session, empty for a guest, or None if no lease of it that is known lasts still."""
        slot = self._slots.get(f"{len(room)}:{room}{session}")
        if slot is None or self._lease_ends_at_ms[slot] <= now_ms:
            return None
        user = self._keys_of_users[slot]
        return user and user[len(f"{len(room)}:{room}") :]

    def of_user(self, room: str, user: str) -> LiveSession | None:
        """Return the session of the room that was last heard to be the user's, or None."""
        prefix = f"{len(room)}:{room}"
        slot = self._slots_of_users.get(prefix + user)
        return None if slot is None else self._at(slot, room, self._keys[slot][len(prefix) :])

    def put(self, live: LiveSession) -> None:
        """Keep the session, in place of what was known of it."""
        prefix = f"{len(live.room)}:{live.room}"
        key = prefix + live.session
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._new_slot(key)
        else:
            self._forget_user(slot)
        self._opened_at_ms[slot] = live.opened_at_ms
        self._lease_ends_at_ms[slot] = live.lease_ends_at_ms
        if live.user:
            key_of_user = self._keys_of_users[slot] = prefix + live.user
            self._slots_of_users[key_of_user] = slot
        if len(self._slots) > self._sessions_max:
            for oldest in list(islice(self._slots, max(1, min(_FORGOTTEN_AT_ONCE, self._sessions_max // 16)))):
                self._drop(oldest)

    def extend(self, room: str, session: str, lease_ends_at_ms: int) -> bool:
        """Move the end of a known session's lease, never back; tell whether it is known."""
        slot = self._slots.get(f"{len(room)}:{room}{session}")
        if slot is None:
            return False
        self._lease_ends_at_ms[slot] = max(self._lease_ends_at_ms[slot], lease_ends_at_ms)
        return True

    def drop(self, room: str, session: str) -> None:
        """Forget the session."""
        self._drop(f"{len(room)}:{room}{session}")

    def _at(self, slot: int, room: str, session: str) -> LiveSession:
        user = self._keys_of_users[slot]
        return LiveSession(
            room,
            session,
            user and user[len(f"{len(room)}:{room}") :],
            self._opened_at_ms[slot],
            self._lease_ends_at_ms[slot],
        )

    def _new_slot(self, key: str) -> int:
        if self._free:
            slot = self._free.pop()
            self._keys[slot] = key
            return slot
        self._keys.append(key)
        self._keys_of_users.append("")
        self._opened_at_ms.append(0)
        self._lease_ends_at_ms.append(0)
        return len(self._keys) - 1

    def _drop(self, key: str) -> None:
        slot = self._slots.pop(key, None)
        if slot is not None:
            self._forget_user(slot)
            self._keys[slot] = ""
            self._free.append(slot)

    def _forget_user(self, slot: int) -> None:
        key = self._keys_of_users[slot]
        if key and self._slots_of_users.get(key) == slot:
            del self._slots_of_users[key]
        self._keys_of_users[slot] = ""
