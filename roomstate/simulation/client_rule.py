"""What the real client declares after each event: its counters, and a state computed from them.

The client does not track the diagram. It counts, and then says `sendrecv`, `sending`, `receiving` or `starting` by
which counters are not zero; two events override that. Source: contract 2.8; a test compares this with the recordings.
A client that follows the diagram says `waiting` as soon as a connection that went away leaves it alone: the diagram's
exceptional edge if it was sending or receiving.
"""

from typing import Final, NamedTuple

OWN_CONNECTED: Final = "own connectionCreated"
"""The client's own connection; on the wire it has the same name as a peer's."""
PEER_CONNECTED: Final = "Session.connectionCreated"
PEER_GONE: Final = "Session.connectionDestroyed"
PUBLISHED: Final = "Publisher.streamCreated"
UNPUBLISHED: Final = "Publisher.streamDestroyed"
PEER_STREAM: Final = "Session.av.streamCreated"
PEER_SCREEN: Final = "Session.screen.streamCreated"
PEER_STREAM_GONE: Final = "Session.streamDestroyed"
SUBSCRIBED: Final = "Session.subscribeCompleted"
NETWORK_LOST: Final = "Session.networkDisconnected"
CONNECT_FAILED: Final = "sdk.exception.1006"

_CHANGES: Final = {
    OWN_CONNECTED: (1, 0, 0),
    PEER_CONNECTED: (1, 0, 0),
    PEER_GONE: (-1, 0, 0),
    PUBLISHED: (0, 1, 0),
    UNPUBLISHED: (0, -1, 0),
    PEER_STREAM: (0, 0, 1),
    PEER_SCREEN: (0, 0, 1),
    PEER_STREAM_GONE: (0, 0, -1),
}


class Declared(NamedTuple):
    """What a client posts about itself."""

    event: str
    state: str
    connections: int
    send_streams: int
    recv_streams: int


class ClientRule:
    """One client's counters."""

    def __init__(self, follows_diagram: bool = False) -> None:
        self._left_alone = 1 if follows_diagram else 0
        """With so few connections it waits for somebody."""
        self._connections = self._send = self._recv = 0

    def after(self, event: str) -> Declared:
        """Count the event and return what the client then declares."""
        connections, send, recv = _CHANGES.get(event, (0, 0, 0))
        self._connections += connections
        self._send += send
        self._recv += recv
        name = PEER_CONNECTED if event == OWN_CONNECTED else event
        return Declared(name, self._state(event), self._connections, self._send, self._recv)

    def _state(self, event: str) -> str:
        if event == OWN_CONNECTED or (event == PEER_GONE and self._connections <= self._left_alone):
            return "waiting"
        if self._send:
            return "sendrecv" if self._recv else "sending"
        return "receiving" if self._recv else "starting"
