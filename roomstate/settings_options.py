"""Every setting as an option of the same name: `ROOMSTATE_STORE_PORT` is `--store-port`.

Options are taken as text and checked where the environment's values are checked, so that a wrong one is refused in
the same words. Secrets given as options can be seen by whoever lists processes; the environment is the better place.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from storage.settings import PREFIX, Settings, load_settings, option_of

OPTIONS_PANEL: Final = "Settings (also from the environment and .env, as ROOMSTATE_…)"

HELP: Final = {
    "data_dir": "Folder that keeps everything embedded. (default: ./data)",
    "log_url": "The log: sqlite:///path or kafka://host:port. (default: log.db in the data folder)",
    "store_url": "Any ClickHouse: http(s)://user:password@host:port/database. (default: the embedded store)",
    "store_cluster": "Cluster of ClickHouse servers that the store is. (default: a single server)",
    "store_port": "Port of the embedded store. (default: 8123)",
    "analyst_time_s": "Seconds that a query of the store's reading user may take. (default: 60)",
    "analyst_memory_mib": "Memory that such a query may take, in MiB. (default: 2048)",
    "analyst_result_mib": "Size of its result, in MiB. (default: 1024)",
    "host": "Address of the API. (default: 127.0.0.1)",
    "port": "Port of the API. (default: 8080)",
    "ingest_processes": "Processes that serve the API behind its port. (default: 1)",
    "processors": "Processors that `up` starts; more than 1 needs a kafka:// log. (default: 1)",
    "processor_port": "Port of a processor's /healthz and /metrics. (default: none)",
    "partitions": "Partitions of a new log. (default: 8; 32 on Kafka)",
    "secret": "Signs session tokens and keys the hashes of users. (default: made and kept in the data folder)",
    "previous_secret": "The secret before this one, while what it signed still counts. (default: none)",
    "api_token": "Bearer token of /v1/*. (default: made and kept in the data folder)",
    "participant_ttl_s": "Lease of a call's session in seconds. (default: 300)",
    "playback_ttl_s": "Lease of a playback session in seconds. (default: 7200)",
    "playback_limit": "Playback sessions per account and device type. (default: 2)",
    "playback_jwt_key": "HS256 secret or PEM public key of the playback API.",
    "playback_jwt_audience": "Audience that playback tokens must name.",
    "stream_ttl_s": "Lease of a publication in seconds; 0: until unpublish. (default: 0)",
    "management_token": "Shared password of the session control.",
    "admin_token": "accessToken of the stream directory's /admin.",
    "nodes": "Nodes of the stream directory: JSON or a file of it.",
    "allowed_origins": "Origins of pages that may read the API: comma list or *. (default: http://localhost:3000)",
    "decision_timeout_ms": "How long a request waits for a decision, in milliseconds. (default: 2000)",
    "log_timeout_ms": "How long a request waits for the log, in milliseconds. (default: 5000)",
    "retention_days": "Days for which facts are kept; 0: for ever. (default: 0)",
    "client_ip": "What is kept of client addresses: full, truncated or none. (default: full)",
}
ALL: Final = tuple(HELP)
LOG: Final = ("data_dir", "log_url", "partitions")
STORE: Final = ("data_dir", "store_url", "store_cluster", "store_port")
LEASES: Final = ("participant_ttl_s", "playback_ttl_s", "playback_limit", "stream_ttl_s")

Command = Callable[..., int | None]


def with_settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the named settings as options, and the resulting `Settings` as its argument `settings`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def run(**options: Any) -> int | None:
            chosen = {name: value for name in dict.fromkeys(names) if (value := options.pop(name)) is not None}
            return command(**options, settings=load_settings(**chosen))

        own = [parameter for parameter in _parameters(command) if parameter.name != "settings"]
        added = [_option(name) for name in dict.fromkeys(names)]
        run.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
        return run

    return decorate


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment variables that give a child process these settings."""
    dumped = settings.model_dump(include=settings.model_fields_set)
    return {f"{PREFIX}{name.upper()}": _text(value) for name, value in dumped.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if reveal else value)


def _parameters(command: Command) -> list[inspect.Parameter]:
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]


def _option(name: str) -> inspect.Parameter:
    option = typer.Option(
        option_of(name),
        help=HELP[name],
        rich_help_panel=OPTIONS_PANEL,
        show_default=False,
        metavar="VALUE",
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option]
    )
