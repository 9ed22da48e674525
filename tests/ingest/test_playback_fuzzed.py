"""The whole playback surface against its own description: requests that fit it and requests that don't, from anybody.

No answer is a 5xx and none lies outside the OpenAPI document. ROOMSTATE_FUZZ_EXAMPLES asks for more than the suite's
few requests of each sort.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.fixtures_store import EmbeddedStore
from tests.ingest.players import ROOT, Player, bearer, kill, playback, token
from tests.ingest.serving import Served
from tests.ingest.test_loop_fuzzed import CHECKS, EXAMPLES

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
    body: dict[str, Any] = server.http.get("/openapi.json").json()
    body["servers"] = [{"url": server.url}]
    for item in body["paths"].values():
        item.pop("servers", None)
    return body


@pytest.mark.timeout(120 + 10 * EXAMPLES)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(
    server: Served, document: dict[str, Any], path: str, method: str
) -> None:
    operation = schemathesis.openapi.from_dict(document)[path][method.upper()]
    user = f"ada {path} {method}".replace("/", "|")
    player = Player(server.http, user)
    killed = player.started("killed")
    kill(server, user, killed)
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases: st.SearchStrategy[Any] = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    sessions = st.sampled_from(
        [player.started("tv"), killed, Player(server.http, "eve").started(replace="oldest"), "mine", None]
    )
    callers = st.sampled_from([player.headers, player.headers, bearer(token("eve")), bearer("a.b.c"), {}])
    with requests.Session() as session:

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases, callers, st.booleans(), sessions, st.sampled_from(["", ROOT]))
        def ask(
            case: schemathesis.Case[Any], headers: dict[str, str], is_own: bool, named: str | None, prefix: str
        ) -> None:
            if is_own and "user_id" in case.path_parameters:
                case.path_parameters["user_id"] = user
            if named is not None and "session_id" in case.path_parameters:
                case.path_parameters["session_id"] = named
            case.headers.pop("Authorization", None)
            reply = case.call(base_url=server.url + prefix, session=session, headers=headers, allow_redirects=False)
            case.validate_response(reply, checks=CHECKS)

        ask()
