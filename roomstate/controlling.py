"""`roomstate sessions` and `roomstate kill`: a client of the session control, and what it shows."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import msgspec
from rich.table import Table
from rich.text import Text

from ingest.control.authorization import signed_query
from roomstate.refusals import CommandRefused
from storage.settings import Settings

_TIMEOUT_S: Final = 30.0
_COLUMNS: Final = ("id", "kind", "room", "session", "user", "app", "type", "since", "seen", "address")
_WHY: Final = {
    403: "it has another ROOMSTATE_MANAGEMENT_TOKEN",
    404: "its session control is off: start it with ROOMSTATE_MANAGEMENT_TOKEN",
    413: "these are too many ids for one call",
    503: "its log, processor or store is away; try again",
}


class SessionControl:
    """The session control of a running ingest."""

    def __init__(self, url: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._password = password

    def sessions(self, filters: Mapping[str, str]) -> bytes:
        """Return the JSON array of the live sessions that fit.

        Raises: CommandRefused.
        """
        return self._answer("GET", "sessions", {**filters, "details": "true"})

    def kill(self, numbers: Collection[int]) -> int:
        """End the sessions and return how many of them were live before.

        Raises: CommandRefused.
        """
        live = {session["id"] for session in msgspec.json.decode(self.sessions({}))}
        answer = self._answer("POST", "sessions/delete", {}, msgspec.json.encode(sorted(set(numbers))))
        if msgspec.json.decode(answer) != {"status": "Ok"}:
            raise CommandRefused(f"{self._url} did not take the ids")
        return len(live.intersection(numbers))

    def _answer(self, method: str, path: str, parameters: Mapping[str, str], body: bytes = b"") -> bytes:
        query = signed_query(str(secrets.randbelow(1_000_000)), self._password)
        url = f"{self._url}/manage/{path}?{query}&{httpx.QueryParams(dict(parameters))}"
        try:
            reply = httpx.request(method, url, content=body, timeout=_TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise CommandRefused(
                f"nobody answers at {self._url} ({type(error).__name__}); is ingest running?"
            ) from error
        if reply.status_code != 200:
            raise CommandRefused(f"{self._url}: {_WHY.get(reply.status_code, f'it answers {reply.status_code}')}")
        return reply.content


def control_of(settings: Settings, url: str) -> SessionControl:
    """Return the session control at the URL.

    Raises: CommandRefused if no password is set.
    """
    if settings.management_token is None:
        raise CommandRefused("set ROOMSTATE_MANAGEMENT_TOKEN to the password of the running ingest's session control")
    return SessionControl(url, settings.management_token.get_secret_value())


def sessions_table(sessions: Sequence[Mapping[str, Any]]) -> Table:
    """Return the sessions as a table."""
    table = Table(header_style="bold")
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name == "id" else "left", overflow="fold")
    for session in sessions:
        table.add_row(*(Text(_printable(value)) for value in _row(session)))
    return table


def _row(session: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("id", "room_kind", "stream", "session", "user", "app", "type")
    times = (_time(session["created"]), _time(session["last_access"]))
    return (*(str(session[name]) for name in names), *times, session["client_ip"])


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in text)
