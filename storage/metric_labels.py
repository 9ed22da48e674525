"""The closed lists of values that labels of metrics take, where they are not the field's own words."""

from typing import Final

from state_machine.vocabulary import ROOM_KINDS
from storage.metric_kinds import Label

FAMILIES: Final = ("native", "loop", "playback", "control", "streams", "operation", "page")
"""The surfaces of ingest's HTTP interface."""
STATUS_CLASSES: Final = ("2xx", "3xx", "4xx", "5xx")
LOOP_STATUSES: Final = (200, 204, 400, 401, 404, 410, 503)
"""Those of room actions that are told by themselves."""
GATE_STATES: Final = ("open", "ajar", "trying", "shut")
STORE_TROUBLES: Final = ("unavailable", "refused", "late", "crowded")
LANES: Final = ("write", "read", "analyst", "own")
STATEMENTS: Final = ("rows", "insert", "command")
USERS: Final = ("roomstate", "analyst")
PLACES: Final = ("accepted", "stored", "dead_lettered", "pending")

ROOM_KIND: Final = Label("room_kind", ROOM_KINDS)
PARTITION: Final = Label("partition", (), "the partition's number")
