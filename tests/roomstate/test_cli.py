"""The command line: help, exit codes, and that whatever is refused is refused in one line."""

import importlib
import socket
from pathlib import Path

import pytest

from roomstate import refusals
from roomstate.cli import make_app, run
from roomstate.ports import free_port
from roomstate.settings_options import HELP, environment_of
from storage.settings import Settings, load_settings

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
    promised = {
        "up",
        "ingest",
        "processor",
        "store",
        "migrate",
        "demo",
        "replay",
        "simulate",
        "verify",
        "query",
        "chaos",
    }
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
        (["dance"], "No such command 'dance'; see roomstate --help"),
        (["query"], "Missing argument 'SQL'; see roomstate query --help"),
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
    [
        *(("--port", "many"), ("--store-port", "70000"), ("--client-ip", "half"), ("--log-url", "redis://x")),
        *(("--allowed-origins", "localhost:3000"), ("--nodes", "[1]"), ("--nodes", "no-such-file")),
        ("--ingest-processes", "0"),
    ],
)
def test_a_wrong_setting_is_refused_with_2_and_the_name_it_was_given_by(
    option: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, line = refused(capsys, "up", option, value)
    assert code == 2
    assert f"{option}='{value}': " in line
    variable = f"ROOMSTATE_{option.removeprefix('--').replace('-', '_').upper()}"
    monkeypatch.setenv(variable, value)
    code, line = refused(capsys, "up")
    assert code == 2
    assert f"{variable}='{value}': " in line


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ROOMSTATE_LOG_URL", "kafka://ada:hush-hush@broker:99999"),
        ("ROOMSTATE_LOG_URL", "kafka://broker?ssl_password=hush-hush&colour=red"),
        ("ROOMSTATE_STORE_URL", "ftp://ada:hush-hush@store"),
        ("ROOMSTATE_PORT", "x"),
    ],
)
def test_no_secret_is_shown_in_an_error(
    variable: str, value: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMSTATE_API_TOKEN", "hush-hush")
    monkeypatch.setenv(variable, value)
    code, line = refused(capsys, "up")
    assert code == 2
    assert variable in line
    assert "hush" not in line


def test_the_log_url_is_a_secret_to_whoever_prints_settings() -> None:
    settings = load_settings(log_url="kafka://ada:hush-hush@broker")
    assert "hush" not in f"{settings!r} {settings}"
    assert environment_of(settings)["ROOMSTATE_LOG_URL"] == "kafka://ada:hush-hush@broker"


@pytest.mark.parametrize("name", ["SECRET", "PREVIOUS_SECRET", "API_TOKEN", "MANAGEMENT_TOKEN"])
def test_a_secret_that_is_set_to_nothing_is_refused(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"ROOMSTATE_{name}", " ")
    code, line = refused(capsys, "up")
    assert code == 2
    assert f"ROOMSTATE_{name}=(not shown): it is empty" in line


def test_nodes_may_stand_in_a_file(tmp_path: Path) -> None:
    nodes = '[{"role": "edge", "address": "e.example", "region": "eu"}]'
    (tmp_path / "nodes.json").write_text(nodes)
    assert load_settings(nodes=nodes).nodes == nodes
    assert load_settings(nodes=str(tmp_path / "nodes.json")).nodes


def test_a_variable_that_is_no_setting_is_told_with_the_one_that_may_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOMSTATE_PROT", "80")
    (tmp_path / ".env").write_text("ROOMSTATE_XYZZY=1\nROOMSTATE_PORT=81\nOTHER=2\n")
    run(["migrate", "--dance"])
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == [
        "roomstate: ROOMSTATE_PROT is no setting; is ROOMSTATE_PORT meant?",
        "roomstate: ROOMSTATE_XYZZY is no setting",
    ]
    assert len(told) == 3


def test_the_version_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("roomstate 0.")


def test_secrets_are_wanted_where_nothing_here_could_keep_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, "up", "--log-url", "kafka://localhost", "--store-url", "http://u:p@localhost/x")
    assert code == 2
    assert "ROOMSTATE_SECRET must be set" in line
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--processors", "2"], "ROOMSTATE_PROCESSORS=2: on the SQLite log one processor works at a time"),
        (
            ["--processors", "5", "--log-url", "kafka://localhost", "--partitions", "4"],
            "ROOMSTATE_PROCESSORS=5: of 4 partitions each is one processor's",
        ),
        (["--port", "8123"], "ROOMSTATE_STORE_PORT=8123: that is ROOMSTATE_PORT already"),
        (["--processor-port", "8080"], "ROOMSTATE_PROCESSOR_PORT=8080: that is ROOMSTATE_PORT already"),
        (
            ["--processor-port", "65535", "--processors", "2", "--log-url", "kafka://localhost"],
            "ROOMSTATE_PROCESSOR_PORT: each processor takes one more port, and 65536 is none",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused_with_2_before_anything_starts(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = refused(capsys, "up", *arguments)
    assert code == 2
    assert said in line
    assert not (tmp_path / "data").exists()


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
