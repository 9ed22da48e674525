"""docs/notebook.ipynb: run on the real engine; run as a command it writes what its cells show anew."""

import asyncio
import os
import tempfile
from pathlib import Path
from typing import Any, Final

import nbformat
from nbclient import NotebookClient

from roomstate.ports import free_port
from tests.docs.querying_page import ROOT, prepare
from tests.fixtures_store import EmbeddedStore

NOTEBOOK: Final = ROOT / "docs" / "notebook.ipynb"
_TIMEOUT_S: Final = 60
_SHOWN: Final = ("text/plain", "image/png")


def executed(dsn: str) -> Any:
    """Return the notebook with what its cells show when they read the store as its reading user.

    Raises: nbclient.exceptions.CellExecutionError.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    environment = {**os.environ, "CLICKHOUSE_DSN": dsn, "EVENING_ENDS": "2026-05-01 22:00"}
    client = NotebookClient(
        notebook, timeout=_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute(env=environment)
    for cell in notebook.cells:
        _clean(cell)
    return notebook


def shown_texts(notebook: Any) -> list[str]:
    """Return the texts that the cells show, in order; a plot counts by what it is."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            texts.append("a plot" if "image/png" in data else data.get("text/plain", output.get("text", "")))
    return texts


def _clean(cell: Any) -> None:
    """Leave what a reader sees, and nothing that differs from run to run."""
    cell.metadata.clear()
    for output in cell.get("outputs", ()):
        if "data" in output:
            output["data"] = {kind: value for kind, value in output["data"].items() if kind in _SHOWN}
            if "image/png" in output["data"]:
                output["data"].pop("text/plain", None)
        output.get("metadata", {}).clear()


def main() -> None:
    """Write the notebook anew, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), free_port())
        store.start()
        try:
            asyncio.run(prepare(store.url("evening")))
            nbformat.write(executed(store.analyst_url("evening")), NOTEBOOK)
        finally:
            store.stop()


if __name__ == "__main__":
    main()
