"""Requests to the embedded store as they are on the wire, without any client's help."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from tests.fixtures_store import EmbeddedStore


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


def ask(
    store: EmbeddedStore,
    sql: str | bytes,
    options: Mapping[str, object] | None = None,
    *,
    writer: bool = False,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    query: str | None = None,
) -> Reply:
    """Send a statement as the body, with options in the URL; `query` goes into the URL too."""
    sent = dict(headers or {})
    if writer:
        sent |= {"X-ClickHouse-User": "roomstate", "X-ClickHouse-Key": store.password}
    url_options = {name: str(value) for name, value in (options or {}).items()}
    if query is not None:
        url_options["query"] = query
    with httpx.Client(timeout=60) as client:
        body = sql.encode() if isinstance(sql, str) else sql
        request = client.build_request(method, store.base_url, params=url_options, headers=sent, content=body)
        if "accept-encoding" not in {name.lower() for name in sent}:
            del request.headers["accept-encoding"]
        reply = client.send(request, stream=True)
        raw = b"".join(reply.iter_raw())
    return Reply(reply.status_code, reply.headers, raw)
