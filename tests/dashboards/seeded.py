"""Rows of an afternoon and of right now, made by hand: calls, playback, streams, and what goes wrong in them."""

from dataclasses import dataclass, replace
from typing import Any

from tests.dashboards.like_grafana import Looking, answer
from tests.fixtures_store import EmbeddedStore
from tests.storage.rows_builder import Row, Story, a_row

MINUTE_MS = 60_000
AGENT = 'Mozilla/5.0 (X11; \\Linux\' "x")'
"""With everything that ends a text somewhere."""
HERE = 'it\'s \\ "here"'
"""A room."""


@dataclass(frozen=True)
class Seeded:
    """A store with data in it, and somebody who looks at it."""

    store: EmbeddedStore
    database: str
    looking: Looking
    now_ms: int

    def choosing(self, **chosen: str) -> Looking:
        """Return somebody who has chosen something else."""
        return replace(self.looking, chosen={**self.looking.chosen, **chosen})

    def rows(self, sql: str, looking: Looking | None = None) -> list[dict[str, Any]]:
        """Return the rows of SQL with macros, by column."""
        columns, rows = answer(self.store, self.database, (looking or self.looking).expanded(sql))
        return [dict(zip(columns, row, strict=True)) for row in rows]


def an_afternoon(now_ms: int) -> list[Row]:
    """Return calls, playback sessions and a stream of the last two hours, all over, in one partition."""
    story = Story(100, judged_at_ms=now_ms - 60 * MINUTE_MS)
    for number in range(12):
        begun = now_ms - (110 - number) * MINUTE_MS
        stay = story.open(f"c{number}", begun, begun + 300_000, room_id=f"call {number % 3}", user_id=f"u{number % 3}")
        stay.status(begun + 300, "waiting", 1, 0, 0, user_agent=AGENT)
        stay.status(begun + 900, "starting", 2, 0, 0, user_agent=AGENT)
        stay.status(begun + 1500, "sending", 2, 1, 0, user_agent=AGENT, event="Publisher.streamCreated")
        if number % 4 == 0:
            bad = {"verdict": "violation", "reason": "state_disagrees", "moved": False}
            stay.status(begun + 1800, "init", 2, 1, 1, user_agent=AGENT, **bad)
        if number % 3:
            stay.status(begun + 2500, "sendrecv", 2, 1, 1, user_agent=AGENT, event="Session.streamCreated")
        stay.close(begun + 40_000, "expired" if number % 5 == 0 else "left")
    story.dead_letter(now_ms - 50 * MINUTE_MS, "not_json", '{"base64": "YQ==", "bytes": 1, "detail": "no JSON"}')
    for number, reason in enumerate(("left", "expired", "replaced", "killed")):
        begun = now_ms - (40 - number) * MINUTE_MS
        story.open(f"p{number}", begun, room_id="account 1", room_kind="account", device_type="tv").close(
            begun + 5000, reason
        )
    denied = {"at": now_ms - 30 * MINUTE_MS, "received_at": now_ms - 30 * MINUTE_MS}
    for kind, reason in (("account", "playback_limit"), ("call", "room_full")):
        story.add(a_row(kind="open", fact="open_refused", reason=reason, room_kind=kind, room_id=f"{kind} 1", **denied))
    return story.rows


def live_rows(now_ms: int) -> list[Row]:
    """Return people who are there now, in a partition of their own, and a stream that is on."""
    story = Story(101, judged_at_ms=now_ms)
    begun, ends = now_ms - 10 * MINUTE_MS, now_ms + 60 * MINUTE_MS
    stay = story.open("here", begun, ends, room_id=HERE)
    stay.status(begun + 1000, "waiting", 1, 0, 0, user_agent=AGENT)
    stay.status(begun + 2000, "sending", 2, 1, 0, user_agent=AGENT, event="Publisher.streamCreated")
    stuck = story.open("stuck", begun, ends, room_id=HERE)
    stuck.status(begun + 1000, "starting", 2, 0, 0, user_agent=AGENT)
    story.open("tv", begun, ends, room_id="account 1", room_kind="account", device_type="tv", service="films")
    story.open("fan", begun, ends, room_id="concert", room_kind="stream")
    published = {"at": begun, "received_at": begun, "room_kind": "stream", "room_id": "concert"}
    extra = f'{{"node": "n1", "region": "eu", "started_at_ms": {begun}, "lease_ends_at_ms": 0}}'
    story.add(a_row(kind="publish", fact="stream_published", extra=extra, **published))
    return story.rows
