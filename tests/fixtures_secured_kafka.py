"""A real Apache Kafka broker that asks who comes, started once for the whole test run."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from tests.fixtures_kafka import start_broker

PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL")
LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"


class SecuredBroker(NamedTuple):
    """Ports of one broker's doors."""

    node: BrokerNode
    sasl_port: int
    tls_port: int
    certificate: Path

    def sasl(self, who: str, *settings: str) -> str:
        return f"kafka://{who}@127.0.0.1:{self.sasl_port}?{'&'.join([self.namespace, *settings])}"

    def tls(self, *settings: str) -> str:
        return f"kafka://127.0.0.1:{self.tls_port}?{'&'.join([self.namespace, *settings])}"

    @property
    def namespace(self) -> str:
        return f"namespace=test-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """A broker with one door that asks for a user, one that speaks TLS, and one that is open."""
    folder = tmp_path_factory.mktemp("secured")
    certificate, key, store = folder / "cert.pem", folder / "key.pem", folder / "store.pem"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names)
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    store.write_text(key.read_text() + certificate.read_text())
    port, sasl, tls, controller = (free_port() for _ in range(4))
    doors = f"PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl},SSL://127.0.0.1:{tls}"
    options = {
        "listeners": f"{doors},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": doors,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "listener.security.protocol.map": ",".join(f"{name}:{name}" for name in PROTOCOLS) + ",CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{LOGIN} user_good="right" user_guest="right";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(store),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS;User:good",
    }
    node = start_broker(BrokerNode(folder, port, options))
    yield SecuredBroker(node, sasl, tls, certificate)
    node.kill()
