"""The store's two users: `roomstate`, who may do everything, and `analyst`, who reads."""

import secrets
from dataclasses import dataclass
from typing import Final

from storage.embedded.engine_errors import AUTHENTICATION_FAILED, EngineError

WRITER_NAME: Final = "roomstate"
_ANALYST_NAMES: Final = frozenset({"", "analyst", "default"})
"""Clients send `default` when nobody told them a user."""


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    is_analyst: bool


class Users:
    """Knows the writing user's password; the reading user has none."""

    def __init__(self, writer_password: str) -> None:
        self._password = writer_password.encode()

    def authenticate(self, name: str, password: str) -> User:
        """Return the user.

        Raises: EngineError, the same for an unknown name as for a wrong password.
        """
        if name in _ANALYST_NAMES and not password:
            return User("analyst", is_analyst=True)
        if name == WRITER_NAME and secrets.compare_digest(password.encode(), self._password):
            return User(WRITER_NAME, is_analyst=False)
        raise EngineError(
            AUTHENTICATION_FAILED,
            f"{name}: Authentication failed: password is incorrect, or there is no user with such name.",
        )
