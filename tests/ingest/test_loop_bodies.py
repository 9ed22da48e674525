"""Bodies of the Loop contract: malformed, oversized, packed, of another type. Contracts 2.1 and 2.11."""

import gzip
import json
import zlib
from collections.abc import Iterator

import httpx
import pytest

from tests.ingest.serving import STATUS, Guest
from tests.ingest.test_loop_status import error

JSON = {"Content-Type": "application/json"}
INVALID = error(106, "Invalid JSON in body.")
BODY = json.dumps(STATUS).encode()


def post(guest: Guest, content: bytes, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return guest.server.http.post(f"/rooms/{guest.room}", content=content, headers={**guest.headers, **JSON, **named})


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{'action':'status'}",
        b'{"action":"status",}',
        b"{} {}",
        b'"status"',
        b"5",
        b"null",
        b"true",
        b" ",
        BODY[:-1],
        BODY.replace(b"1", b"NaN"),
        BODY.replace(b"waiting", b"\xff\xfe"),
        BODY.replace(b"waiting", b"\\ud800"),
        BODY.replace(b"waiting", b"\\udc00\\ud800"),
        BODY.replace(b"waiting", b"\\x00"),
        b"[" * 90_000,
        b'{"action":' + b"[" * 40_000 + b"]" * 40_000 + b"}",
        b"\x00" * 10,
    ],
)
def test_what_is_no_json_is_a_400_of_the_contract(guest: Guest, content: bytes) -> None:
    reply = post(guest, content)
    assert (reply.status_code, reply.json()) == (400, INVALID)


def test_malformed_json_comes_before_everything_else(guest: Guest) -> None:
    reply = guest.server.http.post("/rooms/nosuchroom0", content=b"{", headers=JSON)
    assert (reply.status_code, reply.json()) == (400, INVALID)


def test_an_empty_body_is_an_empty_object(guest: Guest) -> None:
    assert post(guest, b"").json()["errno"] == 108


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/vnd.api+json", "multipart/form-data"]
)
def test_another_type_is_an_empty_object(guest: Guest, content_type: str) -> None:
    assert post(guest, BODY, Content_Type=content_type).json()["errno"] == 108


@pytest.mark.parametrize(
    "content_type", ["application/json;charset=utf-8", 'Application/JSON; Charset="UTF-8"', "application/json; x=y"]
)
def test_json_may_have_parameters(guest: Guest, content_type: str) -> None:
    assert post(guest, BODY, Content_Type=content_type).status_code == 204


def test_another_charset_is_a_415(guest: Guest) -> None:
    reply = post(guest, BODY, Content_Type="application/json; charset=iso-8859-1")
    assert (reply.status_code, reply.json()["code"]) == (415, 415)


def test_a_body_of_a_hundred_kilobytes_is_taken_and_no_more(guest: Guest) -> None:
    padding = 100 * 1024 - len(json.dumps({**STATUS, "padding": ""}))
    assert guest.status(padding="x" * (padding - 200)).status_code == 204
    reply = guest.status(padding="x" * (padding + 200))
    assert (reply.status_code, reply.json()["errno"]) == (413, 113)


def test_a_body_that_comes_in_parts_is_bounded_too(guest: Guest) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 1024

    url = f"/rooms/{guest.room}"
    reply = guest.server.http.post(url, content=parts(), headers={**guest.headers, **JSON})
    assert reply.status_code == 413
    reply = guest.server.http.post(url, content=iter([BODY[:20], BODY[20:]]), headers={**guest.headers, **JSON})
    assert reply.status_code == 204


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
def test_packed_bodies_are_unpacked(guest: Guest, encoding: str, pack: object) -> None:
    assert callable(pack)
    assert post(guest, pack(BODY), Content_Encoding=encoding).status_code == 204


def test_the_limit_holds_for_what_a_body_unpacks_to(guest: Guest) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100 * 1024
    assert post(guest, bomb, Content_Encoding="gzip").status_code == 413


@pytest.mark.parametrize("content", [b"not packed", gzip.compress(BODY)[:-9]], ids=["not packed", "cut"])
def test_what_does_not_unpack_is_a_400(guest: Guest, content: bytes) -> None:
    assert post(guest, content, Content_Encoding="gzip").json() == INVALID


def test_an_unknown_packing_is_a_415(guest: Guest) -> None:
    assert post(guest, BODY, Content_Encoding="br").status_code == 415


def test_a_form_with_thousands_of_members_is_refused(guest: Guest) -> None:
    content = b"&".join(b"a%d=1" % number for number in range(2000))
    assert post(guest, content, Content_Type="application/x-www-form-urlencoded").status_code == 413
