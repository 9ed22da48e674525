"""Ports, looked at before anything is started: one in use is one clear line, not a half-started pipeline."""

import errno
import random
import socket
from typing import Final

from roomstate.refusals import CommandRefused

_ORDINARY: Final = range(12_000, 32_000)
"""Below those that systems give to outgoing connections (Linux: from 32768), which may take one at any moment."""


def require_free_port(host: str, port: int, option: str) -> None:
    """Return if the port can be listened on now.

    Raises: CommandRefused naming the option that would change it.
    """
    try:
        _bound(host, port).close()
    except OSError as error:
        raise CommandRefused(
            f"port {port} of {host} can't be listened on ({error.strerror});"
            f" stop what uses it or name another with {option}"
        ) from error


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody listened on a moment ago, and that no outgoing connection gets.

    Raises: OSError if there is none.
    """
    for port in random.sample(_ORDINARY, 100):
        try:
            _bound(host, port).close()
        except OSError:
            continue
        return port
    raise OSError(errno.EADDRINUSE, f"no port of {host} was found free")


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
