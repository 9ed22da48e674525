"""Texts that clients send, ordinary and odd."""

from random import Random

AGENTS = [
    "Firefox/41.0 (Linux)",
    "Firefox/45.0 (Windows)",
    "Chrome/99",
    "кліент/1 😀",
    'a "quoted" \\ agent',
    "it's; DROP TABLE room_events --",
    "two\nlines\tand a tab",
    "{user_agent:String}",
    "\u202eright to left\u202c",
    "x" * 10_000,
    "",
]
ODD_NAMES = [
    "😀",
    "l'été",
    'say "hi"',
    "back\\slash",
    "a\nb",
    "%20 &<b>",
    "{room:String}",
    "名前" * 300,
    "nul\x00l",
    "''",
]
CREATED = ("Session.connectionCreated", "SESSION.CONNECTIONCREATED", "session.connectionCreated")
DESTROYED = ("Session.connectionDestroyed", "Session.ConnectionDestroyed")
RECV_CREATED = ("Session.streamCreated", "Session.av.streamCreated", "Session.screen.streamCreated")
RECV_DESTROYED = ("Session.streamDestroyed", "Session.av.streamDestroyed", "session.SCREEN.streamDestroyed")
SEND_CREATED = ("Publisher.streamCreated", "publisher.streamcreated")
SEND_DESTROYED = ("Publisher.streamDestroyed",)
NOTICES = (
    "Session.subscribeCompleted",
    "Session.networkDisconnected",
    "session.NETWORKdisconnected",
    "Session.forceDisconnected",
    "sdk.exception.1500",
    "SDK.exception.Unable to publish",
    "sdk.datachannel.open",
    "Session.networkDisconnected.later",
    "😀 unknown",
    "",
    '["not","text"]',
    "Session.networkDisconnected\n",
)
UNKNOWN_STATES = ("", "Sending", "sending ", "gone", "17", "😀", "null", "y" * 5000)


def some_name(chance: Random, plain: str) -> str:
    """Return a plain name, now and then an odd one that is as unique."""
    return f"{chance.choice(ODD_NAMES)} {plain}" if chance.random() < 0.1 else plain


def room_name(chance: Random, plain: str) -> str:
    """Return a name of a room, now and then one that rooms of other kinds have too."""
    return "everybody's" if chance.random() < 0.03 else some_name(chance, plain)
