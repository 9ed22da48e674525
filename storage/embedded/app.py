"""The door's ASGI application: which path is asked for, and by which method."""

from typing import Final

from storage.embedded.answers import Answer, Send
from storage.embedded.bodies import Receive
from storage.embedded.door import Door
from storage.embedded.door_requests import read_ask
from storage.embedded.exchange import READING_METHODS, Exchange, Scope
from storage.instruments import TEXT_TYPE

_PLAIN_PATHS: Final = frozenset({"/ping", "/replicas_status"})
_METHODS: Final = READING_METHODS | {"POST", "PUT"}


class DoorApp:
    """The ASGI application."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if scope["path"] in _PLAIN_PATHS:
            await Answer(send, {"content-type": "text/html; charset=UTF-8"}).whole(b"Ok.\n", "")
        elif scope["path"] == "/metrics":
            page = self._door.metrics.page()
            await Answer(send, {"content-type": TEXT_TYPE}).whole(page, "")
        elif scope["method"] not in _METHODS or scope["path"] not in {"", "/"}:
            await Answer(send, {"content-type": "text/plain"}).whole(b"There is no handle here\n", "", 404)
        else:
            await Exchange(self._door, read_ask(scope), receive, send).run(scope)
