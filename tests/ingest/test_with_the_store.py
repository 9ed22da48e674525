"""What only the store can answer: unknown rooms and sessions, reads, and what a fresh process knows."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ingest.store_gate import StoreGate
from storage.clock import now_ms
from storage.sqlite_log import SqliteLog
from tests.fixtures_store import EmbeddedStore
from tests.ingest.serving import API_TOKEN, STATUS, Guest, HawkClient, Served, basic, served, settings_for
from tests.ingest.test_loop_pipeline import EXPIRED
from tests.ingest.test_loop_status import error
from tests.ingest.whole_pipeline import wait_until, wait_until_stored, whole_pipeline

NOT_FOUND = error(105, "Token not found.", 404)


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture
def room(owner: HawkClient) -> str:
    return owner.create_room()


@pytest.fixture
def guest(pipeline: Served, room: str) -> Guest:
    return Guest.joined(pipeline, room)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "nonsense"}, {"Authorization": basic("T1==x")}])
@pytest.mark.parametrize("body", [{}, STATUS, {"action": "join"}])
def test_a_room_that_does_not_exist_comes_before_credentials_and_action(
    pipeline: Served, headers: dict[str, str], body: dict[str, Any]
) -> None:
    reply = pipeline.http.post("/rooms/nosuchroom0", json=body, headers=headers)
    assert (reply.status_code, reply.json()) == (404, NOT_FOUND)
    assert "Timestamp" not in reply.headers


@pytest.mark.parametrize("name", ["a%00b", "%F0%9F%98%80", "x" * 3000, "%27%3B--", "a%2Fb"])
def test_odd_names_of_rooms_are_unknown(pipeline: Served, name: str) -> None:
    assert pipeline.http.post(f"/rooms/{name}", json=STATUS).status_code in (307, 404)


def test_a_hawk_user_who_is_not_inside_gets_each_actions_own_refusal(owner: HawkClient, room: str) -> None:
    assert owner.act(room, **STATUS).json() == error(203, "Can't update status for a room you aren't in.")
    assert owner.act(room, action="leave").json() == error(203, "Unable to leave a room you have not joined.")
    assert owner.act(room, action="refresh").json() == error(111, "Participation has expired.", 410)
    assert owner.act(room, action="logDomain", domains=[]).json() == error(
        203, "Can't update status for a room you aren't in."
    )


def test_a_hawk_user_who_left_gets_them_too(owner: HawkClient, room: str) -> None:
    assert owner.join(room).status_code == 200
    assert owner.act(room, action="leave").status_code == 204
    assert owner.act(room, **STATUS).status_code == 400
    assert owner.act(room, action="leave").json() == error(203, "Unable to leave a room you have not joined.")
    assert owner.act(room, action="refresh").status_code == 410


def test_an_unknown_hawk_id_is_looked_for_in_the_store(pipeline: Served) -> None:
    header = f'Hawk id="{"ab" * 32}", ts="1", nonce="b", mac="c"'
    reply = pipeline.http.post("/rooms", json={}, headers={"Authorization": header})
    assert (reply.status_code, reply.json()["error"]["message"]) == (401, "Unknown credentials")


def test_a_genuine_token_of_a_session_that_never_was_is_refused(pipeline: Served, room: str) -> None:
    token = pipeline.edge.tokens.issue(room, "never-was", now_ms())
    assert Guest(pipeline, room, token).status().json() == EXPIRED


def test_a_deleted_room_is_gone_for_everybody(owner: HawkClient, guest: Guest) -> None:
    reply = owner.request("DELETE", f"/rooms/{guest.room}")
    assert (reply.status_code, reply.content) == (204, b"")
    assert "content-type" not in reply.headers
    assert guest.status().json() == NOT_FOUND
    assert guest.act(action="leave").json() == NOT_FOUND
    assert owner.join(guest.room).json() == NOT_FOUND
    assert owner.request("DELETE", f"/rooms/{guest.room}").json() == NOT_FOUND


def test_only_the_owner_deletes(pipeline: Served, room: str) -> None:
    assert pipeline.http.delete(f"/rooms/{room}").status_code == 401
    reply = HawkClient(pipeline).request("DELETE", f"/rooms/{room}")
    assert (reply.status_code, reply.json()) == (
        403,
        error(999, "Authenticated user is not the owner of this room.", 403),
    )


def test_strangers_participants_and_owner_see_a_room_differently(
    owner: HawkClient, pipeline: Served, guest: Guest
) -> None:
    path = f"/rooms/{guest.room}"
    plain = {
        "roomToken": guest.room,
        "roomName": "a room",
        "context": None,
        "roomOwner": "Ada",
        "roomUrl": f"http://localhost:3000/{guest.room}",
    }
    assert pipeline.http.get(path).json() == plain
    seen = pipeline.http.get(path, headers=guest.headers).json()
    assert {name: seen[name] for name in plain} == plain
    assert (seen["maxSize"], seen["clientMaxSize"]) == (3, 3)
    assert seen["creationTime"] <= seen["ctime"] <= seen["expiresAt"]
    ((participant,),) = [seen["participants"]]
    assert (participant["displayName"], participant["owner"]) == ("Guest", False)
    assert owner.request("GET", path).json()["participants"] == [participant]
    stranger = HawkClient(pipeline).request("GET", path)
    assert (stranger.status_code, stranger.json()["errno"]) == (403, 999)
    assert pipeline.http.get("/rooms/nosuchroom0").json() == NOT_FOUND
    assert pipeline.http.get(path, headers={"Authorization": basic("T1==x")}).json() == EXPIRED


def test_a_fresh_process_knows_users_rooms_and_sessions_from_the_store(
    owner: HawkClient, pipeline: Served, guest: Guest, tmp_path: Path
) -> None:
    settings = pipeline.edge.settings
    assert settings.store_url is not None
    log = SqliteLog(settings.data_dir / "log.db", 4)
    with served(settings, log, StoreGate.to(settings.store_url.get_secret_value())) as other:
        wait_until(lambda: other.edge.directory.known_room_expiry_ms(guest.room), "the directory to fill")
        assert other.edge.directory.known_user_of_live(guest.room, session_of(guest), now_ms()) is not None
        elsewhere = HawkClient.__new__(HawkClient)
        elsewhere.server, elsewhere.credentials = other, owner.credentials
        assert elsewhere.join(guest.room).status_code == 200
        assert elsewhere.act(guest.room, **STATUS).status_code == 204
        assert Guest(other, guest.room, guest.token).status().status_code == 204
    log.close()


def session_of(guest: Guest) -> str:
    token = guest.server.edge.tokens.read(guest.token)
    assert token is not None
    return token.session


@pytest.mark.parametrize(
    "name", ["a b", "tab\there", "quote'", "back\\slash\\n", "\U0001f600", "scope/name", "100%", "nul\x00"]
)
def test_names_of_any_characters_are_found_again(pipeline: Served, name: str) -> None:
    item = {"room": name, "session": name, "event": "e", "state": "init"}
    assert pipeline.native(item, params={"wait": "decision"}).status_code == 200
    quoted = quote(name, safe="")
    assert pipeline.http.get(f"/v1/rooms/{quoted}").json()["room"] == name
    assert pipeline.http.get(f"/v1/sessions/{quoted}").json()["facts"][0]["room_id"] == name


def test_a_session_is_told_in_words_and_in_data_with_each_verdicts_rule(pipeline: Served) -> None:
    item = {**STATUS, "room": "told", "session": "told-session"}
    del item["action"]
    inputs = [item, {**item, "state": "nonsense"}, {**item, "event": "Publisher.streamCreated", "connections": 3}]
    assert pipeline.native(inputs, params={"wait": "decision"}).status_code == 200
    told = pipeline.http.get("/v1/sessions/told-session").json()
    assert told["session"] == "told-session"
    assert [(fact["fact"], fact["rule_name"]) for fact in told["facts"]] == [
        ("session_opened", "session_opened implicit"),
        ("status_judged", "diagram"),
        ("status_judged", "violation unknown_state"),
        ("status_judged", "violation counter_jump"),
    ]
    assert told["facts"][2]["rule"] == "The declared state is none of the seven. The status is kept; nothing moves."
    assert told["facts"][1]["at"].endswith("Z")
    assert pipeline.http.get("/v1/sessions/nobody").status_code == 404


def test_a_room_is_told_with_its_stays(owner: HawkClient, pipeline: Served, guest: Guest) -> None:
    told = pipeline.http.get(f"/v1/rooms/{guest.room}").json()
    assert told["attributes"]["room_name"] == "a room"
    assert [fact["fact"] for fact in told["facts"]] == ["room_created"]
    assert len(told["sessions"]) == 1
    assert told["sessions"][0]["closed_at"] is None
    assert guest.token not in str(told)
    assert pipeline.http.get("/v1/rooms/nobody").status_code == 404
    assert pipeline.http.get(f"/v1/rooms/{guest.room}", params={"room_kind": "flat"}).status_code == 422


def test_live_rooms_are_listed_by_name_in_pages(pipeline: Served) -> None:
    names = [f"page-{number}" for number in range(5)]
    openings = [{"kind": "open", "room_kind": "stream", "room": name, "session": "s"} for name in names]
    assert pipeline.native(openings, params={"wait": "decision"}).status_code == 200
    kind = {"live": "true", "room_kind": "stream"}
    first = pipeline.http.get("/v1/rooms", params={**kind, "limit": 2}).json()["rooms"]
    rest = pipeline.http.get("/v1/rooms", params={**kind, "after": first[-1]["room"]}).json()["rooms"]
    assert [room["room"] for room in first + rest] == names
    assert first[0]["sessions"] == 1
    everything = pipeline.http.get("/v1/rooms", params={"room_kind": "stream"}).json()["rooms"]
    assert [room["room"] for room in everything] == names
    assert pipeline.http.get("/v1/rooms", params={"limit": 0}).status_code == 422


def test_the_accounting_balances(pipeline: Served, guest: Guest) -> None:
    assert guest.status().status_code == 204
    account = wait_until_stored(pipeline)
    assert account["balanced"] is True
    assert account["accepted"] == account["stored"] + account["dead_lettered"]
    assert len(account["partitions"]) == 4


def test_metrics_name_where_the_inputs_are(pipeline: Served, guest: Guest) -> None:
    text = pipeline.http.get("/metrics").text
    assert 'roomstate_inputs{place="stored"}' in text
    assert 'roomstate_ingest_loop_replies_total{status="200"}' in text


def test_everything_in_reach_is_ready(pipeline: Served) -> None:
    reply = pipeline.http.get("/readyz")
    assert (reply.status_code, reply.json()["ready"], reply.json()["missing"]) == (200, True, [])


def test_an_expired_session_is_out(embedded_store: EmbeddedStore, tmp_path: Path) -> None:
    with whole_pipeline(tmp_path, embedded_store, participant_ttl_s=1) as server:
        owner = HawkClient(server)
        room = owner.create_room()
        assert owner.join(room).json()["expires"] == 1
        guest = Guest.joined(server, room)
        assert guest.act(action="refresh").json() == {"expires": 1}
        assert guest.status().status_code == 204
        wait_until(lambda: guest.status().status_code == 401, "the lease to run out")
        assert guest.act(action="refresh").json() == EXPIRED
        wait_until(lambda: owner.act(room, **STATUS).status_code == 400, "the owner's lease to run out")
        assert owner.act(room, action="refresh").json() == error(111, "Participation has expired.", 410)


def test_bound_elsewhere_pages_and_reads_need_the_token(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db", 4)
    with served(settings_for(tmp_path, host="0.0.0.0"), log) as server:  # only the setting; it listens on loopback
        for path in ("/", "/metrics", "/docs", "/openapi.json", "/v1/accounting", "/v1/rooms", "/v1/sessions/x"):
            assert server.http.get(path).status_code == 401, path
            assert server.http.get(path, headers={"Authorization": "Bearer x"}).status_code == 401
            shown = server.http.get(path, headers={"Authorization": f"Bearer {API_TOKEN}"})
            assert shown.status_code in (200, 503), path
            assert server.http.get(path, auth=("me", API_TOKEN)).status_code == shown.status_code
        assert server.http.get("/healthz").status_code == 200
        assert server.http.get("/readyz").json()["missing"] == ["store", "processor"]
    log.close()
