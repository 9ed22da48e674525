"""How the session control says no: always the contract's own body, `{"status":"Error"}`. Source: contract 4.4."""

from typing import Final

from fastapi import Response

OK_BODY: Final = b'{"status":"Ok"}'
ERROR_BODY: Final = b'{"status":"Error"}'


class ControlRefusal(Exception):
    """A request that is not served, with the HTTP status that says why."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def json_response(body: bytes, status: int = 200) -> Response:
    """Return a JSON reply; one that says to come again says when."""
    headers = {"Retry-After": "1"} if status == 503 else None
    return Response(body, status, headers, "application/json")
