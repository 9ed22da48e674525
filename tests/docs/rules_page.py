"""docs/rules.md: its parts from the rulebook, the diagram and a real story of a session; a command writes them anew."""

import asyncio
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from ingest.native.explain import explained
from roomstate.ports import free_port
from state_machine.diagram import EDGES
from state_machine.families import WIRE_NAMES
from state_machine.rulebook import FAMILY_MEANINGS, STATE_MEANINGS, fact_rules, verdict_rules
from storage.session_story import session_page
from storage.store import Store
from tests.docs.querying_page import ROOT, prepare
from tests.fixtures_store import EmbeddedStore

PAGE: Final = ROOT / "docs" / "rules.md"
TOLD_SESSION: Final = "call-38-b"
_TOLD_FACT: Final = 4
_GUARDS: Final = {"": "", "s=0": "no send stream left", "r=0": "no receive stream left", "c=1": "one connection left"}

_PART: Final = re.compile(r"<!-- ([a-z]+) -->\n.*?<!-- end -->", re.DOTALL)


def written_anew(text: str, story: list[dict[str, Any]]) -> str:
    """Return the page with its parts as they are now; `story` are the explained facts of a session."""
    parts = {
        "words": _block(fact["words"] for fact in story),
        "because": _block(story[_TOLD_FACT]["because"]),
        "states": _table(("state", "means"), STATE_MEANINGS.items()),
        "events": _table(
            ("event", "such an event"),
            ((_named(WIRE_NAMES.get(family, ())), text) for family, text in FAMILY_MEANINGS.items()),
        ),
        "edges": _table(
            ("from", "event", "if there is", "to", "verdict"),
            (
                (edge.origin, edge.family.replace("_", " "), _GUARDS[edge.guard], edge.target, edge.verdict)
                for edge in EDGES
            ),
        ),
        "verdicts": _table(("verdict", "rule"), verdict_rules()),
        "facts": _table(("fact and reason", "rule"), fact_rules()),
    }
    return _PART.sub(lambda found: f"<!-- {found[1]} -->\n{parts[found[1]]}\n<!-- end -->", text)


async def told_story(url: str) -> list[dict[str, Any]]:
    """Return the explained facts of the session that the page tells of."""
    async with await Store.connect(url) as store:
        found = await session_page(store, TOLD_SESSION, 100, None)
    return [explained(fact) for fact in found.facts]


def _block(lines: Iterable[str]) -> str:
    return "\n".join(("```text", *lines, "```"))


def _named(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "every other name"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Write the page anew, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(Path(folder), free_port())
        store.start()
        try:
            asyncio.run(prepare(store.url("evening")))
            story = asyncio.run(told_story(store.url("evening")))
            PAGE.write_text(written_anew(PAGE.read_text(), story))
        finally:
            store.stop()


if __name__ == "__main__":
    main()
