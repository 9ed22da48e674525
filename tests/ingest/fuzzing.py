"""Requests that fit a contract's own description and requests that don't, and what every answer must be.

No answer is a 5xx and none lies outside the OpenAPI document. ROOMSTATE_FUZZ_EXAMPLES asks for more than the suite's
few requests of each sort.
"""

import os
from collections.abc import Callable
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.ingest.serving import Served

Case = schemathesis.Case[Any]
_EXAMPLES: Final = int(os.environ.get("ROOMSTATE_FUZZ_EXAMPLES", "12"))
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
enough_time: Final = pytest.mark.timeout(120 + 10 * _EXAMPLES)
"""Marks a test that draws requests."""


def document_of(server: Served) -> dict[str, Any]:
    """Return the description that the server gives of itself, at the address at which it is served."""
    body: dict[str, Any] = server.http.get("/openapi.json").json()
    body["servers"] = [{"url": server.url}]
    for item in body["paths"].values():
        item.pop("servers", None)
    return body


def cases_of(document: dict[str, Any], path: str, method: str) -> st.SearchStrategy[Case]:
    """Return what draws requests of one operation, as described and not."""
    operation = schemathesis.openapi.from_dict(document)[path][method.upper()]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    return st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))


def drawn(ask: Callable[..., None]) -> Callable[..., None]:
    """Return the asking with as many examples as wanted, the same at each run."""
    few = settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    return seed(1)(few(ask))
