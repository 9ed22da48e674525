"""The rules of this code that no linter knows, each checked over every file."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import LONGEST

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("state_machine", "storage", "ingest", "processors", "roomstate")
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
TEST_FUNCTION_LINES_MAX = 60
FORBIDDEN_STEMS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"""["'\s(=](/work/|/root/|/home/|/Users/)""")
ENTRY_POINTS = {"roomstate.__main__", "roomstate.cli", "storage.embedded.__main__", "storage.faust_sqlite"}


def tracked() -> list[Path]:
    """Return every file that is part of the project, also those not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


TRACKED = tracked()
PYTHON = [path for path in TRACKED if path.suffix == ".py"]
PRODUCT = [path for path in PYTHON if path.relative_to(ROOT).parts[0] in PACKAGES]
TREES = {path: ast.parse(path.read_text()) for path in PYTHON}


def named(path: Path) -> str:
    """Return a file's name as a person looks for it."""
    return str(path.relative_to(ROOT))


def module_name(path: Path) -> str:
    """Return the name that the file is imported by."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield every module that may be meant by an import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_files_hold_one_idea() -> None:
    long = {named(path): lines for path in PYTHON if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX}
    assert not long, f"more than {FILE_LINES_MAX} lines; split by idea"


def test_functions_fit_on_a_screen() -> None:
    long = []
    for path, tree in TREES.items():
        most = FUNCTION_LINES_MAX if path in PRODUCT else TEST_FUNCTION_LINES_MAX
        for function in functions(tree):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > most:
                long.append(f"{named(path)}:{function.lineno} {function.name}: {lines} lines, at most {most}")
    assert not long


def test_names_of_files_say_what_is_in_them() -> None:
    assert not [named(path) for path in PYTHON if path.stem.lstrip("_") in FORBIDDEN_STEMS]


def test_every_module_says_what_it_is() -> None:
    assert not [named(path) for path, tree in TREES.items() if not ast.get_docstring(tree)]


@pytest.mark.parametrize(("pattern", "why"), [(UNFINISHED, "finish it"), (MACHINE_PATH, "a path of one machine")])
def test_nothing_is_left_over(pattern: re.Pattern[str], why: str) -> None:
    texts = [path for path in TRACKED if path.suffix in {".py", ".md", ".sql", ".toml"} or path.name == "Makefile"]
    found = [
        f"{named(path)}:{number}: {line.strip()[:80]}"
        for path in texts
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, why


def test_run_time_checks_are_no_assert_statements() -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for path in PRODUCT
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Assert)
    ]
    assert not found, "python -O removes them; raise AssertionError"


def test_everything_is_swallowed_at_one_place_a_file_at_most() -> None:
    found = {}
    for path in PRODUCT:
        handlers = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.ExceptHandler)]
        broad = [
            node
            for node in handlers
            if (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            )
            and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
        ]
        if len(broad) > 1:
            found[named(path)] = [node.lineno for node in broad]
    assert not found


def test_only_the_command_line_prints() -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for path in PRODUCT
        if path.relative_to(ROOT).parts[0] != "roomstate"
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and not any(keyword.arg == "file" for keyword in node.keywords)
    ]
    assert not found


def test_no_module_is_dead() -> None:
    used = {name for tree in TREES.values() for name in imports(tree)}
    modules = {module_name(path) for path in PRODUCT if path.stem != "__init__"}
    assert not sorted(modules - used - ENTRY_POINTS)


def test_tests_are_no_packages() -> None:
    assert not [named(path) for path in PYTHON if path.parts[len(ROOT.parts)] == "tests" and path.stem == "__init__"]


def test_the_files_that_are_run_first_are_there() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).is_file()] == []
