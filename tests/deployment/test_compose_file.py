"""The compose file and the image, held against what they name."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.deployment.compose_file import (
    COMPOSE_FILE,
    OURS,
    ROOT,
    NotSet,
    required_variables,
    services,
    unguarded_variables,
)
from tests.fixtures_store import EmbeddedStore

SECRETS = {name: f"{name.lower()}0123456789" for name in required_variables()}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROVISIONING = ROOT / "dashboards" / "grafana" / "provisioning"


def schema_check(path: Path) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_is_valid_by_the_specifications_own_schema(tmp_path: Path) -> None:
    checked = schema_check(COMPOSE_FILE)
    assert checked.returncode == 0, checked.stdout
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE_FILE.read_text().replace("healthcheck:", "healthchecks:"))
    assert schema_check(broken).returncode == 1


def test_nothing_starts_with_an_empty_secret() -> None:
    assert unguarded_variables() == set()
    services(SECRETS)
    for name in SECRETS:
        with pytest.raises(NotSet, match=name):
            services({**SECRETS, name: ""})


def test_the_example_names_every_secret_and_fills_in_none() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {f"{name}=" for name in SECRETS}


def test_every_image_has_its_version() -> None:
    for name, service in services(SECRETS).items():
        assert re.search(r":\d+\.\d+\.\d+(\.\d+)?$", service["image"]), name
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.search(r":\d+\.\d+\.\d+", image), image


def test_every_service_that_stays_says_whether_it_is_healthy() -> None:
    found = services(SECRETS)
    assert {name for name in found if "healthcheck" not in found[name]} == {"migrate"}
    assert found["ingest"]["deploy"]["replicas"] == found["processor"]["deploy"]["replicas"] == 2


def test_our_services_run_as_nobody_in_particular() -> None:
    assert re.findall(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE) == ["roomstate"]
    for name in OURS:
        service = services(SECRETS)[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_what_is_mounted_is_there() -> None:
    for service in services(SECRETS).values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (ROOT / source).exists(), volume


def test_ports_are_open_to_this_host_alone() -> None:
    ports = [port for service in services(SECRETS).values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_takes_every_package_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied | {"requirements.lock", "pyproject.toml", "README.md"} == let_through


def test_the_image_leaves_out_the_embedded_engine_and_nothing_else() -> None:
    pattern = re.search(r"--extended-regexp '([^']+)'", DOCKERFILE)
    assert pattern is not None
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    left_out = {line.split("==")[0] for line in locked if re.search(pattern[1], line)}
    assert left_out == {"chdb", "chdb-core"}


def test_grafana_is_given_every_variable_that_its_data_source_names() -> None:
    given = services(SECRETS)["grafana"]["environment"]
    source = (PROVISIONING / "datasources" / "clickhouse.yaml").read_text()
    assert set(re.findall(r"\$(\w+)", source)) <= set(given)
    assert yaml.safe_load(source)["datasources"][0]["type"] == given["GF_PLUGINS_PREINSTALL_SYNC"].split("@")[0]
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "roomstate.yaml").read_text())["providers"][0]
    mounted = [volume.split(":")[1] for volume in services(SECRETS)["grafana"]["volumes"]]
    assert provider["options"]["path"] in mounted


def test_the_reading_user_is_made_of_what_the_engine_knows(embedded_store: EmbeddedStore) -> None:
    root = ElementTree.parse(ROOT / "storage" / "clickhouse" / "analyst.xml").getroot()
    profile = root.find("profiles/analyst")
    assert profile is not None
    limits = {setting.tag: setting.text for setting in profile if setting.tag != "constraints"}
    constrained = {setting.tag: setting.findtext("max") for setting in profile.findall("constraints/*")}
    assert constrained == {name: value for name, value in limits.items() if name != "readonly"}
    names = ", ".join(f"'{name}'" for name in limits)
    known = embedded_store.run(f"SELECT count() FROM system.settings WHERE name IN ({names})")
    assert int(known) == len(limits)
    for grant in root.findall("users/analyst/grants/query"):
        embedded_store.run(f"EXPLAIN AST {grant.text} TO analyst")
    password = root.find("users/analyst/password")
    assert password is not None
    assert password.attrib["from_env"] in services(SECRETS)["clickhouse"]["environment"]
