"""GET /v1/sessions/{session} and /v1/rooms/{room} explain: what happened, by which rule, and what was known before."""

import re
from typing import Any

import pytest

from ingest.native.shown import CHARACTERS_MAX
from tests.ingest.serving import Served

_numbers = iter(range(1_000_000))
A_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def name() -> str:
    return f"told-{next(_numbers)}"


def decided(server: Served, *items: dict[str, Any]) -> None:
    assert server.native(list(items), params={"wait": "decision"}).status_code == 200


def story(server: Served, session: str, **params: Any) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = server.http.get(f"/v1/sessions/{session}", params=params).json()["facts"]
    return facts


def timeless(facts: list[dict[str, Any]]) -> list[str]:
    """Return the sentences, their times and lengths made equal."""
    words = [A_TIME.sub("T", fact["words"]) for fact in facts]
    return [re.sub(r"(after |\()\d[\d.]*( [a-z]+)( \d+ [a-z]+)?", r"\1L", text) for text in words]


def status(name: str, event: str, declared: str, **members: Any) -> dict[str, Any]:
    state, counters = declared.split()
    names = ("connections", "send_streams", "recv_streams")
    said = dict(zip(names, map(int, counters.split("/")), strict=True))
    return {"room": name, "session": name, "event": event, "state": state, **said, **members}


def test_every_verdict_says_why(pipeline: Served, name: str) -> None:
    decided(
        pipeline,
        status(name, "Session.connectionCreated", "waiting 1/0/0", id="one", seq=4),
        status(name, "Publisher.streamCreated", "sending 1/1/0", seq=5),
        status(name, "Session.connectionCreated", "sending 2/1/0"),
        status(name, "sdk.exception.x", "sending 2/1/0"),
        status(name, "Session.streamCreated", "receiving 2/1/1"),
        status(name, "Session.streamCreated", "gone 2/1/1"),
        status(name, "Session.streamCreated", "sendrecv 7/1/1"),
        status(name, "Session.connectionDestroyed", "waiting 6/1/1"),
        status(name, "Session.connectionCreated", "waiting 1/0/0"),
        status(name, "Session.connectionCreated", "starting 2/0/0"),
        status(name, "Session.networkDisconnected", "init 0/0/0"),
        status(name, "e", "init 0/0/0", seq=5),
        status(name, "e", "init 0/0/0", id="one"),
        {"kind": "close", "room": name, "session": name},
        status(name, "e", "init 0/0/0"),
    )
    assert timeless(story(pipeline, name)) == [
        "the session opened by its first status, because nobody had opened it; its lease lasts until T (L)",
        "Session.connectionCreated: init → waiting: an edge of the diagram; counters 0/0/0 → 1/0/0 as the event says,"
        " so diagram",
        "Publisher.streamCreated: waiting → sending: no edge; counters 1/0/0 → 1/1/0 as the event says and agree with"
        " sending, so implied",
        "Session.connectionCreated: stays sending: counters 1/1/0 → 2/1/0 as the event says, so steady",
        "sdk.exception.x: stays sending: news, and counters stay 2/1/0, so notice",
        "Session.streamCreated: claims receiving 2/1/1; counters 2/1/1 mean sendrecv, not receiving, so violation"
        " state_disagrees: stays sending 2/1/0",
        "Session.streamCreated: claims gone 2/1/1; gone is none of the seven states, so violation unknown_state:"
        " stays sending 2/1/0",
        "Session.streamCreated: sending → sendrecv: counters should be 2/1/1 but are 7/1/1, which agree with sendrecv,"
        " so violation counter_jump",
        "Session.connectionDestroyed: sendrecv → waiting: the diagram's exceptional edge, a connection lost mid-call;"
        " counters 7/1/1 → 6/1/1 as it says, so exceptional",
        "Session.connectionCreated: stays waiting: a first connection, 1/0/0 after 6/1/1: the client began again, so"
        " restart",
        "Session.connectionCreated: waiting → starting: an edge of the diagram; counters 1/0/0 → 2/0/0 as the event"
        " says, so diagram",
        "Session.networkDisconnected: starting → init: counters 2/0/0 → 0/0/0 with news: the client tore its call"
        " down, so teardown",
        "e: claims init 0/0/0; its number 5 is not above 5, the highest one before, so late: stays init 0/0/0",
        f"e: claims init 0/0/0; its id one came before (at {story(pipeline, name)[1]['place']}), so duplicate: stays"
        " init 0/0/0",
        "the session closed after L, in state init: its client left",
        "e: claims init 0/0/0; the session was over: its client had left, at T, so after_close",
    ]


