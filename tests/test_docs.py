"""The documents, held against what they name."""

import re
from pathlib import Path

from roomstate.cli import make_app
from storage.metric_list import METRICS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(path.read_text() for path in DOCUMENTS)


def test_every_link_leads_somewhere() -> None:
    links = [
        (path.name, target)
        for path in DOCUMENTS
        for target in re.findall(r"\]\(([^)#]+)", path.read_text())
        if not target.startswith("http") and not (path.parent / target).exists()
    ]
    assert links == []


def test_every_command_is_told_of() -> None:
    names = {
        command.name or str(getattr(command.callback, "__name__", "")) for command in make_app().registered_commands
    }
    assert len(names) > 10
    assert {
        name for name in (n.replace("_", "-") for n in names) if not re.search(rf"roomstate {name}\b|`{name}`", TEXT)
    } == set()


def test_every_alert_is_on_a_metric_that_there_is() -> None:
    section = (ROOT / "docs" / "operating.md").read_text().split("\n## Alerts\n")[1]
    told = set(re.findall(r"(roomstate_[a-z_]+?)(?:_bucket)?[`{) \[]", section))
    assert len(told) > 8
    assert told - {metric.name for metric in METRICS} == set()
