"""Where a click leads: to a session's story, a room's story, or another dashboard at that moment.

Texts of clients stand in addresses percent-encoded, as Grafana's format of that name does it.
"""

from typing import Any, Final

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

ROOMS_NOW: Final = "roomstate-rooms-now"
CALL_QUALITY: Final = "roomstate-call-quality"
PROTOCOL: Final = "roomstate-protocol-health"
PLAYBACK: Final = "roomstate-playback-and-streams"
PIPELINE: Final = "roomstate-pipeline"
ROOM_STORY: Final = "roomstate-room-story"
SESSION_STORY: Final = "roomstate-session-story"

_STORE: Final = "${store:queryparam}"
_RANGE: Final = "${__url_time_range}"
_AROUND_ROW: Final = "time=${__value.time}&time.window=%d"


def _of_row(variable: str, column: str) -> str:
    return f"var-{variable}=${{__data.fields.{column}:percentencode}}"


def _link(title: str, board: str, *parts: str) -> dict[str, Any]:
    return {"title": title, "url": f"/d/{board}?{'&'.join((_STORE, *parts))}", "targetBlank": False}


def _when(window_s: int | None) -> str:
    return _RANGE if window_s is None else _AROUND_ROW % (1000 * window_s)


def links_of_column(column: str, window_s: int | None = None) -> DynamicConfigValue:
    """Return the link of a table's column: `session_id`, `room_id` or `user_agent`.

    window_s: look at so many seconds around the row's first time, instead of at the time range that is looked at now.
    """
    when = _when(window_s)
    room = (_of_row("room_kind", "room_kind"), _of_row("room", "room_id"))
    found = {
        "session_id": _link("This session's story", SESSION_STORY, when, _of_row("session", "session_id"), room[1]),
        "room_id": _link("This room's story", ROOM_STORY, when, *room),
        "user_agent": _link("Protocol health of this client", PROTOCOL, when, _of_row("user_agent", "user_agent")),
    }
    return DynamicConfigValue("links", [found[column]])


def room_of_kind(kind: str, window_s: int | None = None) -> DynamicConfigValue:
    """Return the link to the room's story of a column `room_id` in a table of rooms of one kind."""
    named = (f"var-room_kind={kind}", _of_row("room", "room_id"))
    return DynamicConfigValue("links", [_link("This room's story", ROOM_STORY, _when(window_s), *named)])


def at_this_moment(board: str, title: str, window_s: int = 600) -> dict[str, Any]:
    """Return the link of a point on a line: a dashboard, with the filters that are set, around that moment."""
    address = f"/d/{board}?{_AROUND_ROW % (1000 * window_s)}&${{__all_variables}}"
    return {"title": title, "url": address, "targetBlank": False}
