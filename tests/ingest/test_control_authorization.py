"""Who may use the session control: salt and hash as clients send them, and what everybody else is told."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from ingest.control.authorization import Authorization, salted_hash, signed_query
from ingest.control.refusals import ControlRefusal
from storage.sqlite_log import SqliteLog
from tests.ingest.controlled import TOKEN
from tests.ingest.serving import Served, served, settings_for

VECTORS = [
    ("123456", "WqknYl0D0IgnbPXVL/Mx+A=="),
    ("0", "x84C40aWOhdzRf8t9qHCZA=="),
    ("43", "S1BCgfGTKal/lZxJtPD+hA=="),
]
ROUTES = [("GET", "sessions"), ("POST", "sessions/delete"), ("GET", "server_status")]


@pytest.fixture(scope="module", params=["unset", TOKEN])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Ingest with that token; its store is out of reach, so who gets in gets a 503."""
    folder: Path = tmp_path_factory.mktemp("control")
    token = {} if request.param == "unset" else {"management_token": request.param}
    log = SqliteLog(folder / "log.db", 4)
    with served(settings_for(folder, **token), log) as running:
        yield running
    log.close()


def answer(server: Served, method: str, path: str, query: str) -> httpx.Response:
    reply = server.http.request(method, f"/manage/{path}?{query}", content=b"[4]" if method == "POST" else None)
    assert reply.json() == {"status": "Error"}
    return reply


@pytest.mark.parametrize(("salt", "shown"), VECTORS)
def test_the_hash_is_the_contracts(salt: str, shown: str) -> None:
    assert salted_hash(salt.encode(), TOKEN.encode()).decode() == shown


@pytest.mark.parametrize(("salt", "shown"), VECTORS)
@pytest.mark.parametrize("spelling", ["raw", "encoded", "blank"])
def test_a_hash_is_taken_however_it_is_spelled(salt: str, shown: str, spelling: str) -> None:
    spelled = {"raw": shown, "encoded": quote(shown, safe=""), "blank": shown.replace("+", "%20")}[spelling]
    Authorization(TOKEN).check(f"salt={salt}&hash={spelled}".encode())


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_who_fits_gets_in_and_an_outage_says_to_come_again(server: Served, method: str, path: str) -> None:
    is_on = server.edge.settings.management_token is not None
    reply = answer(server, method, path, signed_query("5", TOKEN))
    assert reply.status_code == (503 if is_on else 404)
    assert reply.headers.get("Retry-After") == ("1" if is_on else None)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "query",
    [
        "",
        "salt=123456",
        "hash=WqknYl0D0IgnbPXVL/Mx+A==",
        "salt=&hash=WqknYl0D0IgnbPXVL/Mx+A==",
        "salt=123457&hash=WqknYl0D0IgnbPXVL/Mx+A==",
        "salt=123456&hash=WqknYl0D0IgnbPXVL/Mx+B==",
        "salt=123456&hash=WqknYl0D0IgnbPXVL/Mx",
        "salt=%FF&hash=%FF%00",
        "salt=123456&hash=5aa927625d03d088276cf5d52ff331f8",
        signed_query("5", "another-token"),
        signed_query("5", ""),
    ],
)
def test_who_does_not_fit_is_told_nothing(server: Served, method: str, path: str, query: str) -> None:
    is_on = server.edge.settings.management_token is not None
    assert answer(server, method, path, query).status_code == (403 if is_on else 404)


def test_without_a_password_nothing_fits() -> None:
    with pytest.raises(ControlRefusal) as refused:
        Authorization("").check(signed_query("5", "").encode())
    assert refused.value.status == 404


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("POST", "sessions", 405, "GET"),
        ("DELETE", "sessions", 405, "GET"),
        ("OPTIONS", "sessions", 405, "GET"),
        ("GET", "sessions/delete", 405, "POST"),
        ("TRACE", "sessions/delete", 405, "POST"),
        ("GET", "live_streams_status", 404, None),
        ("GET", "sessions/4", 404, None),
        ("GET", "sessions%0a4", 404, None),
        ("GET", "", 404, None),
    ],
)
def test_what_is_not_there_is_told_in_the_same_form(
    server: Served, method: str, path: str, status: int, allowed: str | None
) -> None:
    reply = answer(server, method, path, signed_query("5", TOKEN))
    assert (reply.status_code, reply.headers.get("Allow")) == (status, allowed)


def test_the_path_above_is_not_there_either(server: Served) -> None:
    reply = server.http.get(f"/manage?{signed_query('5', TOKEN)}")
    assert (reply.status_code, reply.json()) == (404, {"status": "Error"})
