"""A second wall under the analyst's rules: where the kernel has Landlock, this process reaches only a few folders.

Files can be written only in the store's own folder, and read only there and where programs and the system's own facts
are. It must be raised before the engine starts its threads. Source: landlock(7).
"""

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_NO_NEW_PRIVILEGES: Final = 38
_READ: Final = 0b1101
"""Execute, read a file, list a folder."""
_FILE_RIGHTS: Final = 0b111 | 1 << 14 | 1 << 15
_RIGHTS_OF_VERSIONS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_RIGHTS_NOW: Final = (1 << 16) - 1
_SYSTEM_PATHS: Final = (
    *("/usr", "/lib", "/lib64", "/bin", "/proc", "/sys", "/etc/localtime", "/etc/timezone", "/etc/hosts"),
    *("/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/ld.so.cache", "/etc/ssl"),
)
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/dev/shm", "/dev/tty")


def raise_fence(own_folder: Path) -> bool:
    """Restrict this thread and all later ones to what the store needs; return whether the kernel could.

    Raises: OSError if the kernel has Landlock but refuses.
    """
    version = _syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG) if sys.platform == "linux" else -1
    if version < 1:
        return False
    rights = _RIGHTS_OF_VERSIONS.get(version, _RIGHTS_OF_VERSIONS[3] if version < 5 else _RIGHTS_NOW)
    attributes = struct.pack("<Q", rights)
    ruleset = _checked(_syscall(_CREATE_RULESET, attributes, len(attributes), 0))
    try:
        _allow(ruleset, [own_folder], rights)
        _allow(ruleset, [Path(path) for path in _DEVICES], rights)
        _allow(ruleset, _program_folders(), _READ)
        _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _checked(_syscall(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)
    return True


def _program_folders() -> Iterable[Path]:
    """Return where Python, its packages and our own code are, and the system's facts that the engine reads."""
    yield from (Path(path) for path in _SYSTEM_PATHS)
    yield from (Path(path) for path in {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()})
    yield from (Path(path) for path in sys.path if path)
    yield Path(__file__).parent.parent


def _allow(ruleset: int, paths: Iterable[Path], rights: int) -> None:
    for path in paths:
        if not path.exists():
            continue
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            wanted = rights if path.is_dir() else rights & _FILE_RIGHTS
            rule = struct.pack("<Qi", wanted, handle)
            _checked(_syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
        finally:
            os.close(handle)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *arguments: bytes | int | None) -> int:
    return int(_libc().syscall(number, *arguments))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
