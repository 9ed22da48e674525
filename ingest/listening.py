"""The socket that ingest listens on: made before anything else, so that a port in use is one clear line."""

import socket
from typing import Final

BACKLOG: Final = 2048
"""Connections that wait to be accepted; more are turned away by the kernel."""


class PortInUse(Exception):
    """The address can't be listened on; one line that says what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; port 0 takes a free one.

    Raises: PortInUse.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"ROOMSTATE_PORT={port}: {host}:{port} can't be listened on ({error.strerror});"
            " stop what uses it or name another"
        ) from error
    listener.setblocking(False)
    return listener
