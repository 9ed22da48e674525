"""The files of the live page: nothing inline, nothing from elsewhere, not sent twice."""

import re
from pathlib import Path

import pytest

from tests.ingest.serving import Served

FOLDER = Path(__file__).resolve().parent.parent.parent / "dashboards" / "live"
NAMES = sorted(path.name for path in FOLDER.iterdir())
PAGE_BYTES_MAX = 6_000_000


def test_the_page_is_served_and_lets_nothing_else_in(server: Served) -> None:
    reply = server.http.get("/")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (reply.headers["X-Content-Type-Options"], reply.headers["Referrer-Policy"]) == ("nosniff", "no-referrer")


@pytest.mark.parametrize("name", NAMES)
def test_each_file_comes_packed_once_and_then_not_again(server: Served, name: str) -> None:
    first = server.http.get(f"/live/{name}", headers={"Accept-Encoding": "gzip"})
    assert (first.status_code, first.headers["Content-Encoding"]) == (200, "gzip")
    assert first.content == (FOLDER / name).read_bytes()
    again = server.http.get(f"/live/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = server.http.get(f"/live/{name}", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == first.content


@pytest.mark.parametrize("name", ["nothing.js", "..%2F..%2Fpyproject.toml", "%2Fetc%2Fpasswd", "", "index.html%00"])
def test_nothing_else_is_served(server: Served, name: str) -> None:
    assert server.http.get(f"/live/{name}").status_code == 404


def test_the_whole_page_is_small(server: Served) -> None:
    names = [*NAMES, "charts.lib.js"]
    assert sum(len(server.http.get(f"/live/{name}").content) for name in names) < PAGE_BYTES_MAX


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith((".js", ".html"))])
def test_text_is_never_made_markup_and_nothing_is_fetched_from_elsewhere(name: str) -> None:
    text = (FOLDER / name).read_text()
    banned = ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
    banned += ['"style"', " style=", "javascript:"]
    assert not [word for word in banned if word in text]
    addresses = set(re.findall(r"https?://[^\"'\s)]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}


def test_every_module_that_is_needed_at_first_is_loaded_at_once() -> None:
    page = (FOLDER / "index.html").read_text()
    needed: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        for found in re.findall(
            r"^import .*?from \"\./([\w.]+)\";", (FOLDER / waiting.pop()).read_text(), re.MULTILINE
        ):
            if found not in needed:
                needed.add(found)
                waiting.append(found)
    assert set(re.findall(r'modulepreload" href="/live/([\w.]+)"', page)) == needed
