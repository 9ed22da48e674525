"""Calls of an evening: people who come, stay silent, crash, come back, are thrown out; rooms that are made and end."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.truth.evening_client import Client
from tests.truth.evening_text import AGENTS, room_name, some_name

Sent = tuple[int, dict[str, Any]]
"""When a client sends something, in milliseconds, and what."""

FAR_MS = 3_000_000_000_000
"""A lease of a century: who holds it is live whenever somebody looks."""
PAUSES_MS = (0, 1, 40, 300, 1_000, 2_500, 5_000, 5_001, 9_000, 10_000, 10_001, 20_000, 60_000)
BACK_MS = (0, 1, 1_000, 59_999, 60_000, 60_001, 200_000, 299_999, 300_000, 300_001, 400_000)


def a_call(chance: Random, number: int, start_ms: int) -> Iterator[Sent]:
    """Yield what is sent about one room, in no order."""
    room = room_name(chance, f"call {number}")
    about = {"room_kind": "call", "room": room}
    if chance.random() < 0.4:
        yield from _said_of_the_room(chance, about, start_ms)
    users = [f"user {number}.{index}" for index in range(3)] + [""]
    for person in range(chance.randint(1, 5)):
        at_ms = (
            start_ms + chance.choice((0, 0, 500, 7_000, 30_000, 200_000)) + chance.choice((0, chance.randrange(1000)))
        )
        session = f"guest {person}" if chance.random() < 0.1 else some_name(chance, f"{number}-{person}")
        own = chance.choice(users)
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            user = own if chance.random() < 0.7 else chance.choice(users)
            for at_ms, members in _a_stay(chance, at_ms, user):  # noqa: B020  # each stay begins after the one before
                yield at_ms, about | {"session": session} | members
            at_ms += chance.choice(BACK_MS)
    if chance.random() < 0.1:
        yield at_ms, about | {"kind": "kill", "id": f"kill-{number}"}
    if chance.random() < 0.15:
        yield at_ms + 400_000, about | {"kind": "room_delete", "user": users[0]}
        yield at_ms + 400_500, about | {"kind": "open", "session": "too late"}


def _said_of_the_room(chance: Random, about: dict[str, Any], start_ms: int) -> Iterator[Sent]:
    end_ms = chance.choice((0, 0, start_ms + 60_000, start_ms + 400_000))
    said = {"user": "owner", "max_size": chance.choice((0, 2, 3, 4)), "expires_at_ms": end_ms}
    yield start_ms - 1000, about | said | {"kind": "room_create", "extra": {"roomName": "our 😀 room"}}
    if chance.random() < 0.5:
        yield start_ms + 20_000, about | {"kind": "room_create", "user": "owner"}
        yield start_ms + 30_000, about | {"kind": "room_update", "max_size": 5, "expires_at_ms": end_ms}
    if chance.random() < 0.3:
        gone_ms = chance.choice((20, 50_000))
        for kind, after_ms in (("room_delete", gone_ms), ("room_create", gone_ms + 10), ("room_delete", 3_000_000)):
            yield start_ms + after_ms, about | {"kind": kind, "id": f"{kind} {after_ms} {about['room']}"}


def _a_stay(chance: Random, at_ms: int, user: str) -> Iterator[Sent]:
    client = Client(chance, chance.choice((0.0, 0.02, 0.3)))
    says: dict[str, Any] = {"user_agent": chance.choice(AGENTS), "client_ip": f"10.0.0.{chance.randrange(9)}"}
    is_explicit = chance.random() < 0.6
    lease_ms = chance.choice((0, 20_000, 300_000, FAR_MS))
    if is_explicit:
        size = {"client_max_size": chance.choice((0, 0, 0, 2, 3, -1))}
        said = {"kind": "open", "user": user, "lease_ms": lease_ms, "extra": {"protocol": "loop"}}
        yield at_ms, says | size | said | {"id": f"open {chance.random()}"}
        says |= {"implicit": False}
    is_numbered = chance.random() < 0.5
    for seq in range(1, chance.choice((0, 1, 5, 9, 14)) + 1):
        at_ms += chance.choice(PAUSES_MS)
        if chance.random() < 0.1:
            says["user_agent"] = chance.choice(AGENTS)
        numbered = {"seq": seq} if is_numbered else {}
        named = {"id": f"status {chance.random()}"} if chance.random() < 0.5 else {}
        yield at_ms, client.status() | says | numbered | named | {"occurred_at_ms": at_ms - 70}
        if chance.random() < 0.05:
            yield at_ms, {"kind": "refresh", "client_max_size": 9}
        if chance.random() < 0.03:
            yield at_ms, says | {"kind": "open", "user": user, "client_max_size": chance.choice((0, 1, 5))}
        if chance.random() < 0.03:
            yield at_ms, {"kind": "log_domains", "extra": {"domains": ["example.org"]}}
    at_ms += chance.choice(PAUSES_MS)
    yield from _ends(chance, at_ms, lease_ms)


def _ends(chance: Random, at_ms: int, lease_ms: int) -> Iterator[Sent]:
    """Yield how a stay ends: by its person, by others, by its lease, or not at all."""
    match chance.randrange(8):
        case 0 | 1 | 2:
            yield at_ms, {"kind": "close", "id": f"close {chance.random()}"}
            if chance.random() < 0.3:
                yield at_ms + 10, {"event": "Session.connectionDestroyed", "state": "init", "implicit": False}
            if chance.random() < 0.2:
                yield at_ms + 20, {"kind": "close"}
        case 3:
            yield at_ms, {"kind": "kill"}
        case 4:
            yield at_ms + (lease_ms if lease_ms < FAR_MS else 0) + 700, {"kind": "expire"}
        case 5:
            yield at_ms + 301_000, {"kind": "expire"}
        case _:
            return
