"""docs/querying.md: its questions, asked on the real engine; run as a command it writes their answers anew.

A question is a fenced block `sql`, or `sh` with curl; the fenced block `text` after it is its answer.
"""

import asyncio
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from roomstate.ports import free_port
from storage.migrate import migrate
from tests.docs.stored_evening import store_evening
from tests.fixtures_store import EmbeddedStore

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "querying.md"
_ASKED: Final = re.compile(r"```(sql|sh)\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
_CURL: Final = 'curl -sS "$CLICKHOUSE" --data-binary @-'


def asked(page: str) -> Iterator[re.Match[str]]:
    """Yield each question with its answer: language, question, answer."""
    yield from _ASKED.finditer(page)


def answer(language: str, question: str, store: EmbeddedStore, database: str) -> str:
    """Return what the reading user is answered, as a shell prints it."""
    url = f"{store.base_url}/?database={database}&default_format=PrettyCompactMonoBlock"
    script = question if language == "sh" else _CURL
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        input="" if language == "sh" else question,
        env={"PATH": os.environ["PATH"], "CLICKHOUSE": url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def written_anew(page: str, store: EmbeddedStore, database: str) -> str:
    """Return the page with every answer as it is now."""

    def replaced(found: re.Match[str]) -> str:
        language, question, _ = found.groups()
        return f"```{language}\n{question}```\n\n```text\n{answer(language, question, store, database)}```"

    return _ASKED.sub(replaced, page)


def main() -> None:
    """Write the page anew, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), free_port())
        store.start()
        try:
            asyncio.run(prepare(store.url("evening")))
            PAGE.write_text(written_anew(PAGE.read_text(), store, "evening"))
        finally:
            store.stop()


async def prepare(url: str) -> None:
    """Make the database and store the evening in it."""
    await migrate(url)
    await store_evening(url)


if __name__ == "__main__":
    main()
