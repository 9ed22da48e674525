"""The OpenAPI document and the page that shows it: whole, true to what is served, and without a network."""

import re
from typing import Any

import pytest
from jsonschema_rs import validator_for

from tests.ingest.serving import Served

REFUSALS = {"manage": "403", "streammanager": "404"}
"""What contracts that know no 401 answer to whom, or what, they do not know."""


@pytest.fixture(scope="module")
def document(server: Served) -> dict[str, Any]:
    body: dict[str, Any] = server.http.get("/openapi.json").json()
    return body


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "patch", "delete", "put")
    ]


def test_every_operation_says_who_may_use_it_and_how_it_fails(document: dict[str, Any]) -> None:
    open_to_all = {"/healthz", "/readyz", "/metrics"}
    of_the_program = {"/v1/panels", "/v1/rules"}
    for path, method, operation in operations(document):
        if path not in open_to_all:
            assert operation["security"], (path, method)
            refused = REFUSALS.get(path.split("/")[1], "401")
            expected = {refused} if path in of_the_program else {refused, "503"}
            assert expected <= set(operation["responses"]), (path, method)
        for status, reply in operation["responses"].items():
            if path not in open_to_all and status not in ("204", "307") and path != "/registration":
                (content,) = reply["content"].values()
                assert content["schema"], (path, method, status)


def test_writing_says_what_its_body_holds(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/inputs"]["post"]["requestBody"]
    assert {"application/json", "application/x-ndjson"} <= set(body["content"])
    members = document["components"]["schemas"]["NativeInput"]["properties"]
    assert {"room", "event", "state", "connections", "sendStreams", "send_streams", "occurred_at_ms"} <= set(members)
    for name in ("NewRoom", "RoomAction", "RoomsToDelete"):
        assert document["components"]["schemas"][name]["properties"]


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in re.findall(r"#/components/schemas/(\w+)", str(document)):
        assert name in schemas
    for schema in schemas.values():
        validator_for({**schema, "components": document["components"]})


def test_the_page_loads_nothing_from_elsewhere(server: Served) -> None:
    page = server.http.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"} <= set(loaded)
    for path in loaded:
        assert path.startswith("/docs/"), path
        asset = server.http.get(path)
        assert asset.status_code == 200
        assert len(asset.content) > 500
    assert "SwaggerUIBundle" in server.http.get("/docs/swagger-ui-bundle.js").text


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2Fcore.py", "%2e%2e/core.py", "x"])
def test_nothing_else_lies_below_the_page(server: Served, name: str) -> None:
    assert server.http.get(f"/docs/{name}").status_code == 404
