"""An operator's client of the session control."""

from typing import Any

import httpx

from ingest.control.authorization import signed_query
from tests.ingest.serving import Served

TOKEN = "example-token"


class Operator:
    """Lists and ends sessions over HTTP."""

    def __init__(self, server: Served) -> None:
        self.server = server

    def get(self, path: str = "sessions", **parameters: Any) -> httpx.Response:
        query = f"{signed_query('123456', TOKEN)}&{httpx.QueryParams(parameters)}"
        return self.server.http.get(f"/manage/{path}?{query}")

    def listed(self, **parameters: Any) -> list[dict[str, Any]]:
        reply = self.get(**parameters)
        assert reply.status_code == 200, reply.text
        found: list[dict[str, Any]] = reply.json()
        return found

    def delete(self, ids: Any, **options: Any) -> httpx.Response:
        return self.delete_raw(httpx.Request("POST", "http://x", json=ids).content, **options)

    def delete_raw(self, body: bytes, content_type: str = "application/json") -> httpx.Response:
        return self.server.http.post(
            f"/manage/sessions/delete?{signed_query('7', TOKEN)}", content=body, headers={"Content-Type": content_type}
        )

    def open(self, room: str, session: str, room_kind: str = "call", **members: Any) -> int:
        """Open a session by a native input and return its number."""
        item = {"kind": "open", "room_kind": room_kind, "room": room, "session": session, **members}
        reply = self.server.native(item, params={"wait": "decision"})
        assert reply.status_code == 200, reply.text
        (found,) = [each for each in self.listed(stream=room, details="true") if each["session"] == session]
        number: int = found["id"]
        return number
