"""Pages of allowed origins may use playback sessions and the stream directory; operators' paths are open to no page."""

import httpx
import pytest

from tests.ingest.serving import Served

ORIGIN, ELSEWHERE = "http://localhost:3000", "http://evil.example"
FOR_PAGES = [
    ("GET", "/users/ada/media_play_sessions"),
    ("PUT", "/api/v1/media/users/ada/media_play_sessions/tv"),
    ("PATCH", "/media_play_sessions/tv"),
    ("GET", "/api/v2/nothing"),
    ("GET", "/streammanager/api/2.0/event/live/demo?action=subscribe"),
    ("GET", "/streammanager/api/2.0/event/live/demo"),
]
NOT_FOR_PAGES = [("GET", "/manage/sessions"), ("POST", "/manage/sessions/delete"), ("POST", "/v1/inputs")]


def preflight(server: Served, method: str, path: str, origin: str) -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,content-type"}
    return server.http.options(path, headers={"Origin": origin, **asked})


@pytest.mark.parametrize(("method", "path"), FOR_PAGES)
def test_an_allowed_page_may_ask_and_read_errors_too(server: Served, method: str, path: str) -> None:
    said = preflight(server, method, path, ORIGIN)
    assert (said.status_code, said.content) == (204, b"")
    assert said.headers["access-control-allow-origin"] == ORIGIN
    assert method in said.headers["access-control-allow-methods"].split(",")
    assert said.headers["access-control-allow-headers"] == "authorization,content-type"
    reply = server.http.request(method, path, headers={"Origin": ORIGIN})
    assert reply.status_code >= 400
    assert (reply.headers["access-control-allow-origin"], reply.headers["vary"]) == (ORIGIN, "Origin")
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    ("method", "path", "origin"),
    [(*each, ELSEWHERE) for each in FOR_PAGES] + [(*each, ORIGIN) for each in NOT_FOR_PAGES],
)
def test_no_other_page_may(server: Served, method: str, path: str, origin: str) -> None:
    said = preflight(server, method, path, origin)
    assert said.status_code >= 400
    reply = server.http.request(method, path, headers={"Origin": origin})
    for each in (said, reply):
        assert not [name for name in each.headers if name.startswith("access-control")]
