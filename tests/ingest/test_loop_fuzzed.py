"""The whole Loop surface against its own description: requests that fit it and requests that don't, from anybody.

No answer is a 5xx and none lies outside the OpenAPI document. ROOMSTATE_FUZZ_EXAMPLES asks for more than the suite's
few requests of each sort.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
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

from tests.ingest.serving import Guest, HawkClient, Served

EXAMPLES = int(os.environ.get("ROOMSTATE_FUZZ_EXAMPLES", "12"))
OPERATIONS = [
    ("/registration", "post"),
    ("/rooms", "post"),
    ("/rooms", "get"),
    ("/rooms", "patch"),
    ("/rooms/{token}", "get"),
    ("/rooms/{token}", "patch"),
    ("/rooms/{token}", "delete"),
    ("/rooms/{token}", "post"),
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Sign = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture(scope="module")
def document(pipeline: Served) -> dict[str, Any]:
    body: dict[str, Any] = pipeline.http.get("/openapi.json").json()
    body["servers"] = [{"url": pipeline.url}]
    for item in body["paths"].values():
        item.pop("servers", None)
    return body


def hawk_signed(owner: HawkClient, request: requests.PreparedRequest) -> requests.PreparedRequest:
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    path = request.url[len(owner.server.url) :] if request.url else ""
    content_type = request.headers.get("Content-Type", "")
    request.headers["Authorization"] = owner.sender(request.method or "", path, content, content_type).request_header
    return request


def token_shown(guest: Guest, request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers.update(guest.headers)
    return request


def unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


@pytest.mark.timeout(120 + 10 * EXAMPLES)
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(
    pipeline: Served, owner: HawkClient, document: dict[str, Any], path: str, method: str
) -> None:
    operation = schemathesis.openapi.from_dict(document)[path][method.upper()]
    room = owner.create_room()
    guest = Guest.joined(pipeline, room)
    assert owner.join(room).status_code == 200
    callers: list[Sign] = [partial(hawk_signed, owner), partial(token_shown, guest), unsigned]
    modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    cases: st.SearchStrategy[Any] = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    rooms = st.sampled_from([room, room, owner.create_room(), "nosuchroom0", None])
    with requests.Session() as session:

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases, st.sampled_from(callers), rooms)
        def ask(case: schemathesis.Case[Any], sign: Sign, named: str | None) -> None:
            if named is not None and "token" in case.path_parameters:
                case.path_parameters["token"] = named
            session.auth = sign
            reply = case.call(base_url=pipeline.url, session=session, allow_redirects=False)
            case.validate_response(reply, checks=CHECKS)

        ask()
