"""Requests to the brokers of one Kafka cluster, each bounded in time and driven by the thread that waits for it.

kafka-python's producer and consumer work through threads and queues of their own. Here the caller drives the sockets,
so that a write costs no hand-over between threads and no future per frame (a fifth of the processor time and a third of
the latency, measured), and so that it is known what was handed to a broker when the time is up. Connections, protocol,
authentication and record batches are kafka-python's.
"""

import logging
import random
import socket
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.protocol.metadata import MetadataRequest

from storage.event_log import LogUnavailable
from storage.kafka_log_reasons import reason
from storage.kafka_log_sockets import DIRECT, TlsSocket, close_handshakes
from storage.kafka_url import KafkaUrl

RESPONSE_BYTES_MAX: Final = 100_000_000
_TRY_S: Final = 1.5
"""How long one broker may take to tell of the cluster before another is asked."""
_CONNECT_S: Final = 2.5
"""How long one broker may take to let us in; it may be frozen or cut off, and another lead by then."""
_PAUSE_S: Final = 0.02
_GRACE_MS: Final = 60_000
"""Requests are given up by their caller, never by kafka-python's own timer."""
_REFUSALS: Final = (
    errors.AuthorizationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
# Whatever matters is raised here; kafka-python would log each attempt to connect, and settings with their secrets.
logging.getLogger("kafka").setLevel(logging.CRITICAL)

Future = Any
"""kafka-python's future of a response."""
Node = int | str
"""A broker's id, or the name of a server of the URL that is not known as a broker yet."""


class LogRefused(LogUnavailable):
    """The cluster does not let this user in or do this; it takes an operator to change that."""


class Topic(NamedTuple):
    """A topic as the cluster describes it."""

    name: str
    id: UUID
    leaders: Mapping[int, int]
    """Broker of each partition; -1 = none at the moment."""
    copies: int
    """Of each partition; the least if they differ."""


class Cluster(NamedTuple):
    """The cluster as one of its brokers describes it."""

    id: str
    controller: int
    brokers: int
    topics: Mapping[str, Topic]
    """Those of the topics asked for that exist."""


class KafkaClient:
    """Connections to the brokers, for one thread at a time; only `wake` may be called from another one.

    With `resets`, closing a connection also throws away what the kernel holds unsent.
    Raises: LogMismatch if a TLS file of the URL cannot be used.
    """

    def __init__(self, url: KafkaUrl, *, resets: bool = False) -> None:
        self.url = url
        options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        if resets:
            options.append((socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))  # type: ignore[arg-type]
        self._settings: dict[str, Any] = {
            **url.client_settings(),
            "client_id": "roomstate",
            "socket_options": options,
            "proxy_url": DIRECT,
            "receive_message_max_bytes": RESPONSE_BYTES_MAX,
            "reconnect_backoff_max_ms": 500,
        }
        if (context := self._settings.get("ssl_context")) is not None:
            context.sslsocket_class = TlsSocket
        self._connect_anew()

    def _connect_anew(self) -> None:
        self._net = KafkaNetClient(**self._settings)
        self._manager = self._net._manager
        self._connections: dict[Node, Any] = {}

    def send(self, node: Node, request: Any, give_up_at: float) -> Future:
        """Hand the request to the broker and return the future of its response.

        Raises: kafka's errors if nothing of it was handed over.
        """
        connection = self._connected(node, give_up_at)
        future = connection.send_request(request, request_timeout_ms=_left_ms(give_up_at) + _GRACE_MS)
        if future.failed():
            raise future.exception
        return future

    def wait(self, futures: Iterable[Future], give_up_at: float) -> None:
        """Wait until all are done or the time is up."""
        for future in futures:
            if not future.is_done:
                self._net.poll(timeout_ms=_left_ms(give_up_at), future=future)

    def wait_for_any(self, give_up_at: float) -> None:
        """Wait until something happens on a connection, somebody wakes this client or the time is up."""
        self._net.poll(timeout_ms=_left_ms(give_up_at))

    def look(self) -> None:
        """Take notice of what has happened on the connections while nobody waited."""
        self._net.poll(timeout_ms=0)

    def call(self, node: Node, request: Any, give_up_at: float) -> Any:
        """Return the broker's response to the request.

        Raises: kafka's errors.
        """
        future = self.send(node, request, give_up_at)
        self.wait([future], give_up_at)
        if not future.is_done:
            self.drop(node)
            raise errors.KafkaTimeoutError("no answer in time")
        if future.failed():
            raise future.exception
        return future.value

    def drop(self, node: Node) -> None:
        """Cut the connection; what was not sent yet never will be."""
        connection = self._connections.pop(node, None)
        if connection is not None:
            connection.close(errors.KafkaConnectionError("given up"))

    def cluster(self, topics: Sequence[str], give_up_at: float) -> Cluster:
        """Return what a broker tells of the cluster and the topics; makes no topic.

        Raises: LogUnavailable if none answers in time; LogRefused.
        """
        trouble: errors.KafkaError | None = None
        request = MetadataRequest(
            topics=[MetadataRequest.MetadataRequestTopic(name=name) for name in topics],
            allow_auto_topic_creation=False,
        )
        while True:
            for node in self._nodes():
                try:
                    response = self.call(node, request, min(give_up_at, time.monotonic() + _TRY_S))
                    return self._described(node, response)
                except _REFUSALS as error:
                    self.close()
                    self._connect_anew()  # this one would remember the refusal for ever
                    raise LogRefused(f"{self.url}: {reason(error)}") from error
                except errors.NodeNotReadyError:
                    pass
                except errors.KafkaError as error:
                    # What fails because the time is up says less than what failed before.
                    trouble = error if trouble is None or time.monotonic() < give_up_at else trouble
            if time.monotonic() >= give_up_at:
                raise LogUnavailable(f"{self.url} cannot be reached: {reason(trouble)}") from trouble
            self.wait_for_any(min(give_up_at, time.monotonic() + _PAUSE_S))

    def wake(self) -> None:
        """Make `wait_for_any` return; for any thread."""
        self._net.wakeup()

    def close(self) -> None:
        """Close all connections."""
        for node in list(self._connections):
            self.drop(node)
        self._net.close()
        if (context := self._settings.get("ssl_context")) is not None:
            close_handshakes(context)

    def _connected(self, node: Node, give_up_at: float) -> Any:
        give_up_at = min(give_up_at, time.monotonic() + _CONNECT_S)
        connection = self._connections.get(node)
        if connection is None or connection.closed:
            connection = self._manager.get_connection(
                node, timeout_ms=_left_ms(give_up_at), refresh_metadata_on_err=False
            )
            self._connections[node] = connection
        if not connection.connected:
            self.wait([connection.init_future], give_up_at)
            if connection.init_future.failed():
                raise connection.init_future.exception
            if not connection.connected:
                self.drop(node)
                raise errors.KafkaTimeoutError("no connection in time")
        return connection

    def _nodes(self) -> list[Node]:
        known: list[Node] = [broker.node_id for broker in self._manager.cluster.brokers()]
        named: list[Node] = [broker.node_id for broker in self._manager.cluster.bootstrap_brokers()]
        return random.sample(known, len(known)) + random.sample(named, len(named))

    def _described(self, node: Node, response: Any) -> Cluster:
        self._manager.cluster.update_metadata(response)
        if self._manager.cluster.is_bootstrap(node):
            self.drop(node)
        topics = {}
        for topic in response.topics:
            error = errors.for_code(topic.error_code)
            if issubclass(error, errors.AuthorizationError):
                raise LogRefused(f"{self.url}: this user may not see topic {topic.name}")
            if not topic.error_code:
                leaders = {partition.partition_index: partition.leader_id for partition in topic.partitions}
                copies = min((len(partition.replica_nodes) for partition in topic.partitions), default=0)
                topics[topic.name] = Topic(topic.name, topic.topic_id, leaders, copies)
        return Cluster(response.cluster_id or "", response.controller_id, len(response.brokers), topics)


def _left_ms(give_up_at: float) -> float:
    return max(0.0, (give_up_at - time.monotonic()) * 1000)
