"""Playback and streams of an evening: limits and who gives way, zombies, publications and those who watch them."""

from collections.abc import Iterator
from random import Random

from tests.truth.evening_calls import FAR_MS, Sent
from tests.truth.evening_text import AGENTS, room_name

_LEASES_MS = (0, 30_000, 600_000, FAR_MS)


def an_account(chance: Random, number: int, start_ms: int) -> Iterator[Sent]:
    """Yield what the players of one account send."""
    about = {"room_kind": "account", "room": room_name(chance, f"account {number}")}
    sessions = [f"play {number}.{index}" for index in range(6)]
    devices = {session: chance.choice(("tv", "phone", "")) for session in sessions}
    at_ms = start_ms
    for _ in range(chance.randint(3, 20)):
        at_ms += chance.choice((0, 10, 3_000, 45_000, 250_000))
        session = chance.choice(sessions)
        client = {"session": session, "device_type": devices[session], "service": chance.choice(("vod", "live 'tv'"))}
        client |= {"user": f"account {number}", "app": "player", "user_agent": chance.choice(AGENTS[:6])}
        match chance.randrange(10):
            case 0 | 1 | 2 | 3:
                replace = {"replace": chance.choice(("oldest", *sessions))} if chance.random() < 0.4 else {}
                lease = {"lease_ms": chance.choice(_LEASES_MS)}
                yield at_ms, about | client | lease | replace | {"kind": "open", "id": f"open {chance.random()}"}
            case 4 | 5:
                yield at_ms, about | client | {"kind": "refresh", "bytes_recv": chance.randrange(2**40)}
            case 6:
                yield at_ms, about | client | {"kind": "close"}
            case 7:
                yield at_ms, about | {"kind": "kill", "session": session, "id": f"kill {chance.random()}"}
            case 8:
                yield at_ms, about | {"kind": "expire", "session": session}
            case _:
                yield at_ms, about | client | {"kind": "open", "device_type": chance.choice(("tv", "phone"))}
    if chance.random() < 0.1:
        yield at_ms, about | {"kind": "kill"}
    if chance.random() < 0.1:
        yield at_ms, about | {"kind": "register", "user": "somebody"}


def a_stream(chance: Random, number: int, start_ms: int) -> Iterator[Sent]:
    """Yield what a publisher, its watchers and the directory's people send about one stream."""
    about = {"room_kind": "stream", "room": room_name(chance, f"stream {number}")}
    at_ms = start_ms
    for step in range(chance.randint(1, 9)):
        at_ms += chance.choice((0, 15, 5_000, 90_000))
        named = {"node": "10.1.1.1:1935", "region": "us 'east'"}
        place = chance.choice((named, {"offered_node": "o", "region": "r"}, {}))
        match chance.randrange(6):
            case 0 | 1 | 2:
                lease = {"lease_ms": chance.choice((0, 0, 60_000, FAR_MS))}
                yield at_ms, about | lease | {"kind": "publish", "extra": place, "id": f"publish {chance.random()}"}
            case 3:
                yield at_ms, about | {"kind": "unpublish", "reason": chance.choice(("", "cleared")), "user": "admin"}
            case 4:
                yield at_ms, about | {"kind": "expire"}
            case _:
                yield at_ms, about | {"kind": "kill", "session": f"watch {number}.{step}"}
    for watcher in range(chance.randrange(8)):
        seen = about | {"session": f"watch {number}.{watcher}", "user_agent": chance.choice(AGENTS[:4])}
        at_ms = start_ms + chance.randrange(100_000)
        yield at_ms, seen | {"kind": "open", "lease_ms": chance.choice((*_LEASES_MS, 0)), "bytes_recv": 10}
        if chance.random() < 0.5:
            yield at_ms + 9_000, seen | {"kind": "refresh", "bytes_recv": chance.randrange(2**40)}
        if chance.random() < 0.5:
            yield at_ms + 20_000, seen | {"kind": "close", "bytes_recv": 2**63 + watcher}
