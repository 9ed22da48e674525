"""The data folder: that it can be written, whose token is in it, and that only one `roomstate up` works on it."""

import fcntl
import os
from pathlib import Path

from roomstate.refusals import CommandRefused
from storage.settings import Settings


def require_writable(folder: Path) -> None:
    """Make the folder if it is missing.

    Raises: CommandRefused if nothing can be written there.
    """
    probe = folder / f".write-probe-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandRefused(
            f"the data folder {folder} can't be written ({error.strerror}); name another with --data-dir"
        ) from error


def existing_token(settings: Settings) -> str:
    """Return the bearer token of an ingest that runs: the one that is set, or the one in its data folder.

    Raises: CommandRefused if there is neither; a token made up here would be nobody's.
    """
    if settings.api_token is None and not (settings.data_dir / "api_token").exists():
        raise CommandRefused(
            f"there is no token in {settings.data_dir.absolute()}; name the data folder of the running ingest with"
            " --data-dir, or give its token with ROOMSTATE_API_TOKEN"
        )
    return settings.bearer_token()


class FolderLock:
    """Holds a data folder for one `roomstate up`; the kernel gives it free however that ends."""

    def __init__(self, folder: Path) -> None:
        """Take the folder.

        Raises: CommandRefused if another process holds it or it can't be written.
        """
        require_writable(folder)
        self._descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._descriptor)
            raise CommandRefused(
                f"the data folder {folder} is in use by another `roomstate up` (process {holder});"
                " stop that one or name another folder with --data-dir"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others have the folder."""
        os.close(self._descriptor)
