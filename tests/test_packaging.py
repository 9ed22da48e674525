"""The application as it is installed: our own packages, under plain names that others use too, and their data."""

import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PIP_WHEEL = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
PACKAGES = ("state_machine", "storage", "ingest", "processors", "roomstate")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Return the wheel, built with what is installed and nothing from an index."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [*PIP_WHEEL, "--wheel-dir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("name", PACKAGES)
def test_our_packages_are_the_ones_imported(name: str) -> None:
    module = importlib.import_module(name)
    assert Path(str(module.__file__)).is_relative_to(ROOT)


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_owns_our_names(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, [])
    assert set(owners) <= {"room-state-metrics"}


def test_the_wheel_holds_every_data_file_and_no_test(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    migrations = {f"storage/migrations/{path.name}" for path in (ROOT / "storage/migrations").glob("*.sql")}
    queries = {f"dashboards/queries/{path.name}" for path in (ROOT / "dashboards/queries").glob("*.sql")}
    assert migrations
    assert queries
    assert migrations | queries <= names
    assert "roomstate/recorded/loop_client_traces.json" in names
    assert "dashboards/grafana/dashboards/rooms-now.json" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
    assert not [name for name in names if name.startswith("dashboards/") and name.endswith(".py")]


def test_the_locks_hold_every_dependency_and_name_no_index() -> None:
    locked = [
        line
        for name in ("requirements.lock", "requirements-dev.lock")
        for line in (ROOT / name).read_text().splitlines()
    ]
    assert all("==" in line and "://" not in line and not line.startswith("-") for line in locked)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {line.split("==")[0].lower().replace("_", "-") for line in locked}
    missing = [need for need in wanted if need.split(">=")[0].split("[")[0].lower().replace("_", "-") not in names]
    assert not missing, "run `make lock`"
