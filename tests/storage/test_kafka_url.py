"""A Kafka URL says everything about a log, and what is wrong with it is said without its secrets."""

import ssl
import subprocess
from pathlib import Path

import pytest

from storage.event_log import DECISIONS_TOPIC, INPUTS_TOPIC, LogMismatch
from storage.kafka_url import DAY_MS, KafkaUrl, parse_kafka_url


def test_servers_alone_are_enough() -> None:
    url = parse_kafka_url("kafka://one:9092,two:9093,[::1]:9094,four")
    assert url == KafkaUrl(("one:9092", "two:9093", "[::1]:9094", "four:9092"))
    assert url.topic(INPUTS_TOPIC) == "roomstate.inputs.v1"
    assert url.group == "roomstate-processors.v1"
    assert (url.retention_ms, url.replication, url.session_timeout_ms) == (7 * DAY_MS, None, 10_000)
    assert url.client_settings() == {
        "bootstrap_servers": ["one:9092", "two:9093", "[::1]:9094", "four:9092"],
        "security_protocol": "PLAINTEXT",
    }


def test_a_namespace_prefixes_topics_and_group() -> None:
    url = parse_kafka_url("kafka://one:9092/?namespace=blue&replication=2&retention_days=0&session_timeout_ms=500")
    assert url.topic(INPUTS_TOPIC) == "blue.roomstate.inputs.v1"
    assert url.topic(DECISIONS_TOPIC) == "blue.roomstate.decisions.v1"
    assert url.group == "blue.roomstate-processors.v1"
    assert (url.retention_ms, url.replication, url.session_timeout_ms) == (-1, 2, 500)


def test_a_user_is_sent_by_sasl() -> None:
    settings = parse_kafka_url("kafka://me%40home:p%2Fw%3F%3A@one:9092?sasl_mechanism=scram-sha-512").client_settings()
    assert settings == {
        "bootstrap_servers": ["one:9092"],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me@home",
        "sasl_plain_password": "p/w?:",
    }


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("kafka://u:p@h:1", "SASL_PLAINTEXT"),
        ("kafka://u:p@h:1?ssl_check_hostname=false", "SASL_SSL"),
        ("kafka://u:p@h:1?security_protocol=SASL_SSL", "SASL_SSL"),
        ("kafka://h:1?ssl_cafile=/ca.pem", "SSL"),
        ("kafka://h:1?security_protocol=ssl", "SSL"),
        ("kafka://h:1?security_protocol=PLAINTEXT", "PLAINTEXT"),
    ],
)
def test_the_protocol_follows_from_user_and_tls_settings(url: str, protocol: str) -> None:
    assert parse_kafka_url(url).security_protocol == protocol


def test_tls_uses_the_files_that_are_named(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-days",
        "2",
        "-subj",
        "/CN=x",
        "-passout",
        "pass:pass",
    ]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    files = f"ssl_cafile={certificate}&ssl_certfile={certificate}&ssl_keyfile={key}"
    context = parse_kafka_url(f"kafka://h:1?{files}&ssl_password=pass&ssl_check_hostname=false").ssl_context()
    assert context is not None
    assert len(context.get_ca_certs()) == 1
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)
    with pytest.raises(LogMismatch, match="TLS cannot be set up with") as wrong_password:
        parse_kafka_url(f"kafka://h:1?{files}&ssl_password=not-so-secret").client_settings()
    assert "not-so-secret" not in str(wrong_password.value)
    with pytest.raises(LogMismatch, match=r"/nowhere\.pem: No such file"):
        parse_kafka_url("kafka://h:1?ssl_cafile=/nowhere.pem").client_settings()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("kafka:", "its shape is"),
        ("kafka:///", "its shape is"),
        ("kafka://h:1/topic", "percent-encode"),
        ("kafka://h:1#part", "percent-encode"),
        ("kafka://h:port", r"no host:port"),
        ("kafka://h:0", r"no host:port"),
        ("kafka://h:65536", r"no host:port"),
        ("kafka://h:1,", r"no host:port"),
        ("kafka://[::1", "no URL"),
        ("kafka://h:1?acks=1", "unknown setting 'acks'; known are namespace, replication"),
        ("kafka://h:1?replication=1&replication=2", "replication is given twice"),
        ("kafka://h:1?replication=many", "replication must be a number from 1 to 32"),
        ("kafka://h:1?retention_days=-1", "retention_days must be a number"),
        ("kafka://h:1?namespace=", "namespace must be"),
        ("kafka://h:1?namespace=a/b", "namespace must be"),
        ("kafka://h:1?security_protocol=TLS", "security_protocol must be one of PLAINTEXT, SSL"),
        ("kafka://h:1?security_protocol=SASL_SSL", "needs user:password@"),
        ("kafka://u:hunter@h:1?security_protocol=SSL", "sends no user"),
        ("kafka://u:hunter@h:1?security_protocol=SASL_PLAINTEXT&ssl_cafile=/ca.pem", "uses none of the ssl_"),
        ("kafka://u@h:1", "the user has no password"),
        ("kafka://h:1?sasl_mechanism=PLAIN", "needs user:password@"),
        ("kafka://u:hunter@h:1?sasl_mechanism=GSSAPI", "sasl_mechanism must be one of PLAIN"),
        ("kafka://h:1?ssl_keyfile=/key.pem", "needs ssl_certfile"),
        ("kafka://h:1?ssl_check_hostname=perhaps", "true or false"),
        ("kafka://u:hun/ter@h:1", "percent-encode"),
        ("kafka://u:hun?ter@h:1", "percent-encode"),
        ("kafka://u:1?hunter@h:1", "unknown setting;"),
        ("kafka://u:hun#ter@h:1", "percent-encode"),
        ("kafka://u:hun[ter@h:1", "no URL"),
    ],
)
def test_a_url_that_cannot_be_is_refused_in_one_line_without_its_password(url: str, why: str) -> None:
    with pytest.raises(LogMismatch, match=why) as refused:
        parse_kafka_url(url)
    assert "\n" not in str(refused.value)
    assert "hun" not in str(refused.value)
    assert "ter@" not in str(refused.value)


def test_a_url_shows_no_secret() -> None:
    url = parse_kafka_url("kafka://me:hidden@one:9092?namespace=blue&ssl_certfile=/c.pem&ssl_password=covered")
    for shown in (str(url), repr(url)):
        assert "me" in shown
        assert "hidden" not in shown
        assert "covered" not in shown
    assert str(url) == "kafka://me@one:9092/?namespace=blue"
