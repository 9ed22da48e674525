"""The stream directory against its own description: requests that fit it and requests that don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.fuzzing import CHECKS, Case, cases_of, document_of, drawn, enough_time
from tests.ingest.streaming import ADMIN_TOKEN, Directory

ROOT = "/streammanager/api/{version}"
OPERATIONS = [
    (f"{ROOT}/event/{{scopeName}}/{{streamName}}", "get"),
    (f"{ROOT}/event/{{scopeName}}/{{streamName}}/stats", "get"),
    (f"{ROOT}/event/list", "get"),
    (f"{ROOT}/event/list/stats", "get"),
    (f"{ROOT}/admin/event", "delete"),
]


@enough_time
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(streams: Directory, path: str, method: str) -> None:
    streams.publish("fuzzed/demo")
    cases = cases_of(document_of(streams.server), path, method)

    @drawn
    @given(cases, st.booleans(), st.sampled_from([None, "wrong", ADMIN_TOKEN] if method == "delete" else [None]))
    def ask(case: Case, is_known: bool, token: str | None) -> None:
        if is_known and "scopeName" in case.path_parameters:
            case.path_parameters |= {"scopeName": "fuzzed", "streamName": "demo"}
        if token is not None:
            case.query["accessToken"] = token
        reply = case.call(base_url=streams.server.url)
        case.validate_response(reply, checks=CHECKS)

    ask()


def test_every_operation_is_described(streams: Directory) -> None:
    paths = streams.server.http.get("/openapi.json").json()["paths"]
    described = {(path, method) for path, item in paths.items() if "streammanager" in path for method in item}
    assert described == set(OPERATIONS)
