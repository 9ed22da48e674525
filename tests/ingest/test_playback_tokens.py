"""Bearer tokens: who gets in by which key, and everything that must not."""

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ingest.playback.bearer import BearerTokens
from ingest.playback.replies import PlaybackRefusal
from storage.clock import now_ms
from storage.settings import Settings, SettingsError, load_settings
from storage.sqlite_log import SqliteLog
from tests.ingest.players import KEY, Player, bearer, token
from tests.ingest.serving import Served, served, settings_for

NOW_S = now_ms() // 1000
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC_384 = ec.generate_private_key(ec.SECP384R1())


def public_pem(private: Any) -> str:
    pem: bytes = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def private_pem(private: Any) -> str:
    pem: bytes = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def given(key: str | None = KEY, audience: str | None = None) -> Settings:
    return load_settings(_env_file=None, playback_jwt_key=key, playback_jwt_audience=audience)


def user_of(authorization: str, key: str | None = KEY, audience: str | None = None) -> str:
    return BearerTokens(given(key, audience)).user_of(authorization)


def refused(authorization: str, key: str | None = KEY, audience: str | None = None) -> int:
    with pytest.raises(PlaybackRefusal) as caught:
        user_of(authorization, key, audience)
    return caught.value.reply.status


def by_hand(header: Any, claims: Any, signature: bytes = b"") -> str:
    """Return a token of these parts, whatever they are."""
    texts = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in (header, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*texts, signature))


@pytest.mark.parametrize(
    ("key", "algorithm", "setting"),
    [
        (KEY, "HS256", KEY),
        (RSA, "RS256", public_pem(RSA)),
        (RSA, "RS512", public_pem(RSA)),
        (EC, "ES256", public_pem(EC)),
        (EC_384, "ES384", public_pem(EC_384)),
        (EC, "ES256", public_pem(EC).replace("\n", "\\n")),
    ],
)
def test_a_good_token_says_who_asks(key: Any, algorithm: str, setting: str) -> None:
    shown = token("ada|1/2 é", key, algorithm)
    assert user_of(f"Bearer {shown}", setting) == "ada|1/2 é"
    assert user_of(f"bearer  {shown} ", setting) == "ada|1/2 é"


def test_the_public_key_is_no_secret() -> None:
    pem = public_pem(RSA).encode()
    claims = {"sub": "ada", "exp": NOW_S + 600}
    signing_input = by_hand({"alg": "HS256", "typ": "JWT"}, claims).rsplit(".", 1)[0]
    from_public = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input.encode(), pem)
    forged = f"{signing_input}.{base64.urlsafe_b64encode(from_public).decode().rstrip('=')}"
    assert refused(f"Bearer {forged}", public_pem(RSA)) == 401


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS512", "RS256", "ES256", 7, None])
def test_the_token_does_not_choose_its_algorithm(algorithm: Any) -> None:
    unsigned = by_hand({"alg": algorithm, "typ": "JWT"}, {"sub": "ada", "exp": NOW_S + 600})
    for key in (KEY, public_pem(RSA), public_pem(EC)):
        assert refused(f"Bearer {unsigned}", key) == 401


def test_another_hash_of_the_same_secret_is_refused() -> None:
    assert refused(f"Bearer {token(algorithm='HS512', key=KEY * 2)}", KEY * 2) == 401


def test_a_header_cannot_bring_its_own_key() -> None:
    claims = {"sub": "ada", "exp": NOW_S + 600}
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key()))
    for header in ({"jwk": jwk}, {"kid": "../../dev/null"}, {"jku": "http://127.0.0.1/keys"}, {"crit": ["exp"]}):
        other = rsa.generate_private_key(65537, 2048) if "jwk" not in header else RSA
        forged = jwt.encode(claims, other, "RS256", headers=header)
        assert refused(f"Bearer {forged}", public_pem(EC)) == 401
        assert refused(f"Bearer {forged}", KEY) == 401


BAD_CLAIMS: list[dict[str, Any]] = [
    {"exp": NOW_S - 1},
    {"exp": "soon"},
    {"exp": float("inf")},
    {"nbf": NOW_S + 600},
    {"nbf": "later"},
    {"type": "refresh"},
    {"type": ["access"]},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": ["ada"]},
    {"sub": "\ud800"},
    {"sub": "x" * 1001},
]


