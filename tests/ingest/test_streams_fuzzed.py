"""The stream directory against its own description: requests that fit it and requests that don't.

No answer is a 5xx and none lies outside the OpenAPI document. ROOMSTATE_FUZZ_EXAMPLES asks for more than the suite's
few requests of each sort.
"""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.ingest.streaming import ADMIN_TOKEN, Directory

EXAMPLES = int(os.environ.get("ROOMSTATE_FUZZ_EXAMPLES", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ROOT = "/streammanager/api/{version}"
OPERATIONS = [
    (f"{ROOT}/event/{{scopeName}}/{{streamName}}", "get"),
    (f"{ROOT}/event/{{scopeName}}/{{streamName}}/stats", "get"),
    (f"{ROOT}/event/list", "get"),
    (f"{ROOT}/event/list/stats", "get"),
    (f"{ROOT}/admin/event", "delete"),
]


@pytest.mark.timeout(120 + 10 * EXAMPLES)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(streams: Directory, path: str, method: str) -> None:
    document: dict[str, Any] = streams.server.http.get("/openapi.json").json()
    operation = schemathesis.openapi.from_dict(document)[path][method.upper()]
    streams.publish("fuzzed/demo")
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases: st.SearchStrategy[Any] = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases, st.booleans(), st.sampled_from([None, "wrong", ADMIN_TOKEN] if method == "delete" else [None]))
    def ask(case: schemathesis.Case[Any], is_known: bool, token: str | None) -> None:
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
