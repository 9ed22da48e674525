"""Sockets to Kafka brokers that behave where kafka-python leaves something to be wished for.

It leaves sockets whose connecting failed to the garbage collector; these are closed. It drops what it has just read
when the connection's end comes right behind it, and with it a broker's reason for closing; these tell the end later. It
asks for 4 KiB at a time; these give more.
"""

import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final

from kafka.net.inet import KafkaNetSocket

DIRECT: Final = "roomstate-direct://"
"""As a client's `proxy_url`: no proxy, but the sockets of this module."""
_READ_BYTES: Final = 64 * 1024


class LateEnd:
    """Reads on until nothing is there, and tells of the end only when nothing was read before it."""

    _has_read = False

    def recv(self, buflen: int = 0, flags: int = 0) -> bytes:
        """Return what has come; `b""` = the end."""
        try:
            got: bytes = super().recv(max(buflen, _READ_BYTES), flags)  # type: ignore[misc]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self._has_read = False
            raise
        except OSError:
            if not self._has_read:
                raise
            got = b""
        has_read, self._has_read = self._has_read, bool(got)
        if has_read and not got:
            raise BlockingIOError("the end comes next")
        return got


class PlainSocket(LateEnd, socket.socket):
    """A socket without TLS."""


class DirectSocket(KafkaNetSocket):  # type: ignore[misc]
    """Connects without a proxy; kafka-python finds it by its scheme."""

    SCHEMES = (DIRECT.removesuffix("://"),)

    async def connect(
        self, net: Any, addrinfo: tuple[Any, ...], socket_options: Iterable[Any] = (), timeout_at: float | None = None
    ) -> socket.socket:
        """Return a connected socket."""
        family, kind, protocol, _, address = addrinfo
        made = PlainSocket(family, kind, protocol)
        try:
            made.setblocking(False)
            for option in socket_options:
                made.setsockopt(*option)
            await self.sock_connect(net, made, address, timeout_at=timeout_at)
        except BaseException:  # also when the client is closed meanwhile
            made.close()
            raise
        return made


class TlsSocket(LateEnd, ssl.SSLSocket):
    """A socket with TLS that closes itself when its handshake fails."""

    def do_handshake(self, block: bool = False) -> None:
        """Go on with the handshake."""
        _HANDSHAKING.difference_update([each for each in tuple(_HANDSHAKING) if each.fileno() < 0])
        _HANDSHAKING.add(self)
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except BaseException:
            _HANDSHAKING.discard(self)
            self.close()
            raise
        _HANDSHAKING.discard(self)


_HANDSHAKING: set[TlsSocket] = set()
"""Held here until they are closed: what waits for a handshake may be ended at any moment, and lets go of its socket."""


def close_handshakes(context: ssl.SSLContext) -> None:
    """Close the sockets of this context whose handshake has not ended."""
    for unfinished in [found for found in list(_HANDSHAKING) if found.context is context]:
        _HANDSHAKING.discard(unfinished)
        unfinished.close()
