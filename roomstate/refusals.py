"""Which errors are refusals that a person can act on, and with which exit code the command then ends.

The table names classes instead of importing them: importing all of them would load the store's client, the HTTP server
and the engine into every command. A test holds that each name exists.
"""

from typing import Final, NamedTuple

WRONG_USE: Final = 2
REFUSED: Final = 1

EXIT_CODES: Final = {
    "typer._click.exceptions.ClickException": WRONG_USE,
    "storage.settings.SettingsError": WRONG_USE,
    "roomstate.refusals.CommandRefused": REFUSED,
    "ingest.listening.PortInUse": REFUSED,
    "processors.worker.WorkerFailed": REFUSED,
    "processors.operation.PortInUse": REFUSED,
    "storage.event_log.LogMismatch": REFUSED,
    "storage.event_log.LogUnavailable": REFUSED,
    "storage.migrate.MigrationError": REFUSED,
    "storage.store_errors.StoreError": REFUSED,
    "storage.embedded.engine_errors.EngineError": REFUSED,
}


class CommandRefused(Exception):
    """A command can't do what was asked; one line that says why and what to do."""


class Refusal(NamedTuple):
    """What a command that ends early says, and its exit code."""

    line: str
    exit_code: int


def refusal_of(error: BaseException) -> Refusal | None:
    """Return what to say of the error (of several at once: of the first), or None if it is no refusal but a bug."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    for kind in type(error).__mro__:
        exit_code = EXIT_CODES.get(f"{kind.__module__}.{kind.__qualname__}")
        if exit_code is not None:
            return Refusal(_one_line(error), exit_code)
    return None


def _one_line(error: BaseException) -> str:
    format_message = getattr(error, "format_message", None)
    text = " ".join(str(format_message() if callable(format_message) else error).split())
    context = getattr(error, "ctx", None)  # of wrong use: which command was meant
    return text if context is None or not text else f"{text.rstrip('.')}; see {context.command_path} --help"
