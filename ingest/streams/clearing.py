"""DELETE /admin/event: streams leave the directory, each by an input of its own, answered once all are decided.

All entries are unpublished with reason `cleared`, in versions 1.0 and 2.0 always, from 3.x on with
`includeActive=true`. Otherwise only inactive ones go: those whose lease is over while their end is not written yet. For
them an `expire` is put in, so that one that was renewed meanwhile stays. Publishers notice nothing: who publishes again
is in the directory again. Source: contract 5.2 and 5.3; contract 8.13.
"""

import asyncio
import hmac
from collections.abc import Mapping
from typing import Any, Final

from pydantic import SecretStr

from ingest.commands import Commands, Placed, new_id
from ingest.lines import Line, placed
from ingest.streams.asked import DirectoryRefusal, Version, flag
from storage.clock import now_ms
from storage.publications import PublishedStream, published_streams
from storage.reading import Rows

_AT_ONCE: Final = 1_000


class Clearing:
    """Deletes the directory's entries for whoever has the administrator's token."""

    def __init__(self, store: Rows, commands: Commands, partitions: int, token: SecretStr | None) -> None:
        self._store = store
        self._commands = commands
        self._partitions = partitions
        self._token = token.get_secret_value().encode() if token is not None else b""

    async def clear(self, version: Version, query: Mapping[str, str]) -> dict[str, Any]:
        """Return how many entries were removed.

        Raises: DirectoryRefusal, StoreUnavailable, StoreRefused, Unanswered.
        """
        shown = query.get("accessToken", "").encode("utf-8", "surrogatepass")
        if not self._token or not hmac.compare_digest(shown, self._token):
            raise DirectoryRefusal(400, "show the administrator's token as accessToken")
        is_all = not version.has_additions or flag(query, "includeActive", is_default=False)
        now = now_ms()
        entries = [each for each in await published_streams(self._store) if is_all or each.lease_ends_at_ms <= now]
        lines = [self._line(each, now, is_all=is_all) for each in entries]
        count = 0
        for start in range(0, len(lines), _AT_ONCE):
            decisions = await self._commands.ask_all(lines[start : start + _AT_ONCE])
            count += sum(decision.fact == "stream_unpublished" for decision in decisions)
            await asyncio.sleep(0)
        return {"count": count, "timestamp": now_ms()}

    def _line(self, stream: PublishedStream, now: int, *, is_all: bool) -> Placed:
        kind, reason = ("unpublish", "cleared") if is_all else ("expire", "")
        line = Line(kind=kind, received_at_ms=now, room_kind="stream", room=stream.room, id=new_id(), reason=reason)
        return Placed(*placed(line, self._partitions), ("stream", stream.room, line.id))
