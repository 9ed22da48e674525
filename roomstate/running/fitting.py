"""Whether settings go together for `roomstate up`, which runs everything on this machine."""

from typing import Final

from storage.settings import PREFIX, Settings, SettingsError

_PORT_MAX: Final = 65535


def require_fitting(settings: Settings) -> None:
    """Return if `up` can start with these settings.

    Raises: SettingsError naming the variable that does not fit, or is missing where nothing here can keep a secret.
    """
    if settings.processors > 1 and settings.is_log_embedded:
        raise SettingsError(
            f"{PREFIX}PROCESSORS={settings.processors}: on the SQLite log one processor works at a time;"
            " leave it at 1, or name a kafka:// log with ROOMSTATE_LOG_URL"
        )
    if settings.processors > settings.partition_count:
        raise SettingsError(
            f"{PREFIX}PROCESSORS={settings.processors}: of {settings.partition_count} partitions each is one"
            " processor's; name no more than that"
        )
    if not settings.is_log_embedded and settings.store_url is not None:
        settings.signing_secret()
        settings.bearer_token()
    taken = {settings.port: "PORT"}
    for name, port in _further_ports(settings):
        if port > _PORT_MAX:
            raise SettingsError(f"{PREFIX}{name}: each processor takes one more port, and {port} is none; name another")
        if port and port in taken:
            raise SettingsError(f"{PREFIX}{name}={port}: that is {PREFIX}{taken[port]} already; name another")
        taken[port] = name


def processor_ports(settings: Settings) -> list[int | None]:
    """Return the port of each processor's /healthz and /metrics: the one that is set and those that follow it."""
    first = settings.processor_port
    return [None if first is None else first + number for number in range(settings.processors)]


def _further_ports(settings: Settings) -> list[tuple[str, int]]:
    own_store = [("STORE_PORT", settings.store_port)] if settings.store_url is None else []
    return own_store + [("PROCESSOR_PORT", port) for port in processor_ports(settings) if port is not None]
