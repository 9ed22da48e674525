"""The contract's space of paths, and CORS: contracts 2.1, 2.10 and 2.11."""

import httpx
import pytest

from ingest.loop.surface import loop_path
from tests.ingest.serving import STATUS, Guest, Served

ORIGIN = "http://localhost:3000"


@pytest.mark.parametrize("path", ["/nothing", "/rooms/a/b", "/call-url", "/v1x/rooms", "/registration/x"])
def test_an_unknown_path_is_sent_to_the_prefix_once(server: Served, path: str) -> None:
    reply = server.http.get(f"{path}?a=1")
    assert (reply.status_code, reply.headers["Location"]) == (307, f"/v0{path}")
    again = server.http.get(reply.headers["Location"])
    assert (again.status_code, again.json()) == (404, {"code": 404, "errno": 999, "error": "Resource not found."})


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/manage/sessions", "/streammanager/api", "/users/x", "/api/v1", "/v1"]
)
def test_the_other_surfaces_answer_for_themselves(server: Served, path: str) -> None:
    reply = server.http.get(path)
    assert reply.status_code == 404
    assert "errno" not in reply.json()


def test_a_wrong_method_is_an_unknown_path(server: Served, room: str) -> None:
    assert server.http.put(f"/rooms/{room}").status_code == 307
    assert server.http.put(f"/v0/rooms/{room}").status_code == 404


@pytest.mark.parametrize(
    ("path", "method", "canonical"),
    [
        ("/rooms", "POST", "/rooms"),
        ("/Rooms/", "POST", "/rooms"),
        ("/v0/rooms/AbC", "GET", "/rooms/AbC"),
        ("/V0/REGISTRATION/", "POST", "/registration"),
        ("/rooms/", "GET", "/rooms"),
        ("//rooms", "POST", None),
        ("/v0", "GET", ""),
        ("/v0/", "GET", ""),
        ("/", "GET", None),
        ("/metrics", "GET", None),
        ("/METRICS", "GET", None),
    ],
)
def test_paths_are_recognised(path: str, method: str, canonical: str | None) -> None:
    found = loop_path(path, method)
    assert (found and found.path) == canonical


def test_a_preflight_from_an_allowed_origin_is_answered_before_routing(server: Served) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Headers": "authorization,content-type"}
    for path in ("/rooms/nosuchroom0", "/no/such/path", "/v0/rooms"):
        reply = server.http.options(path, headers=headers)
        assert (reply.status_code, reply.content) == (204, b"")
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert reply.headers["Vary"] == "Origin"
        assert reply.headers["Access-Control-Allow-Methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
        assert reply.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
        assert "Access-Control-Allow-Credentials" not in reply.headers


def test_a_preflight_from_elsewhere_gets_a_list_of_methods(server: Served, room: str) -> None:
    reply = server.http.options(f"/rooms/{room}", headers={"Origin": "http://evil.example"})
    assert reply.status_code == 200
    assert "POST" in reply.headers["Allow"]
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {}])
def test_a_preflight_from_elsewhere_to_an_unknown_path_is_sent_on(server: Served, headers: dict[str, str]) -> None:
    reply = server.http.options("/nope", headers=headers)
    assert (reply.status_code, reply.headers["Location"]) == (307, "/v0/nope")


def assert_open_to(reply: httpx.Response, origin: str | None) -> None:
    assert reply.headers.get("Access-Control-Allow-Origin") == origin
    assert reply.headers.get("Vary") == (None if origin is None else "Origin")


def test_replies_to_an_allowed_origin_are_open_to_it_errors_too(guest: Guest) -> None:
    guest.headers["Origin"] = ORIGIN
    assert_open_to(guest.status(), ORIGIN)
    assert_open_to(guest.status(connections=-1), ORIGIN)
    assert_open_to(guest.act(action="refresh"), ORIGIN)
    assert_open_to(guest.server.http.get("/nothing", headers={"Origin": ORIGIN}), ORIGIN)
    assert_open_to(guest.server.http.post("/rooms", headers={"Origin": ORIGIN}), ORIGIN)


def test_a_request_from_elsewhere_is_executed_and_its_reply_closed(guest: Guest) -> None:
    guest.headers["Origin"] = "http://evil.example"
    reply = guest.status()
    assert reply.status_code == 204
    assert_open_to(reply, None)


def test_without_an_origin_there_are_no_headers(guest: Guest) -> None:
    assert_open_to(guest.status(), None)
    assert guest.act(**STATUS).status_code == 204
