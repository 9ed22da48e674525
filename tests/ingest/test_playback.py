"""Contract 1 as clients see it: every operation on both path forms, the limit, and the errors' one form."""

import re
import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from storage.clock import now_ms
from tests.fixtures_store import EmbeddedStore
from tests.ingest.players import ROOT, Player, bearer, kill, playback, token
from tests.ingest.serving import Served

PREFIXES = ["", ROOT]


@pytest.fixture(scope="module")
def server(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with playback(tmp_path_factory.mktemp("playback"), embedded_store) as running:
        yield running


@pytest.fixture
def player(server: Served) -> Player:
    """Somebody new."""
    return Player(server.http, f"user-{uuid.uuid4().hex[:8]}")


def refusal(reply: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error's body, which has the contract's form."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    body: dict[str, Any] = reply.json()
    assert set(body) - {"sessions"} == {"id", "code", "title", "details"}
    assert type(body["id"]) is int
    assert 0 <= body["id"] < 1 << 53
    assert re.fullmatch("[0-9a-f]{7}", body["code"])
    return body


@pytest.mark.parametrize("prefix", PREFIXES)
def test_create_answers_the_session_and_index_lists_it(server: Served, prefix: str) -> None:
    player = Player(server.http, f"{uuid.uuid4()}", prefix)
    assert player.ask("GET", player.all).json() == {"data": []}
    before = now_ms() // 1000
    reply = player.start()
    assert reply.status_code == 201
    (session,) = reply.json()["data"]
    assert session["type"] == "MediaPlaySession"
    assert str(uuid.UUID(session["id"])) == session["id"]
    attributes = session["attributes"]
    assert before <= attributes["play_started_timestamp"] == attributes["last_updated_timestamp"] <= now_ms() // 1000
    assert (attributes["service"], attributes["device_type"], attributes["ip4_address"]) == ("live", "stb", "127.0.0.1")
    assert player.ask("GET", player.all).json() == {"data": [session]}


BODIES = [
    {"data": {"type": "MediaPlaySession", "attributes": {"device_type": "tv", "service": "vod", "new": 1}}},
    {"data": [{"attributes": {"device_type": "tv", "service": "vod"}}]},
    {"device_type": "tv", "service": "vod", "whatever": [1]},
]


@pytest.mark.parametrize("body", BODIES)
def test_a_body_may_be_wrapped_or_flat(player: Player, body: Any) -> None:
    (session,) = player.ask("POST", player.all, body).json()["data"]
    assert (session["attributes"]["device_type"], session["attributes"]["service"]) == ("tv", "vod")


def test_a_body_counts_whatever_its_content_type_and_none_is_fine(player: Player) -> None:
    form = {**player.headers, "Content-Type": "application/x-www-form-urlencoded"}
    reply = player.http.post(player.all, content=b'{"device_type": "tv"}', headers=form)
    assert reply.json()["data"][0]["attributes"]["device_type"] == "tv"
    reply = player.http.post(player.all, headers=player.headers)
    assert reply.json()["data"][0]["attributes"]["device_type"] == ""


@pytest.mark.parametrize("form", ["all", "short"])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_keep_alive_and_delete_on_both_path_forms(server: Served, prefix: str, form: str) -> None:
    player = Player(server.http, f"{uuid.uuid4()}", prefix)
    session = player.started()
    path = f"{getattr(player, form)}/{session}"
    stored = player.ask("GET", player.all).json()["data"][0]["attributes"]
    while now_ms() // 1000 <= stored["last_updated_timestamp"]:
        time.sleep(0.05)
    reply = player.ask("PATCH", path, {"last_updated_timestamp": 5, "device_type": "mobile"})
    assert reply.status_code == 200
    (kept,) = reply.json()["data"]
    assert kept["id"] == session
    assert kept["attributes"].pop("last_updated_timestamp") > stored.pop("last_updated_timestamp")
    assert kept["attributes"] == stored
    gone = player.ask("DELETE", path)
    assert (gone.status_code, gone.content, "content-type" in gone.headers) == (204, b"", False)
    assert player.playing() == []
    for method in ("PATCH", "DELETE"):
        assert refusal(player.ask(method, path), 404)["title"] == "Not found"


def test_upsert_opens_then_keeps_alive(player: Player) -> None:
    assert player.put("my-own id ").status_code == 201
    reply = player.put("my-own id", {"service": "live"})
    assert (reply.status_code, reply.json()["data"][0]["id"]) == (200, "my-own id")
    assert player.playing() == ["my-own id"]


def test_upsert_of_another_device_type_conflicts_and_without_one_never_does(player: Player) -> None:
    session = str(uuid.uuid4())
    player.put(session, {"device_type": "stb"})
    assert refusal(player.put(session, {"device_type": "tv"}), 409)["title"] == "Conflict"
    for body in (None, {}, {"device_type": "stb"}, {"device_type": None}):
        assert player.put(session, body).status_code == 200


def test_upsert_of_a_strangers_id_is_as_unknown(server: Served, player: Player) -> None:
    session = Player(server.http, f"{uuid.uuid4()}").started()
    unknown = refusal(player.ask("PATCH", f"{player.all}/{uuid.uuid4()}"), 404)
    for body in (None, {"device_type": "tv"}):
        foreign = refusal(player.put(session, body), 404)
        assert {**foreign, "id": 0} == {**unknown, "id": 0}
    assert player.playing() == []


def test_an_id_is_free_again_once_the_stranger_has_ended(server: Served, player: Player) -> None:
    stranger = Player(server.http, f"{uuid.uuid4()}")
    session = stranger.started()
    stranger.ask("DELETE", f"{stranger.short}/{session}")
    assert player.put(session).status_code == 201


def test_at_the_limit_the_body_says_what_plays_where_since_when(server: Served, player: Player) -> None:
    first = player.started()
    second = player.put("tv in the den", {"device_type": "stb", "service": "vod", "user_agent": "Set Top Box"})
    assert second.status_code == 201
    other = player.started("mobile")
    body = refusal(player.start(), 403)
    assert list(body)[:4] == ["id", "code", "title", "details"]
    assert (body["code"], body["title"]) == ("df1e80a", "Too many sessions")
    assert body["sessions"] == [first, "tv in the den"]
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    assert re.search(rf"vod on Set Top Box at 127.0.0.1 {since} \(tv in the den\)", body["details"])
    assert re.search(rf"live on python-httpx/\S+ at 127.0.0.1 {since} \({first}\)", body["details"])
    assert other not in body["details"]
    assert refusal(player.put("another", {"device_type": "stb"}), 403)["id"] != body["id"]
    assert player.playing() == [first, "tv in the den", other]


def test_replace_ends_one_and_opens_one(player: Player) -> None:
    first, second = player.started(), player.started()
    third = player.started(replace=first)
    assert player.playing() == [second, third]
    fourth = player.started(replace="oldest")
    assert player.playing() == [third, fourth]
    assert player.put("mine", {"device_type": "stb"}, replace=third).status_code == 201
    assert player.playing() == [fourth, "mine"]
    assert refusal(player.start(replace="nobody"), 403)["sessions"] == [fourth, "mine"]


def test_a_native_opening_counts_and_replaces_as_well(server: Served, player: Player) -> None:
    first, second = player.started(), player.started()
    opening = {"kind": "open", "room_kind": "account", "room": player.user, "session": f"native {player.user}"}
    opening |= {"device_type": "stb", "id": "1"}
    for members, fact in (({}, "open_refused"), ({"id": "2", "replace": first}, "session_opened")):
        reply = server.native({**opening, **members}, params={"wait": "decision"})
        assert reply.json()["decisions"][0]["fact"] == fact
    assert player.playing() == [second, f"native {player.user}"]


def test_head_tells_as_much_as_get_without_the_body(player: Player) -> None:
    player.started()
    got, head = player.ask("GET", player.all), player.ask("HEAD", player.all)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_who_was_replaced_hears_so_until_the_lease_would_have_ended(player: Player) -> None:
    player.put("old", {"device_type": "stb"})
    player.started(replace="old")
    for reply in (player.ask("PATCH", f"{player.all}/old"), player.put("old")):
        assert refusal(reply, 403)["title"] == "Session replaced"
    assert refusal(player.ask("DELETE", f"{player.all}/old"), 404)["title"] == "Not found"


def test_who_was_killed_hears_so_and_strangers_do_not(server: Served, player: Player) -> None:
    session = player.started()
    kill(server, player.user, session)
    for path in (player.all, player.short):
        assert refusal(player.ask("PATCH", f"{path}/{session}"), 403)["title"] == "Session ended"
    assert refusal(player.put(session), 403)["title"] == "Session ended"
    stranger = Player(server.http, "a stranger")
    assert refusal(stranger.ask("PATCH", f"{stranger.short}/{session}"), 404)["title"] == "Not found"
    assert player.started()


FOREIGN = [("GET", ""), ("POST", ""), ("PUT", "/{}"), ("PATCH", "/{}"), ("DELETE", "/{}")]


@pytest.mark.parametrize(("method", "rest"), FOREIGN)
def test_another_users_account_is_not_there(server: Served, player: Player, method: str, rest: str) -> None:
    owner = Player(server.http, f"{uuid.uuid4()}")
    session = owner.started()
    assert refusal(player.ask(method, owner.all + rest.format(session)), 404)["title"] == "Not found"
    assert owner.playing() == [session]


@pytest.mark.parametrize(("method", "rest"), FOREIGN)
def test_without_a_token_nothing_is_told(server: Served, player: Player, method: str, rest: str) -> None:
    reply = server.http.request(method, player.all + rest)
    assert refusal(reply, 401)["title"] == "Not authenticated"
    assert reply.headers["www-authenticate"].startswith("Bearer")


WRONG = [
    b"{",
    b"[]",
    b'"stb"',
    b"\xff",
    b'{"device_type": 7}',
    b'{"data": 7}',
    b'{"data": []}',
    b'{"data": {"attributes": []}}',
]
WRONG += [b'{"service": "' + b"x" * 201 + b'"}', b"[" * 60_000, b'{"device_type": "\\ud800"}']


@pytest.mark.parametrize("body", WRONG)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_wrong_body_is_refused_in_the_contracts_form(player: Player, method: str, body: bytes) -> None:
    path = player.all if method == "POST" else f"{player.all}/s"
    reply = player.http.request(method, path, content=body, headers=player.headers)
    assert refusal(reply, 400)["title"] == "Bad request"
    assert player.playing() == []


def test_a_huge_body_and_an_odd_encoding_are_refused(player: Player) -> None:
    refusal(player.http.post(player.all, content=b" " * 70_000, headers=player.headers), 413)
    packed = {**player.headers, "Content-Encoding": "br"}
    refusal(player.http.post(player.all, content=b"{}", headers=packed), 415)
    packed["Content-Encoding"] = "gzip"
    refusal(player.http.post(player.all, content=b"{}", headers=packed), 400)


def test_ids_have_bounds(player: Player) -> None:
    for name in ("%20", "x" * 201):
        refusal(player.put(name), 400)
        refusal(player.ask("PATCH", f"{player.short}/{name}"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/users/u/media_play_sessions", "GET, HEAD, POST"),
        ("POST", "/api/v1/media/users/u/media_play_sessions/s", "DELETE, PATCH, PUT"),
        ("PUT", "/media_play_sessions/s", "DELETE, PATCH"),
    ],
)
def test_another_method_is_told_which_ones_there_are(server: Served, method: str, path: str, allowed: str) -> None:
    reply = server.http.request(method, path)
    assert refusal(reply, 405)["title"] == "Method not allowed"
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/users", "/users/u", "/media_play_sessions", "/api/v2", "/users/u/media_play_sessions/a/b"]
)
def test_an_unknown_path_is_refused_in_the_contracts_form(server: Served, path: str) -> None:
    refusal(server.http.get(path, headers=bearer(token())), 404)
