"""The words of the field: states, event families, kinds of rooms and inputs, facts, verdicts, reasons.

Every closed list that travels to the log or the store stands here once.
Source: design sections 3 to 5; interfaces, `room_events`.
"""

from typing import Final

RULE_VERSION: Final = 1
"""Goes with each verdict; raised whenever the same log would be judged otherwise."""

STATES: Final = ("init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup")

ROOM_KINDS: Final = ("call", "account", "stream")

INPUT_KINDS: Final = (
    "status",
    "open",
    "refresh",
    "close",
    "kill",
    "expire",
    "room_create",
    "room_update",
    "room_delete",
    "publish",
    "unpublish",
    "log_domains",
    "register",
)

FAMILIES: Final = (
    "notice",
    "connection_created",
    "connection_destroyed",
    "recv_created",
    "recv_destroyed",
    "send_created",
    "send_destroyed",
)

VERDICTS: Final = (
    "duplicate",
    "late",
    "after_close",
    "violation",
    "diagram",
    "exceptional",
    "steady",
    "notice",
    "restart",
    "teardown",
    "implied",
)

FACTS: Final = (
    "status_judged",
    "session_opened",
    "session_refreshed",
    "session_closed",
    "open_refused",
    "refresh_refused",
    "close_refused",
    "room_created",
    "room_updated",
    "room_deleted",
    "stream_published",
    "stream_unpublished",
    "domains_logged",
    "user_registered",
    "dead_letter",
    "ignored",
)

CLOSE_REASONS: Final = ("left", "expired", "killed", "replaced", "room_deleted")

UNPUBLISH_REASONS: Final = ("left", "expired", "cleared")
"""`cleared`: an administrator took it out of the directory."""
