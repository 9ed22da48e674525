"""Clients of the Loop contract, as far as a call needs them: a registered owner, and who joins as which kind.

The standalone client joins anonymously and then sends its session token as Basic user without a colon; the desktop
client is a Hawk user who signs every request and also sends the session token in the body. Source: contracts 2.2, 2.5
and 2.8.
"""

import base64
import json
from typing import Any, Final, Protocol

import httpx
from mohawk import Sender

from ingest.loop.users import credentials_of
from roomstate.refusals import CommandRefused

_JSON: Final = "application/json"
_CLIENT_MAX_SIZE: Final = 2
_ROOM_MAX_SIZE: Final = 2


class NoAnswer(CommandRefused):
    """Nothing answers where ingest should be, or it answers what makes going on pointless."""


async def posted(http: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """Send the request.

    Raises: NoAnswer.
    """
    try:
        return await http.send(request)
    except httpx.HTTPError as error:
        where = f"{request.url.scheme}://{request.url.netloc.decode()}"
        raise NoAnswer(
            f"{where} does not answer ({error or type(error).__name__}); start it with `roomstate up` or name another"
            " with --url"
        ) from error


class HawkUser:
    """A registered user."""

    def __init__(self, http: httpx.AsyncClient, session_token: str) -> None:
        self._http = http
        self._credentials = credentials_of(session_token)

    @classmethod
    async def registered(cls, http: httpx.AsyncClient) -> "HawkUser":
        """Register a new user.

        Raises: NoAnswer.
        """
        reply = await posted(http, http.build_request("POST", "/registration", json={}))
        if reply.status_code != httpx.codes.OK:
            raise NoAnswer(f"POST /registration is answered {reply.status_code}: {reply.text[:200]}")
        return cls(http, reply.headers["Hawk-Session-Token"])

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """Send a signed request.

        Raises: NoAnswer.
        """
        return await posted(self._http, self.signed(method, path, body))

    def signed(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Request:
        """Return a request that this user has signed; `path` may be a whole URL."""
        content = b"" if body is None else json.dumps(body).encode()
        content_type = "" if body is None else _JSON
        request = self._http.build_request(method, path, content=content or None)
        credentials = {"id": self._credentials.hawk_id, "key": self._credentials.key, "algorithm": "sha256"}
        sender = Sender(credentials, str(request.url), method, content=content, content_type=content_type)
        request.headers["Authorization"] = sender.request_header
        if content_type:
            request.headers["Content-Type"] = content_type
        return request

    async def create_room(self, name: str) -> str:
        """Create a room and return its token.

        Raises: NoAnswer.
        """
        body = {"roomName": name, "roomOwner": "owner of a recorded call", "maxSize": _ROOM_MAX_SIZE}
        reply = await self.send("POST", "/rooms", body)
        if reply.status_code != httpx.codes.CREATED:
            raise NoAnswer(f"POST /rooms is answered {reply.status_code}: {reply.text[:200]}")
        return str(reply.json()["roomToken"])

    async def delete_room(self, room: str) -> None:
        """Delete a room of this user."""
        await self.send("DELETE", f"/rooms/{room}")


class LoopClient(Protocol):
    """Somebody who may join one room and act in it."""

    async def act(self, action: str, members: dict[str, Any]) -> int:
        """Post an action with its members and return the code of the reply.

        Raises: NoAnswer.
        """


class StandaloneClient:
    """An anonymous link-clicker."""

    def __init__(self, http: httpx.AsyncClient, room: str) -> None:
        self._http = http
        self._path = f"/rooms/{room}"
        self._headers: dict[str, str] = {}

    async def act(self, action: str, members: dict[str, Any]) -> int:
        """Post an action; a join begins a new session, the old token is forgotten.

        Raises: NoAnswer.
        """
        if action == "join":
            self._headers = {}
        body = {"action": action, **_join_members(action, "guest"), **members}
        request = self._http.build_request("POST", self._path, json=body, headers=self._headers)
        reply = await posted(self._http, request)
        if action == "join" and reply.status_code == httpx.codes.OK:
            user = base64.b64encode(reply.json()["sessionToken"].encode()).decode()
            self._headers = {"Authorization": f"Basic {user}"}
        return reply.status_code


class DesktopClient:
    """The owner of the room, in a desktop browser."""

    def __init__(self, user: HawkUser, room: str) -> None:
        self._user = user
        self._path = f"/rooms/{room}"
        self._session: dict[str, str] = {}

    async def act(self, action: str, members: dict[str, Any]) -> int:
        """Post an action.

        Raises: NoAnswer.
        """
        body = {"action": action, **_join_members(action, "owner"), **self._session, **members}
        reply = await self._user.send("POST", self._path, body)
        if action == "join" and reply.status_code == httpx.codes.OK:
            self._session = {"sessionToken": reply.json()["sessionToken"]}
        return reply.status_code


def _join_members(action: str, name: str) -> dict[str, Any]:
    return {"displayName": name, "clientMaxSize": _CLIENT_MAX_SIZE} if action == "join" else {}
