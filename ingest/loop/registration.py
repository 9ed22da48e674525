"""POST /registration: a new Hawk user.

Decided here, where the contract leaves it open: what the body says (push endpoints) is not looked at, for the service
behind them is gone; a registration with valid Hawk credentials is answered with an empty 200 and makes no second user.
Pages of other origins may read the token, as the original's Hawk library allowed. Source: contracts 2.2 and 2.11.
"""

from typing import Final

from ingest.loop.authentication import Authentication
from ingest.loop.replies import EMPTY, Reply
from ingest.loop.request import LoopRequest
from ingest.loop.users import HawkUsers

TOKEN_HEADER: Final = b"hawk-session-token"


class Registration:
    """Registers users."""

    def __init__(self, authentication: Authentication, users: HawkUsers) -> None:
        self._authentication = authentication
        self._users = users

    async def register(self, request: LoopRequest) -> Reply:
        """Return an empty 200; its header carries the new user's Hawk session token.

        Raises: LoopRefusal, Unanswered, StoreError.
        """
        if request.header(b"authorization"):
            await self._authentication.hawk_user(request)
            return EMPTY
        session_token = await self._users.register(request.now_ms)
        return Reply(
            200,
            headers=(
                (TOKEN_HEADER, session_token.encode()),
                (b"access-control-expose-headers", b"Hawk-Session-Token"),
            ),
        )
