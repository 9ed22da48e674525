"""A status against the snapshot before it: the verdicts of design section 4, one after the other."""

from tests.truth.told import Snapshot

COUNTERS_MAX = 2**32 - 1
STATES = ["init", "waiting", "starting", "sending", "receiving", "sendrecv", "cleanup"]

# What an event says of connections, send streams and receive streams.
EVENTS = {
    "session.connectioncreated": ("connection_created", 1, 0, 0),
    "session.connectiondestroyed": ("connection_destroyed", -1, 0, 0),
    "session.streamcreated": ("recv_created", 0, 0, 1),
    "session.av.streamcreated": ("recv_created", 0, 0, 1),
    "session.screen.streamcreated": ("recv_created", 0, 0, 1),
    "session.streamdestroyed": ("recv_destroyed", 0, 0, -1),
    "session.av.streamdestroyed": ("recv_destroyed", 0, 0, -1),
    "session.screen.streamdestroyed": ("recv_destroyed", 0, 0, -1),
    "publisher.streamcreated": ("send_created", 0, 1, 0),
    "publisher.streamdestroyed": ("send_destroyed", 0, -1, 0),
}

# The wiki's table: from, event, to; what a guard asks is in `_guarded`.
DIAGRAM = [
    "",
    "init connection_created waiting",
    "waiting connection_created starting",
    "waiting connection_destroyed init",
    "starting recv_created receiving",
    "starting send_created sending",
    "receiving send_created sendrecv",
    "sending recv_created sendrecv",
    "sendrecv send_destroyed receiving",
    "sendrecv recv_destroyed sending",
    "sending send_destroyed cleanup",
    "receiving recv_destroyed cleanup",
    "cleanup connection_destroyed waiting",
    "",
]


def told_by(event: str) -> tuple[str, int, int, int]:
    """Return the event's family and what it says of the counters."""
    return EVENTS.get(event.lower(), ("notice", 0, 0, 0))


def judged(before: Snapshot, event: str, now: Snapshot) -> tuple[str, str, bool]:
    """Return verdict, reason and whether the snapshot moves."""
    family, connections, sends, receives = told_by(event)
    counters = [now.connections, now.send_streams, now.recv_streams]
    were = [before.connections, before.send_streams, before.recv_streams]
    as_said = counters == [were[0] + connections, were[1] + sends, were[2] + receives]
    if now.state not in STATES:
        return "violation", "unknown_state", False
    if as_said and f"{before.state} {family} {now.state}" in DIAGRAM and _guarded(before.state, family, now):
        return "diagram", "", True
    had_media = before.state in ("starting", "sending", "receiving", "sendrecv")
    if as_said and had_media and family == "connection_destroyed" and now.state == "waiting":
        return "exceptional", "", True
    if as_said and now.state == before.state:
        return ("notice" if family == "notice" else "steady"), "", True
    were_any = were != [0, 0, 0]
    if family == "connection_created" and counters == [1, 0, 0] and now.state in ("waiting", "starting") and were_any:
        return "restart", "", True
    without_media = now.state in ("init", "waiting", "starting", "cleanup")
    if family == "notice" and counters == [0, 0, 0] and without_media and were_any:
        return "teardown", "", True
    if not _agrees(now):
        return "violation", "state_disagrees", False
    return ("implied", "", True) if as_said else ("violation", "counter_jump", True)


def _guarded(state: str, family: str, now: Snapshot) -> bool:
    if state == "cleanup":
        return now.connections == 1
    if family == "send_destroyed":
        return now.send_streams == 0
    if family == "recv_destroyed":
        return now.recv_streams == 0
    return True


def _agrees(now: Snapshot) -> bool:
    if now.send_streams > 0 and now.recv_streams > 0:
        return now.state == "sendrecv"
    if now.send_streams > 0:
        return now.state == "sending"
    if now.recv_streams > 0:
        return now.state == "receiving"
    return now.state in ("init", "waiting", "starting", "cleanup")
