"""The whole Loop surface against its own description: requests that fit it and requests that don't, from anybody."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.fuzzing import CHECKS, Case, cases_of, document_of, drawn, enough_time
from tests.ingest.serving import Guest, HawkClient, Served

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
Sign = Callable[[requests.PreparedRequest], requests.PreparedRequest]


@pytest.fixture(scope="module")
def owner(pipeline: Served) -> HawkClient:
    return HawkClient(pipeline)


@pytest.fixture(scope="module")
def document(pipeline: Served) -> dict[str, Any]:
    return document_of(pipeline)


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


@enough_time
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(
    pipeline: Served, owner: HawkClient, document: dict[str, Any], path: str, method: str
) -> None:
    room = owner.create_room()
    guest = Guest.joined(pipeline, room)
    assert owner.join(room).status_code == 200
    callers: list[Sign] = [partial(hawk_signed, owner), partial(token_shown, guest), unsigned]
    cases = cases_of(document, path, method)
    rooms = st.sampled_from([room, room, owner.create_room(), "nosuchroom0", None])
    with requests.Session() as session:

        @drawn
        @given(cases, st.sampled_from(callers), rooms)
        def ask(case: Case, sign: Sign, named: str | None) -> None:
            if named is not None and "token" in case.path_parameters:
                case.path_parameters["token"] = named
            session.auth = sign
            reply = case.call(base_url=pipeline.url, session=session, allow_redirects=False)
            case.validate_response(reply, checks=CHECKS)

        ask()
