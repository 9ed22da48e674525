"""The store's URL: what it says, and one clear line about each thing that can be wrong with it."""

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.settings import SettingsError, load_settings
from storage.store_url import parse_store_url, with_cluster

SECRET = "very-secret"
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def test_a_whole_url_is_read() -> None:
    found = parse_store_url(f"https://writer:{SECRET}@store.example:9440/rooms?verify=0")
    assert (found.scheme, found.host, found.port) == ("https", "store.example", 9440)
    assert (found.user, found.password, found.database) == ("writer", SECRET, "rooms")
    assert (found.is_verified, found.ca_cert, found.cluster, found.where) == (False, "", "", "store.example:9440")
    assert SECRET not in repr(found)


def test_what_is_left_out_has_a_usual_value() -> None:
    plain, tls = parse_store_url("http://store"), parse_store_url("https://[::1]/")
    assert (plain.port, plain.user, plain.password, plain.database) == (8123, "", "", "roomstate")
    assert (tls.host, tls.port, tls.is_verified, tls.database) == ("::1", 8443, True, "roomstate")


@given(TEXT.filter(lambda text: ":" not in text and text != ""), TEXT, TEXT.filter(bool))
def test_user_password_and_database_may_hold_anything(user: str, password: str, database: str) -> None:
    names = [quote(text, safe="") for text in (user, password, database)]
    found = parse_store_url(f"http://{names[0]}:{names[1]}@store:1/{names[2]}")
    assert (found.user, found.password, found.database) == (user, password, database)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("store:8123", "use http"),
        ("ftp://a:very-secret@c/", "use http"),
        ("http://", "use http"),
        ("http://a:very-secret@c:99999/", "percent-encoded"),
        ("http://a:very-secret/x@c:1/", "percent-encoded"),
        ("http://a:b#very-secret@c/", "percent-encoded"),
        ("http://a:very-secret@c/x#y", "%23"),
        ("http://a:%zzvery-secret@c/", "its password is not percent-encoded"),
        ("http://a:%ffvery-secret@c/", "its password is not percent-encoded"),
        ("http://%ff:very-secret@c/", "its user is not percent-encoded"),
        ("http://a%3Ab:very-secret@c/", "colon"),
        ("http://:very-secret@c/", "no user"),
        ("http://a:very-secret@c/a/b", "no database"),
        ("http://a:very-secret@c/%", "its database is not percent-encoded"),
        ("http://a:very-secret@c/\n", "control character"),
        ("http://a:very-secret@c d/", "no name or address"),
        ("http://a:very-secret@c/x?secure=1", "names secure"),
        ("https://a:very-secret@c/x?verify=1&verify=0", "twice"),
        ("https://a:very-secret@c/x?verify=no", "verify is 1"),
        ("http://a:very-secret@c/x?verify=0", "https alone"),
        ("http://a:very-secret@c/x?ca_cert=/x", "https alone"),
        ("https://a:very-secret@c/x?ca_cert=/x&verify=0", "not beside verify=0"),
        ("https://a:very-secret@c/x?ca_cert=/nowhere/ca.pem", r"/nowhere/ca.pem cannot be read \(No such file"),
    ],
)
def test_a_wrong_url_is_refused_in_one_line_without_its_secrets(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_store_url(url)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_certificates_is_no_ca(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("not a certificate")
    with pytest.raises(ValueError, match="holds no certificate"):
        parse_store_url(f"https://c/x?ca_cert={quote(str(path), safe='')}")


@pytest.mark.parametrize("url", ["http://c/x", "https://c/x?verify=0"])
def test_a_cluster_is_added(url: str) -> None:
    assert with_cluster(url, "") == url
    assert parse_store_url(with_cluster(url, "a & b")).cluster == "a & b"
    assert with_cluster(with_cluster(url, "c"), "d") == with_cluster(url, "c")


def test_the_settings_name_the_cluster_of_a_store_elsewhere_and_no_other() -> None:
    settings = load_settings(store_url="https://a:b%2Fc@store/x", store_cluster="main")
    found = parse_store_url(settings.store_engine_url())
    assert (found.password, found.database, found.cluster) == ("b/c", "x", "main")
    with pytest.raises(SettingsError, match="embedded store is no cluster"):
        load_settings(store_cluster="main")
    with pytest.raises(SettingsError, match="verify is 1") as caught:
        load_settings(store_url=f"https://a:{SECRET}@store/x?verify=maybe")
    assert SECRET not in str(caught.value)