@pytest.mark.parametrize("claims", BAD_CLAIMS, ids=",".join)
def test_a_signed_token_that_is_not_good_is_refused(claims: dict[str, Any]) -> None:
    payload = json.dumps(
        {
            name: value
            for name, value in {"sub": "ada", "exp": NOW_S + 600, "type": "access", **claims}.items()
            if value is not None
        }
    ).encode()
    shown = jwt.api_jws.encode(payload, KEY, "HS256")
    assert refused(f"Bearer {shown}") == 401


@pytest.mark.parametrize(
    "claims", [{"type": None}, {"exp": None}, {"nbf": NOW_S - 5}, {"iat": NOW_S + 600}, {"aud": "x"}]
)
def test_what_a_token_need_not_say(claims: dict[str, Any]) -> None:
    assert user_of(f"Bearer {token(**claims)}") == "ada"


def test_the_audience_counts_where_it_is_set() -> None:
    assert user_of(f"Bearer {token(aud=['tv', 'web'])}", audience="tv") == "ada"
    for claims in ({}, {"aud": "web"}, {"aud": 7}):
        assert refused(f"Bearer {token(**claims)}", audience="tv") == 401


def test_a_forged_signature_is_refused() -> None:
    good = token()
    assert refused(f"Bearer {token(key=KEY + '!')}") == 401
    assert refused(f"Bearer {good[:-3]}") == 401
    head, _, signature = good.split(".")
    other = by_hand({}, {"sub": "eve", "exp": NOW_S + 600}).split(".")[1]
    assert refused(f"Bearer {head}.{other}.{signature}") == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer \xe9",
        "Token x",
        f"Bearer{token()}",
    ],
)
def test_no_token_is_refused(authorization: str) -> None:
    assert refused(authorization) == 401


def test_deep_claims_are_refused_and_not_an_error() -> None:
    payload = b'{"sub":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert refused(f"Bearer {jwt.api_jws.encode(payload, KEY, 'HS256')}") == 401
    assert refused(f"Bearer {jwt.api_jws.encode(b'[1]', KEY, 'HS256')}") == 401


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        private_pem(RSA),
        public_pem(ed25519.Ed25519PrivateKey.generate()),
        public_pem(ec.generate_private_key(ec.SECP256K1())),
        public_pem(RSA)[:80],
    ],
    ids=["empty", "blank", "private", "Ed25519", "a curve of another algorithm", "cut"],
)
def test_a_key_that_verifies_nothing_stops_the_start_and_is_not_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="playback-jwt-key") as caught:
        given(key)
    assert not key.strip() or key[30:60] not in str(caught.value)


@contextmanager
def alone(folder: Path, **settings: Any) -> Iterator[Served]:
    """Run ingest with neither a processor nor a store."""
    log = SqliteLog(folder / "log.db", 4)
    with served(settings_for(folder, **settings), log) as running:
        yield running
    log.close()


PATHS = [("GET", ""), ("POST", ""), ("PUT", "/s"), ("PATCH", "/s"), ("DELETE", "/s")]


@pytest.mark.parametrize(("method", "rest"), PATHS)
def test_without_a_key_the_answer_is_503_with_the_reason(tmp_path: Path, method: str, rest: str) -> None:
    with alone(tmp_path) as server:
        empty = jwt.api_jws.encode(b'{"sub": "ada"}', KEY, "HS256")
        reply = server.http.request(method, f"/users/ada/media_play_sessions{rest}", headers=bearer(empty))
        assert reply.status_code == 503
        assert "ROOMSTATE_PLAYBACK_JWT_KEY" in reply.json()["details"]
        assert server.inputs() == []


@pytest.mark.parametrize(("method", "rest"), PATHS)
def test_while_store_and_processor_are_away_the_answer_is_503_and_never_403(
    tmp_path: Path, method: str, rest: str
) -> None:
    with alone(tmp_path, playback_jwt_key=KEY, decision_timeout_ms=50) as server:
        player = Player(server.http, f"{uuid.uuid4()}")
        reply = player.ask(method, player.all + rest)
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")
        assert set(reply.json()) == {"id", "code", "title", "details"}
