"""A Kafka log on a broker that asks who comes, and on one that speaks TLS."""

import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from roomstate.broker.node import BrokerNode
from roomstate.ports import free_port
from storage import kafka_log
from storage.event_log import INPUTS_TOPIC, LogMismatch, LogUnavailable
from storage.kafka_log import KafkaLog
from tests.fixtures_kafka import start_broker
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, append, frame, poll_until, read_all, values_of

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


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
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


def test_the_right_user_does_everything(secured: SecuredBroker) -> None:
    log = KafkaLog(secured.sasl("good:right"), PARTITIONS)
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    assert append(log, "a", "b") == [0, 1]
    assert values_of(read_all(log)) == ["a", "b"]
    assert values_of(poll_until(tail, 2)) == ["a", "b"]
    assert log.consumers() == 0
    tail.close()
    log.close()


@pytest.mark.parametrize(
    ("who", "settings", "why"),
    [
        (
            "good:hunter2",
            [],
            r"^kafka://good@[0-9.:]+/\?namespace=[a-z0-9-]+: Authentication failed: .*; give the URL a user",
        ),
        ("nobody:hunter2", [], r"Authentication failed"),
        ("good:right", ["sasl_mechanism=SCRAM-SHA-256"], r"does not know this sasl_mechanism"),
        ("guest:right", [], r"this user may not see topic"),
    ],
)
def test_whoever_is_not_let_in_is_told_so_at_once_in_one_line(
    secured: SecuredBroker, who: str, settings: list[str], why: str
) -> None:
    started = time.monotonic()
    with pytest.raises(LogMismatch, match=why) as refused:
        KafkaLog(secured.sasl(who, *settings), PARTITIONS)
    assert time.monotonic() - started < 3
    assert "\n" not in str(refused.value)
    assert who.split(":")[1] not in str(refused.value)


def test_whoever_may_not_see_the_topics_is_told_so(secured: SecuredBroker) -> None:
    url = secured.sasl("good:right")
    KafkaLog(url, PARTITIONS).close()
    with pytest.raises(LogMismatch, match="this user may not see topic"):
        KafkaLog(url.replace("good", "guest"), PARTITIONS)


def test_no_user_where_one_is_asked_for_is_given_up_in_time(
    secured: SecuredBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "_OPEN_S", 0.5)
    with pytest.raises(LogUnavailable, match=r"does it expect TLS or a user\?"):
        KafkaLog(f"kafka://127.0.0.1:{secured.sasl_port}", PARTITIONS)
    with pytest.raises(LogUnavailable, match=r"speaks no Kafka \(TLS, perhaps\)"):
        KafkaLog(f"kafka://127.0.0.1:{secured.tls_port}", PARTITIONS)
    with pytest.raises(LogMismatch, match="expects no user here"):
        KafkaLog(f"kafka://good:right@127.0.0.1:{secured.node.port}", PARTITIONS)


def test_tls_with_the_authority_named_does_everything(secured: SecuredBroker) -> None:
    log = KafkaLog(secured.tls(f"ssl_cafile={secured.certificate}"), PARTITIONS)
    tail = log.follow(INPUTS_TOPIC, {0: 0})
    assert log.append([frame(b"x" * 500_000) for _ in range(4)], TIMEOUT_S) == [0, 1, 2, 3]
    assert len(read_all(log)) == len(poll_until(tail, 4)) == 4
    tail.close()
    log.close()


@pytest.mark.parametrize("settings", [["security_protocol=SSL"], ["ssl_check_hostname=true"]])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    secured: SecuredBroker, settings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_log, "_OPEN_S", 0.5)
    with pytest.raises(LogUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        KafkaLog(secured.tls(*settings), PARTITIONS)
