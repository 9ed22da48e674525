"""The command line: help, exit codes, and that whatever is refused is refused in one line."""

import importlib
import socket
from pathlib import Path

import pytest

from roomstate import refusals
from roomstate.cli import make_app, run
from roomstate.settings_options import HELP, environment_of
from storage.settings import Settings, load_settings
from tests.fixtures_store import free_port

COMMANDS = sorted(
    str(command.callback.__name__).replace("_", "-") for command in make_app().registered_commands if command.callback
)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Run a command that is to be refused; return its exit code and its one line."""
    code = run(arguments)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    return code, lines[0]


def test_there_are_the_commands_that_were_promised() -> None:
    promised = {"up", "ingest", "processor", "store", "migrate", "demo", "replay", "simulate", "verify", "query"}
    assert promised <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    assert f"roomstate {command}" in capsys.readouterr().out


def test_every_setting_is_an_option_with_help() -> None:
    assert set(HELP) == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["dance"], "No such command 'dance'"),
        (["query"], "Missing argument 'SQL'"),
        (["up", "--simulate", "many"], "Invalid value for '--simulate'"),
        (["up", "--simulate", "-1"], "--simulate"),
        (["replay", "nowhere.json"], "nowhere.json"),
        (["up", "--dance"], "--dance"),
    ],
)
def test_wrong_use_is_refused_with_2(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, line = refused(capsys, *arguments)
    assert code == 2
    assert said in line


@pytest.mark.parametrize(
    ("option", "value"),
    [("--port", "many"), ("--store-port", "70000"), ("--client-ip", "half"), ("--log-url", "redis://x")],
)
def test_a_wrong_setting_is_refused_with_2_and_its_name(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, "up", option, value)
    assert code == 2
    assert f"ROOMSTATE_{option.removeprefix('--').replace('-', '_').upper()}='{value}'" in line


def test_a_wrong_secret_is_not_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOMSTATE_PORT", "x")
    monkeypatch.setenv("ROOMSTATE_API_TOKEN", "hush-hush")
    code, line = refused(capsys, "up")
    assert code == 2
    assert "hush-hush" not in line


def test_the_environment_counts_and_an_option_counts_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROOMSTATE_PARTITIONS", "nine")
    assert refused(capsys, "verify")[1].startswith("roomstate: ROOMSTATE_PARTITIONS='nine'")
    assert "there is no log in" in refused(capsys, "verify", "--partitions", "9")[1]


def test_a_port_in_use_is_refused_with_1_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for option, other in (("--port", "--store-port"), ("--store-port", "--port")):
            code, line = refused(
                capsys, "up", "--data-dir", str(tmp_path / "d"), option, str(port), other, str(free_port())
            )
            assert code == 1
            assert f"port {port}" in line
            assert option in line
    assert not (tmp_path / "d" / "store").exists()


@pytest.mark.parametrize("command", ["up", "ingest", "processor", "store"])
def test_a_folder_that_cannot_be_written_is_refused_with_1(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    code, line = refused(capsys, command, "--data-dir", str(tmp_path / "file" / "data"))
    assert code == 1
    assert "--data-dir" in line


def test_a_log_with_other_partitions_is_refused_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from storage.sqlite_log import SqliteLog  # noqa: PLC0415

    SqliteLog(tmp_path / "log.db", partitions=3).close()
    code, line = refused(
        capsys, *("up", "--data-dir", str(tmp_path), "--port", str(free_port()), "--store-port", str(free_port()))
    )
    assert code == 1
    assert "3" in line


@pytest.mark.parametrize("arguments", [["query", "SELECT 1"], ["migrate"]])
def test_a_store_that_does_not_run_is_refused_with_1(
    arguments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, line = refused(capsys, *arguments, "--data-dir", str(tmp_path), "--store-port", str(free_port()))
    assert code == 1
    assert "roomstate up" in line


def test_no_token_is_made_up_for_an_ingest_that_runs_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, "simulate")
    assert code == 1
    assert "there is no token in" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["replay", "simulate"])
def test_traffic_to_nobody_is_refused_with_1(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMSTATE_API_TOKEN", "any")
    code, line = refused(capsys, command, "--port", str(free_port()))
    assert code == 1
    assert "does not answer" in line


def test_every_refusal_names_a_class_that_exists() -> None:
    for name in refusals.EXIT_CODES:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(importlib.import_module(module), kind), Exception)


def test_a_bug_is_no_refusal() -> None:
    assert refusals.refusal_of(AssertionError("a bug")) is None


def test_of_several_errors_at_once_the_first_is_told() -> None:
    group = ExceptionGroup("several", [refusals.CommandRefused("no\n way"), ValueError("other")])
    assert refusals.refusal_of(group) == refusals.Refusal("no way", 1)


def test_a_child_gets_every_setting_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(port="81", allowed_origins="http://a, http://b", api_token="t", data_dir="x/y")
    given = environment_of(settings)
    assert set(given) == {f"ROOMSTATE_{name}" for name in ("PORT", "ALLOWED_ORIGINS", "API_TOKEN", "DATA_DIR")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert load_settings().model_dump() == settings.model_dump()


@pytest.mark.parametrize("url", ["nonsense", "ftp://host/x", "http:///x"])
def test_a_store_url_that_is_none_is_refused_at_once(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMSTATE_STORE_URL", url)
    code, line = refused(capsys, "up")
    assert code == 2
    assert "ROOMSTATE_STORE_URL" in line
    assert "use http[s]://user:password@host:port/database" in line
