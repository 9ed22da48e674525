"""Starting the embedded store: everything that can be wrong is found, and told in one line, before the engine runs."""

import logging
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from storage.embedded.analyst_settings import AnalystLimits
from storage.embedded.fence import raise_fence
from storage.embedded.folder import StoreFolder, StoreStartError
from storage.settings import Settings, SettingsError, kept_secret

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """What readers may take at most; `analyst_queries` of analysts run side by side."""

    analyst: AnalystLimits = field(default_factory=AnalystLimits)
    analyst_queries: int = 4


def limits_of(settings: Settings) -> StoreLimits:
    """Return the limits that the settings name."""
    mib = 1 << 20
    return StoreLimits(
        AnalystLimits(
            time_s=settings.analyst_time_s,
            memory_bytes=settings.analyst_memory_mib * mib,
            result_bytes=settings.analyst_result_mib * mib,
        )
    )


def run_store(data_dir: Path, host: str = "127.0.0.1", port: int = 8123, limits: StoreLimits | None = None) -> None:
    """Serve the store of a data folder until SIGTERM or SIGINT.

    Raises: SystemExit with code 1, after one line on stderr, if it can't start.
    """
    try:
        folder = StoreFolder(data_dir)
        password = kept_secret(data_dir / "store.password")
        listener = _listen(host, port)
        is_fenced = raise_fence(folder.path)
        os.chdir(folder.empty)
        os.environ["TMPDIR"] = str(folder.scratch)
        # Only now: the engine starts threads when it is loaded, and the fence holds for later threads alone.
        from storage.embedded.serving import Serving  # noqa: PLC0415

        serving = Serving(folder, password, limits or StoreLimits())
    except (StoreStartError, SettingsError, OSError) as error:
        print(f"store: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    fenced = "files fenced by Landlock" if is_fenced else "this kernel has no Landlock, files are not fenced"
    log.info("store: engine %s on %s, http://%s:%d, %s", serving.version, folder.path, host, port, fenced)
    serving.run(listener)
    log.info("store: stopped")


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound. Raises: StoreStartError if the port is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise StoreStartError(f"cannot listen on {host}:{port} ({error.strerror}); name another port") from error
    return listener
