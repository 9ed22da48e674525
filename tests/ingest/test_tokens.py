"""Session tokens, keys and addresses."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.client_address import address_keeper
from ingest.keys import Keys
from ingest.tokens import PREFIX, SessionToken, SessionTokens, username_of

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
TOKENS = SessionTokens(Keys.of(b"secret"), cached_max=2)


@given(NAMES, NAMES, st.integers(0, 1 << 50))
def test_a_token_says_what_was_put_into_it(room: str, session: str, at_ms: int) -> None:
    text = TOKENS.issue(room, session, at_ms)
    assert text.startswith(PREFIX)
    assert TOKENS.read(text) == SessionToken(room, session, at_ms)


@given(NAMES, NAMES, st.data())
def test_no_changed_byte_goes_unnoticed(room: str, session: str, data: st.DataObject) -> None:
    raw = bytearray(base64.b64decode(TOKENS.issue(room, session, 1)[len(PREFIX) :]))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    assert TOKENS.read(PREFIX + base64.b64encode(raw).decode()) is None


@given(st.text(max_size=200))
def test_anything_else_is_no_token(text: str) -> None:
    assert TOKENS.read(text) is None
    assert TOKENS.read(PREFIX + text) is None


def test_another_secret_makes_other_tokens() -> None:
    other = SessionTokens(Keys.of(b"other"))
    assert other.read(TOKENS.issue("r", "s", 1)) is None


def test_what_was_verified_is_known_and_the_memory_is_bounded() -> None:
    headers = [b"Basic " + base64.b64encode(TOKENS.issue("r", f"s{number}", 1).encode()) for number in range(3)]
    assert TOKENS.known(headers[0]) is None
    for header in headers:
        assert TOKENS.of_basic_header(header) is not None
    assert TOKENS.known(headers[0]) is None
    assert TOKENS.known(headers[2]) == SessionToken("r", "s2", 1)


def test_a_forged_header_is_not_remembered() -> None:
    header = b"Basic " + base64.b64encode(b"T1==forged")
    assert TOKENS.of_basic_header(header) is None
    assert TOKENS.known(header) is None


@pytest.mark.parametrize(
    ("credentials", "name"),
    [(b"YTo=", "a"), (b"YQ==", "a"), (b"YQ", "a"), (b"YTo6", "a:"), (b"_w", ""), (b"!", ""), (b"", ""), (b"Y", "")],
)
def test_a_username_is_decoded_leniently(credentials: bytes, name: str) -> None:
    assert username_of(credentials) == name


def test_keys_differ_by_purpose_and_hashes_by_user() -> None:
    keys = Keys.of(b"secret")
    assert len({keys.tokens, keys.users, keys.sealing, keys.rooms}) == 4
    assert keys.user_hash("a") != keys.user_hash("b")
    assert keys.user_hash("a") == Keys.of(b"secret").user_hash("a")
    assert "secret" not in repr(keys)


@pytest.mark.parametrize(
    ("address", "full", "truncated"),
    [
        ("192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:192.0.2.77", "192.0.2.77", "192.0.2.0"),
        ("fe80::1%eth0", "fe80::1", "fe80::"),
        ("nonsense", "", ""),
        ("", "", ""),
    ],
)
def test_as_much_of_an_address_is_kept_as_the_setting_says(address: str, full: str, truncated: str) -> None:
    assert address_keeper("full")(address) == full
    assert address_keeper("truncated")(address) == truncated
    assert address_keeper("none")(address) == ""
