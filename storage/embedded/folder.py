"""The store's folder: one owner at a time, written by one engine or older, spool files of a former run cleared away.

In the data folder: `store/engine` is the engine's own, `store/spool` holds data on their way in or out, `store/empty`
is the working folder of the process (the engine reads files of it by bare name), `store/scratch` is for temporary
files, `store/owner.lock` names the owner.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final

_LOCK_NAME: Final = "owner.lock"
_VERSION_NAME: Final = "engine_version"


class StoreStartError(Exception):
    """The store can't start; its text is one line that says why and what to do."""


class StoreFolder:
    """The folder, owned by this process until it ends.

    Raises: StoreStartError if it can't be written or another process owns it.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.absolute() / "store"
        self.engine = self.path / "engine"
        self.spool = self.path / "spool"
        self.empty = self.path / "empty"
        self.scratch = self.path / "scratch"
        try:
            for folder in (self.path, self.engine, self.spool, self.empty, self.scratch):
                folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self._own()
            for left in (*self.spool.iterdir(), *self.scratch.iterdir()):
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except OSError as error:
            raise StoreStartError(
                f"{self.path}: cannot be written ({error.strerror}); name a folder that can"
            ) from error

    def check_version(self, version: str) -> None:
        """Note the engine's version. Raises: StoreStartError if a newer one wrote the folder."""
        note = self.path / _VERSION_NAME
        written = note.read_text().strip() if note.exists() else ""
        if written and _release(written) > _release(version):
            raise StoreStartError(
                f"{self.path}: was written by engine {written}, this one is {version}: start the newer program, or "
                "name another folder"
            )
        if written != version:
            note.write_text(f"{version}\n")

    def _own(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._lock, 32, 0).decode(errors="replace").strip() or "unknown"
            raise StoreStartError(
                f"{self.path}: belongs to a store that runs already (process {owner}); stop it, or name another folder"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)


def _release(version: str) -> tuple[int, ...]:
    """Return year and month of a version: the engine reads what any patch of its release wrote."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
