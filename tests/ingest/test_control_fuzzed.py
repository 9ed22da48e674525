"""The session control against its own description: requests that fit it and requests that don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.controlled import Operator
from tests.ingest.fuzzing import CHECKS, Case, cases_of, document_of, drawn, enough_time

OPERATIONS = [("sessions", "get"), ("sessions/delete", "post"), ("server_status", "get")]


@enough_time
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_gets_an_answer_outside_the_description(operator: Operator, path: str, method: str) -> None:
    room = f"fuzzed {path}"
    numbers = [operator.open(room, f"s{number}") for number in range(3)]
    cases = cases_of(document_of(operator.server), f"/manage/{path}", method)

    @drawn
    @given(cases, st.booleans())
    def ask(case: Case, is_signed: bool) -> None:
        if is_signed:
            case.query.update(salt="43", hash="S1BCgfGTKal/lZxJtPD+hA==")
        reply = case.call(base_url=operator.server.url, allow_redirects=False)
        case.validate_response(reply, checks=CHECKS)
        assert reply.status_code in ((200, 400) if is_signed else (403,))

    ask()
    assert [each["id"] for each in operator.listed(stream=room)] == numbers
