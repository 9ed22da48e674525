"""The native reads: names of any characters, and what may be long in pages."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.ingest.serving import Served

_numbers = iter(range(1_000_000))


@pytest.fixture
def name() -> str:
    return f"read-{next(_numbers)}"


def decided(server: Served, *items: dict[str, Any]) -> None:
    assert server.native(list(items), params={"wait": "decision"}).status_code == 200


@pytest.mark.parametrize("odd", ["two\nlines", "\n", "ends\n", "a/b\n/c", "\r\n", "?a=1#b"])
def test_names_with_line_ends_and_slashes_are_found_again(pipeline: Served, name: str, odd: str) -> None:
    called = name + odd
    decided(pipeline, {"room": called, "session": called, "event": "e", "state": "init"})
    quoted = quote(called, safe="")
    assert pipeline.http.get(f"/v1/rooms/{quoted}").json()["room"] == called
    assert pipeline.http.get(f"/v1/sessions/{quoted}").json()["facts"][0]["room_id"] == called


def test_a_long_story_comes_in_pages_that_leave_nothing_out(pipeline: Served, name: str) -> None:
    item = {"session": name, "event": "e", "state": "init"}
    decided(pipeline, *({**item, "room": f"{name}-{number % 2}", "seq": number} for number in range(1, 8)))
    whole = pipeline.http.get(f"/v1/sessions/{name}").json()
    assert (len(whole["facts"]), whole["next"]) == (9, None)
    paged: list[dict[str, Any]] = []
    after = ""
    while True:
        page = pipeline.http.get(f"/v1/sessions/{name}", params={"limit": 2, "after": after}).json()
        paged += page["facts"]
        after = page["next"]
        if after is None:
            break
        assert len(page["facts"]) == 2
    assert paged == whole["facts"]


def test_a_rooms_facts_and_stays_are_paged_apart(pipeline: Served, name: str) -> None:
    decided(pipeline, {"kind": "room_create", "room": name})
    decided(pipeline, *({"kind": "room_update", "room": name, "max_size": 9} for _ in range(2)))
    decided(pipeline, *({"kind": "open", "room": name, "session": f"s{number}"} for number in range(3)))
    path = f"/v1/rooms/{name}"
    first = pipeline.http.get(path, params={"limit": 2}).json()
    assert [len(first["facts"]), len(first["sessions"])] == [2, 2]
    cursors = {"facts_after": first["next_facts"], "sessions_after": first["next_sessions"]}
    rest = pipeline.http.get(path, params={"limit": 2, **cursors}).json()
    assert [fact["fact"] for fact in first["facts"] + rest["facts"]] == ["room_created", "room_updated", "room_updated"]
    assert [each["session_id"] for each in first["sessions"] + rest["sessions"]] == ["s0", "s1", "s2"]
    assert (rest["next_facts"], rest["next_sessions"]) == (None, None)
    beyond = {"facts_after": "9.999.0.0", "sessions_after": "9999999999999.x"}
    empty = pipeline.http.get(path, params=beyond).json()
    assert (empty["facts"], empty["sessions"], empty["attributes"]["max_size"]) == ([], [], 9)


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 10_001}, {"facts_after": "1.2"}, {"facts_after": "x"}, {"sessions_after": "x.y"}],
)
def test_a_page_that_cannot_be_is_a_422(pipeline: Served, name: str, params: dict[str, Any]) -> None:
    assert pipeline.http.get(f"/v1/rooms/{name}", params=params).status_code == 422


def test_sessions_are_counted_by_that_name_in_either_list(pipeline: Served, name: str) -> None:
    decided(pipeline, *({"kind": "open", "room": name, "session": session} for session in ("a", "b")))
    decided(pipeline, {"kind": "close", "room": name, "session": "a"})
    params: dict[str, Any] = {"after": name[:-1], "limit": 10_000}
    (every,) = [each for each in pipeline.http.get("/v1/rooms", params=params).json()["rooms"] if each["room"] == name]
    assert (every["sessions"], every["open_sessions"]) == (2, 1)
    live = pipeline.http.get("/v1/rooms", params={**params, "live": "true"}).json()["rooms"]
    assert [each["sessions"] for each in live if each["room"] == name] == [1]


def test_what_a_counter_was_stands_in_the_rows_extra(pipeline: Served, name: str) -> None:
    decided(pipeline, {"room": name, "session": name, "event": "e", "state": "init", "connections": 1 << 40})
    fact = pipeline.http.get(f"/v1/sessions/{name}").json()["facts"][-1]
    assert (fact["connections"], fact["extra"]["input"]) == ((1 << 32) - 1, {"connections": 1 << 40})
