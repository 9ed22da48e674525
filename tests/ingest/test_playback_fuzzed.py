"""The whole playback surface against its own description: requests of every sort, from anybody."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures_store import EmbeddedStore
from tests.ingest.fuzzing import CHECKS, Case, cases_of, document_of, drawn, enough_time
from tests.ingest.players import ROOT, Player, bearer, kill, playback, token
from tests.ingest.serving import Served

ALL = "/users/{user_id}/media_play_sessions"
ONE = f"{ALL}/{{session_id}}"
SHORT = "/media_play_sessions/{session_id}"
OPERATIONS = [(ALL, "get"), (ALL, "post"), (ONE, "put"), (ONE, "patch"), (ONE, "delete"), (SHORT, "patch")]
OPERATIONS.append((SHORT, "delete"))


@pytest.fixture(scope="module")
def server(embedded_store: EmbeddedStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with playback(tmp_path_factory.mktemp("playback-fuzzed"), embedded_store) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Served) -> dict[str, Any]:
    return document_of(server)


@enough_time
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(
    server: Served, document: dict[str, Any], path: str, method: str
) -> None:
    user = f"ada {path} {method}".replace("/", "|")
    player = Player(server.http, user)
    killed = player.started("killed")
    kill(server, user, killed)
    cases = cases_of(document, path, method)
    sessions = st.sampled_from(
        [player.started("tv"), killed, Player(server.http, "eve").started(replace="oldest"), "mine", None]
    )
    callers = st.sampled_from([player.headers, player.headers, bearer(token("eve")), bearer("a.b.c"), {}])
    with requests.Session() as session:

        @drawn
        @given(cases, callers, st.booleans(), sessions, st.sampled_from(["", ROOT]))
        def ask(case: Case, headers: dict[str, str], is_own: bool, named: str | None, prefix: str) -> None:
            if is_own and "user_id" in case.path_parameters:
                case.path_parameters["user_id"] = user
            if named is not None and "session_id" in case.path_parameters:
                case.path_parameters["session_id"] = named
            case.headers.pop("Authorization", None)
            reply = case.call(base_url=server.url + prefix, session=session, headers=headers, allow_redirects=False)
            case.validate_response(reply, checks=CHECKS)

        ask()
