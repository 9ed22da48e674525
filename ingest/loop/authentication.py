"""Who sends a Loop request: a Hawk user, the anonymous holder of a session token, or nobody.

Source: contracts 2.2, 2.5 (step 2) and 2.11.
"""

from typing import NamedTuple

from ingest.directory import Directory
from ingest.loop.hawk import HawkGate, hawk_refusal
from ingest.loop.replies import INVALID_AUTH_TOKEN, LoopRefusal, error
from ingest.loop.request import LoopRequest
from ingest.tokens import SessionTokens
from storage.reading import LiveSession


class Caller(NamedTuple):
    """An authenticated sender: a Hawk user by hash, or the live session that a token names."""

    user: str
    session: LiveSession | None


class Authentication:
    """Finds out who sends a request."""

    def __init__(self, directory: Directory, tokens: SessionTokens, hawk: HawkGate) -> None:
        self._directory = directory
        self._tokens = tokens
        self._hawk = hawk

    async def caller(self, request: LoopRequest, room: str) -> Caller | None:
        """Return who sends the request to this room; None if it carries no credentials.

        Raises: LoopRefusal 400 or 401, StoreUnavailable.
        """
        header = request.header(b"authorization")
        if not header:
            return None
        scheme = header.split(b" ", 1)[0].lower()
        if scheme == b"basic":
            return Caller("", await self._session_of(header, room, request.now_ms))
        if scheme == b"hawk":
            return Caller(await self._hawk_user(request), None)
        raise error(401, INVALID_AUTH_TOKEN, "Unsupported", 'Basic,Hawk error="Unsupported"')

    async def hawk_user(self, request: LoopRequest) -> str:
        """Return the Hawk user's hash, on a route that takes nobody else.

        Raises: LoopRefusal 400 or 401, StoreUnavailable.
        """
        if request.header(b"authorization").split(b" ", 1)[0].lower() != b"hawk":
            raise hawk_refusal("")
        return await self._hawk_user(request)

    async def _hawk_user(self, request: LoopRequest) -> str:
        request.hawk = await self._hawk.verify(request.as_hawk())
        return request.hawk.user

    async def _session_of(self, header: bytes, room: str, now_ms: int) -> LiveSession:
        parts = header.split(b" ")
        if len(parts) != 2 or not parts[1]:
            raise error(401, INVALID_AUTH_TOKEN, "Unauthorized", "Basic")
        token = self._tokens.of_basic_header(header)
        if token is not None and token.room == room:
            live = await self._directory.session(room, token.session, now_ms)
            if live is not None:
                return live
        raise invalid_session_token()


def invalid_session_token() -> LoopRefusal:
    """Return the 401 for a session token that is forged, of another room, or whose session is over."""
    text = "Invalid token; it may have expired."
    return error(401, INVALID_AUTH_TOKEN, text, f'Basic error="{text}"')


def credentials_required() -> LoopRefusal:
    """Return the 401 for an action that needs credentials; it advertises `Token` as the original does."""
    return error(401, INVALID_AUTH_TOKEN, "Unauthorized", "Token,Hawk")