def test_a_fact_has_its_rule_its_steps_its_place_and_what_was_known(pipeline: Served, name: str) -> None:
    decided(
        pipeline,
        status(name, "Session.connectionCreated", "waiting 1/0/0", seq=3),
        status(name, "Session.streamCreated", "sendrecv 7/1/1"),
    )
    opened, first, jumped = story(pipeline, name)
    assert jumped["rule_name"] == "violation counter_jump"
    assert jumped["rule"].startswith("The counters did not move as the event says, but")
    assert jumped["rule_version"] == 1
    assert jumped["because"][1:] == [
        "Session.streamCreated says that a stream of somebody else arrived: one receive stream more.",
        "Connections/send streams/receive streams were 1/0/0, so 1/0/1 should follow, but 7/1/1 is declared:"
        " connections 7 instead of 1, send streams 1 instead of 0.",
        "Counters 7/1/1 mean sendrecv: sendrecv agrees.",
        "Now sendrecv 7/1/1: sends and receives media: a two-way call.",
    ]
    assert A_TIME.sub("T", jumped["because"][0]).startswith("Before: waiting 1/0/0, waiting since T (")
    assert jumped["before"]["since"] == first["at"] == opened["at"]
    assert jumped["before"]["for_ms"] >= 0
    counters = {"connections": 1, "send_streams": 0, "recv_streams": 1}
    assert jumped["expected"] == counters
    assert (
        jumped["declared"] == jumped["after"] == {"state": "sendrecv", **dict.fromkeys(counters, 1), "connections": 7}
    )
    assert jumped["place"] == ".".join(
        str(jumped[part]) for part in ("log_partition", "log_offset", "log_index", "fact_index")
    )
    known = jumped["known"]
    assert (known["facts"], known["highest_seq"], known["opened_at"]) == (2, 3, opened["at"])
    assert known["lease_ends_at"] == first["lease_ends_at"]
    assert (known["closed_at"], known["close_reason"], known["sent_before"]) == (None, "", None)
    assert (opened["before"], opened["after"]["state"], opened["known"]["facts"]) == (None, "init", 0)


def test_what_is_known_is_of_the_stay_and_of_whatever_page(pipeline: Served, name: str) -> None:
    item = {"room": name, "session": name, "event": "e", "state": "init"}
    decided(pipeline, {**item, "seq": 9}, {"kind": "close", "room": name, "session": name})
    decided(pipeline, {"kind": "open", "room": name, "session": name}, {**item, "seq": 2}, {**item, "seq": 2})
    every = story(pipeline, name)
    assert [fact["known"]["facts"] for fact in every] == [0, 1, 2, 0, 1, 2]
    assert [fact["known"]["highest_seq"] for fact in every] == [0, 0, 9, 0, 0, 2]
    (last,) = story(pipeline, name, after=every[-2]["place"])
    assert last == every[-1]
    assert "its number 2 is not above 2" in last["words"]


def test_a_cut_story_says_so_and_how_to_go_on(pipeline: Served, name: str) -> None:
    decided(pipeline, *({"room": name, "session": name, "event": "e", "state": "init"} for _ in range(4)))
    cut = pipeline.http.get(f"/v1/sessions/{name}", params={"limit": 2}).json()
    assert cut["next"] == cut["facts"][1]["place"]
    assert cut["note"] == (f"facts are cut after 2 of 5: ask again with after={cut['next']} for those that follow.")
    whole = pipeline.http.get(f"/v1/sessions/{name}", params={"limit": 3, "after": cut["next"]}).json()
    assert (len(whole["facts"]), whole["next"], whole["note"]) == (3, None, None)
    for odd in ({"limit": 0}, {"limit": "many"}, {"after": "1.2.3"}, {"after": "a.b.c.d"}, {"after": "-1.0.0.0"}):
        assert pipeline.http.get(f"/v1/sessions/{name}", params=odd).status_code == 422, odd


def test_large_texts_end_a_page_early(pipeline: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.session_story.TEXT_BYTES_MAX", 400_000)
    item = {"room": name, "session": name, "event": "e", "state": "init", "blob": "x" * 10_000}
    decided(pipeline, *[item] * 50)
    cut = pipeline.http.get(f"/v1/sessions/{name}").json()
    assert len(cut["facts"]) == 40
    rest = pipeline.http.get(f"/v1/sessions/{name}", params={"after": cut["next"]}).json()
    assert (len(cut["facts"]) + len(rest["facts"]), rest["next"]) == (51, None)


def test_large_texts_end_a_rooms_page_early_too(pipeline: Served, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.stories.TEXT_BYTES_MAX", 400_000)
    named = {"room": name, "blob": "x" * 10_000}
    decided(pipeline, {"kind": "room_create", **named}, {"kind": "open", "room": name, "session": name})
    decided(pipeline, *[{"kind": "room_update", **named}] * 50)
    cut = pipeline.http.get(f"/v1/rooms/{name}", params={"limit": 100}).json()
    assert len(cut["facts"]) == 39
    assert cut["note"] == (
        f"facts are cut after {len(cut['facts'])} of 51: ask again with facts_after={cut['next_facts']}"
        " for those that follow."
    )
    rest = pipeline.http.get(f"/v1/rooms/{name}", params={"facts_after": cut["next_facts"]}).json()
    assert (len(cut["facts"]) + len(rest["facts"]), rest["next_facts"], rest["note"]) == (51, None, None)


@pytest.mark.parametrize(
    "odd", ["<script>alert(1)</script>", "\u202eevil", "\x00\n\t", "e" * 10_000, "\U0001f468\u200d\U0001f469", ""]
)
def test_a_clients_text_stands_harmless_in_the_sentence_and_whole_in_the_data(
    pipeline: Served, name: str, odd: str
) -> None:
    decided(pipeline, status(name, odd, "init 0/0/0"))
    fact = story(pipeline, name)[-1]
    assert fact["event"] == odd
    texts = [fact["words"], *fact["because"]]
    assert all(character.isprintable() or character == "\u200d" for text in texts for character in text)
    assert len(fact["words"]) < CHARACTERS_MAX + 200
