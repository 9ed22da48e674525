"""Sockets to Kafka brokers that are closed when connecting fails; kafka-python leaves them to the garbage collector."""

import socket
import ssl
from collections.abc import Iterable
from typing import Any, Final
from weakref import WeakSet

from kafka.net.inet import KafkaNetSocket

DIRECT: Final = "roomstate-direct://"
"""As a client's `proxy_url`: no proxy, but the sockets of this module."""


class DirectSocket(KafkaNetSocket):  # type: ignore[misc]
    """Connects without a proxy; kafka-python finds it by its scheme."""

    SCHEMES = (DIRECT.removesuffix("://"),)

    async def connect(
        self, net: Any, addrinfo: tuple[Any, ...], socket_options: Iterable[Any] = (), timeout_at: float | None = None
    ) -> socket.socket:
        """Return a connected socket."""
        family, kind, protocol, _, address = addrinfo
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            for option in socket_options:
                made.setsockopt(*option)
            await self.sock_connect(net, made, address, timeout_at=timeout_at)
        except BaseException:  # also when the client is closed meanwhile
            made.close()
            raise
        return made


class TlsSocket(ssl.SSLSocket):
    """Closes itself when its handshake fails."""

    def do_handshake(self, block: bool = False) -> None:
        """Go on with the handshake."""
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


_HANDSHAKING: WeakSet[TlsSocket] = WeakSet()


def close_handshakes(context: ssl.SSLContext) -> None:
    """Close the sockets of this context whose handshake has not ended."""
    for unfinished in [found for found in list(_HANDSHAKING) if found.context is context]:
        _HANDSHAKING.discard(unfinished)
        unfinished.close()
