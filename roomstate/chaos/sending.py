"""How the load's clients speak HTTP: to any of the ingest processes, without ever repeating a request by themselves."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Final

import httpx

from roomstate.chaos.witness import Answer, Post

_TIMEOUT_S: Final = 4.0
_CONNECTIONS: Final = 24
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Sender:
    """One pool of connections; to be closed."""

    def __init__(self, urls: Sequence[str], random: Random) -> None:
        self._urls = urls
        self._random = random
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        self._http = httpx.AsyncClient(timeout=_TIMEOUT_S, limits=limits)

    @property
    def http(self) -> httpx.AsyncClient:
        """The client, for whoever signs requests."""
        return self._http

    def url(self) -> str:
        """Return where one of the ingest processes answers."""
        return self._random.choice(self._urls)

    async def sent(self, request: httpx.Request, posts: Sequence[Post]) -> httpx.Response | None:
        """Return the reply; without one it is noted why, and None returned."""
        try:
            return await self._http.send(request)
        except _NEVER_SENT as error:
            for post in posts:
                post.answered(Answer.REFUSED, f"no connection: {error}")
        except httpx.TransportError as error:
            for post in posts:
                post.answered(Answer.UNKNOWN, f"{type(error).__name__} {error}")
        return None

    def request(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> httpx.Request:
        """Return a request with a JSON body."""
        return self._http.build_request(method, url, headers=dict(headers), json=body)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()
