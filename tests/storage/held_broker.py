"""A broker that can be frozen, and a proxy before it that can hold back requests, swallow answers and go away."""

import contextlib
import socket
import threading
from collections.abc import Callable

from roomstate.broker.node import BrokerNode


class HeldBroker:
    """`url` leads through the proxy, `node.url` straight to the broker."""

    def __init__(self, node: BrokerNode, port: int, behind: int) -> None:
        """Shape: the proxy's port and the broker's listener behind it, which is advertised as the proxy's."""
        self.node = node
        self.url = f"kafka://127.0.0.1:{port}"
        self.is_holding = False
        """Keep what clients send."""
        self.swallow_answers = False
        self._address = ("127.0.0.1", port)
        self._behind = ("127.0.0.1", behind)
        self._held: list[tuple[socket.socket, bytes]] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.come_back()

    def come_back(self) -> None:
        """Take connections."""
        self._listener = socket.create_server(self._address)
        self._start(self._accept, self._listener)

    def go_away(self) -> None:
        """Take none any more and break those that there are."""
        self._sockets.append(self._listener)
        self.cut()

    def cut(self) -> None:
        """Break all connections."""
        for used in self._sockets:
            with contextlib.suppress(OSError):
                used.shutdown(socket.SHUT_RDWR)

    def release(self) -> int:
        """Pass on what was held; return how many bytes."""
        held, self._held = self._held, []
        for broker, sent in held:
            broker.sendall(sent)
        return sum(len(sent) for _, sent in held)

    def close(self) -> None:
        """End the proxy."""
        self.go_away()
        for thread in self._threads:
            thread.join()
        for used in self._sockets:
            used.close()

    def _start(self, work: Callable[..., None], *used: socket.socket) -> None:
        def run() -> None:
            with contextlib.suppress(OSError):
                work(*used)

        thread = threading.Thread(target=run)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                client, _ = listener.accept()
                broker = socket.create_connection(self._behind)
                self._sockets += [client, broker]
                self._start(self._pass_on, client, broker)
                self._start(self._pass_back, broker, client)

    def _pass_on(self, client: socket.socket, broker: socket.socket) -> None:
        while sent := client.recv(1 << 16):
            if self.is_holding:
                self._held.append((broker, sent))
            else:
                broker.sendall(sent)

    def _pass_back(self, broker: socket.socket, client: socket.socket) -> None:
        while answered := broker.recv(1 << 16):
            if not self.swallow_answers:
                client.sendall(answered)
