"""*Room story* and *Session story*: where a click on a room or a session leads."""

from dashboards.grafana import glances, tables
from dashboards.grafana.boards import Board
from dashboards.grafana.links import ROOM_STORY, SESSION_STORY
from dashboards.grafana.palette import VERDICTS
from dashboards.grafana.variables import typed


def room() -> Board:
    """Return the dashboard of one room."""
    return Board(
        uid=ROOM_STORY,
        title="Room story",
        meaning="Everybody in one room, state by state, and every fact of it in order.",
        refresh="",
        choices={"room": lambda: typed("room", "Room")},
        at_a_glance=[tables.lanes("room_story", title="States, a lane a session")],
        rows={
            "Facts": [
                tables.rows(
                    "room_story",
                    links=("session_id", "user_agent"),
                    colours=("prev_state", "state", "verdict"),
                    hidden=("room_kind", "room_id", "log_partition", "log_index", "fact_index"),
                    size=(24, 14),
                )
            ],
            "The room": [
                tables.rows(
                    "room_as_of",
                    title="Who was there at the end of the time range",
                    links=("session_id",),
                    colours=("state",),
                    size=(24, 7),
                ),
                tables.rows("room_sessions", links=("session_id",), colours=("state",), size=(24, 7)),
                tables.rows("rooms", title="What became of it", names={"two_way_ms": "two-way"}, size=(16, 7)),
                glances.bars("verdicts", "verdict", "updates", VERDICTS, size=(8, 7)),
            ],
        },
    )


def session() -> Board:
    """Return the dashboard of one session."""
    return Board(
        uid=SESSION_STORY,
        title="Session story",
        meaning="Every fact of one session, in the order in which they were decided, whenever that was.",
        refresh="",
        choices={"room": lambda: typed("room", "Room")},
        at_a_glance=[tables.lanes("session_story", title="States, in the time range", size=(24, 6))],
        rows={
            "Facts": [
                tables.rows(
                    "session_story",
                    links=("room_id", "user_agent"),
                    around_row=True,
                    colours=("prev_state", "state", "verdict"),
                    hidden=("log_partition", "log_index", "fact_index"),
                    size=(24, 18),
                )
            ]
        },
    )
