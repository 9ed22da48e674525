"""A Kafka log on a broker that asks who comes, and on one that speaks TLS."""

import time

import pytest

from storage import kafka_log
from storage.event_log import INPUTS_TOPIC, LogMismatch, LogUnavailable
from storage.kafka_log import KafkaLog
from tests.fixtures_secured_kafka import SecuredBroker
from tests.storage.event_log_contract import PARTITIONS, TIMEOUT_S, append, frame, poll_until, read_all, values_of


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
