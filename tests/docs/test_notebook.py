"""docs/notebook.ipynb runs from top to bottom against the real engine, and shows what the committed one shows."""

import asyncio
from urllib.parse import urlsplit

import nbformat

from tests.docs.notebook_page import NOTEBOOK, executed, shown_texts
from tests.docs.stored_evening import store_evening
from tests.fixtures_store import EmbeddedStore


def test_the_notebook_runs_and_shows_what_it_showed(embedded_store: EmbeddedStore, store_database: str) -> None:
    asyncio.run(store_evening(store_database))
    database = urlsplit(store_database).path.strip("/")
    shown = shown_texts(executed(embedded_store.analyst_url(database)))
    committed = shown_texts(nbformat.read(NOTEBOOK, as_version=4))
    assert shown.count("a plot") == 4
    assert shown == committed, "if the notebook is to follow: python -m tests.docs.notebook_page"


def test_the_notebook_is_small_and_has_nothing_of_this_machine() -> None:
    text = NOTEBOOK.read_text()
    assert len(text) < 150_000
    assert [path for path in ("/work", "/tmp", "/home", "/root") if f"{path}/" in text] == []
