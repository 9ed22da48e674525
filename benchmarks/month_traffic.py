"""A day's traffic as inputs, for stores that are to be as full as after a month: calls, players, streams. Pure.

Everything follows from the random generator that is given. It is made for speed and for the right mixture of rows, not
to convince anybody (that is what `roomstate simulate` is for): day and night differ, most calls go well, some people
crash, lose their network or never connect, a few clients break the rules, some players are never closed.
"""

from collections.abc import Callable, Iterator
from math import cos, pi
from random import Random
from typing import Any, Final, NamedTuple

from state_machine.inputs import Input

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LEASE_MS: Final = 300_000
PLAYBACK_LEASE_MS: Final = 7_200_000
_REFRESH_MS: Final = 270_000
_AGENTS: Final = (
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0", "desktop"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.4 Safari/605.1.15", "desktop"),
    ("RoomPhone/4.2 (Android 15)", "mobile"),
    ("RoomPhone/4.1 (iPhone; iOS 18)", "mobile"),
    ("MeetBox/0.8", "room system"),
)
_PEOPLE: Final = (1, 2, 3, 4, 5, 6)
_PEOPLE_WEIGHTS: Final = (15, 60, 12, 7, 4, 2)
_ENDINGS: Final = ("left", "crashed", "dropped", "failed")
_ENDING_WEIGHTS: Final = (86, 6, 5, 3)
_CHANGES: Final = {
    "Session.connectionCreated": (1, 0, 0),
    "Session.connectionDestroyed": (-1, 0, 0),
    "Publisher.streamCreated": (0, 1, 0),
    "Session.streamCreated": (0, 0, 1),
    "Session.streamDestroyed": (0, 0, -1),
}


class _Person(NamedTuple):
    joins_ms: int
    connected_ms: int
    published_ms: int
    leaves_ms: int
    ending: str


def inputs_of_a_day(random: Random, start_ms: int, calls: int, plays: int, watches: int) -> list[Input]:
    """Return the inputs of what begins on a day, by the time of receiving; some are received on the next day."""
    inputs: list[Input] = []
    for _ in range(calls):
        inputs.extend(_call(random, start_ms + _time_of_day(random)))
    for _ in range(plays):
        inputs.extend(_play(random, start_ms + _time_of_day(random)))
    for _ in range(watches):
        inputs.extend(_watch(random, start_ms + _time_of_day(random)))
    inputs.sort(key=lambda item: item.received_at_ms)
    return inputs


def inputs_of_now(random: Random, now_ms: int, lease_ms: int) -> list[Input]:
    """Return the inputs by which 3,000 people in 1,000 calls and 1,000 players are there, with such leases."""
    inputs = []
    for number in range(4_000):
        session = f"{random.getrandbits(104):026x}"
        is_call = number < 3_000
        place: dict[str, Any] = {
            "room_kind": "call" if is_call else "account",
            "room": f"now{number // 3:05d}",
            "session": session,
        }
        inputs.append(Input(kind="open", received_at_ms=now_ms, lease_ms=lease_ms, user_agent=_AGENTS[0][0], **place))
        if is_call:
            told: dict[str, Any] = {"state": "waiting", "connections": 1, "event": "Session.connectionCreated"}
            inputs.append(Input(received_at_ms=now_ms + 400, **place, **told))
    inputs.sort(key=lambda item: item.received_at_ms)
    return inputs


def _time_of_day(random: Random) -> int:
    """Return milliseconds after midnight; most around 15 o'clock."""
    while True:
        at_ms = random.randrange(DAY_MS)
        if random.random() < 0.55 + 0.45 * cos((at_ms / DAY_MS - 0.625) * 2 * pi):
            return at_ms


def _call(random: Random, start_ms: int) -> Iterator[Input]:
    room = f"r{random.randrange(20_000):05d}" if random.random() < 0.7 else f"r{random.getrandbits(48):012x}"
    (people,) = random.choices(_PEOPLE, _PEOPLE_WEIGHTS)
    ends_ms = start_ms + int(random.lognormvariate(5.9, 0.9) * 1000)
    came = [_person(random, start_ms + number * random.randrange(500, 20_000), ends_ms) for number in range(people)]
    for person in came:
        user = f"{random.randrange(60_000) * 0x9E3779B97F4A7C15 % (1 << 64):016x}" if random.random() < 0.8 else ""
        others = [other for other in came if other is not person]
        yield from _stay(random, room, user, person, others)
        if person.ending == "dropped":
            back_ms = person.leaves_ms + random.randrange(1_000, 50_000)
            again = _person(random, back_ms, max(ends_ms, back_ms + 5_000))
            yield from _stay(random, room, user, again._replace(ending="left"), others)


def _person(random: Random, joins_ms: int, ends_ms: int) -> _Person:
    (ending,) = random.choices(_ENDINGS, _ENDING_WEIGHTS)
    connected_ms = joins_ms + int(random.lognormvariate(6.0, 0.5))
    leaves_ms = max(ends_ms, joins_ms + 3_000) + random.randrange(3_000)
    if ending in ("crashed", "dropped"):
        leaves_ms = joins_ms + max((leaves_ms - joins_ms) * random.randrange(20, 90) // 100, 3_000)
    if ending == "failed":
        leaves_ms = connected_ms + 200
    published_ms = connected_ms + int(random.lognormvariate(6.3, 0.7))
    return _Person(joins_ms, connected_ms, published_ms, leaves_ms, ending)


def _stay(random: Random, room: str, user: str, person: _Person, others: list[_Person]) -> Iterator[Input]:
    session = f"{random.getrandbits(104):026x}"
    agent, device = random.choice(_AGENTS)
    fault = random.random() < (0.3 if agent.startswith("MeetBox") else 0.02)

    def item(kind: str, at_ms: int, **members: Any) -> Input:
        return Input(
            kind=kind,
            received_at_ms=at_ms,
            room=room,
            session=session,
            user=user,
            user_agent=agent,
            device_type=device,
            **members,
        )

    yield item("open", person.joins_ms, client_ip=f"192.0.2.{random.randrange(256)}")
    events = sorted(event for event in _seen(person, others) if event[0] <= person.leaves_ms)
    yield from _statuses(item, events, random.randrange(len(events)) if fault else -1)
    last_ms = person.joins_ms
    for at_ms in range(person.joins_ms + _REFRESH_MS, person.leaves_ms, _REFRESH_MS):
        yield item("refresh", at_ms)
        last_ms = at_ms
    if person.ending == "crashed":
        yield Input(kind="expire", received_at_ms=last_ms + LEASE_MS + 400, room=room, session=session)
    else:
        yield item("close", person.leaves_ms + 20)


def _seen(person: _Person, others: list[_Person]) -> Iterator[tuple[int, str]]:
    if person.ending == "failed":
        yield person.connected_ms, "sdk.exception.1006"
        return
    yield person.connected_ms, "Session.connectionCreated"
    yield person.published_ms, "Publisher.streamCreated"
    if person.ending == "dropped":
        yield person.leaves_ms, "Session.networkDisconnected"
    for other in others:
        meet_ms = max(person.connected_ms, other.connected_ms) + 60
        if other.ending == "failed" or other.leaves_ms <= meet_ms:
            continue
        yield meet_ms, "Session.connectionCreated"
        stream_ms = max(meet_ms, other.published_ms) + 300
        gone_ms = other.leaves_ms + (5_000 if other.ending == "crashed" else 0)
        if stream_ms < gone_ms:
            yield stream_ms, "Session.streamCreated"
            yield stream_ms + 120, "Session.subscribeCompleted"
            yield gone_ms, "Session.streamDestroyed"
        yield gone_ms + 1, "Session.connectionDestroyed"


def _statuses(item: Callable[..., Input], events: list[tuple[int, str]], fault_at: int) -> Iterator[Input]:
    """Yield what a client posts of the events: it counts, and names the state by its counters."""
    connections = send = recv = 0
    for number, (at_ms, event) in enumerate(events):
        change = _CHANGES.get(event, (0, 0, 0))
        connections, send, recv = connections + change[0], send + change[1], recv + change[2]
        if send:
            state = "sendrecv" if recv else "sending"
        else:
            state = "receiving" if recv else "waiting" if connections < 2 else "starting"
        told = connections + (3 if number == fault_at else 0)
        yield item(
            "status",
            at_ms,
            event=event,
            state=state if number != fault_at or number % 2 else "conected",
            connections=told,
            send_streams=send,
            recv_streams=recv,
            seq=number + 1,
        )


def _play(random: Random, start_ms: int) -> Iterator[Input]:
    """Yield a playback session that tells every ten minutes that it goes on; one of ten is never closed."""
    account = f"a{random.randrange(8_000):05d}"
    session = f"{random.getrandbits(104):026x}"
    device = random.choice(("tv", "phone", "tablet"))
    ends_ms = start_ms + int(random.lognormvariate(7.3, 0.8) * 1000)
    last_ms = start_ms
    yield _of_account(account, "open", start_ms, session, device)
    for at_ms in range(start_ms + 600_000, ends_ms, 600_000):
        yield _of_account(account, "refresh", at_ms, session, device)
        last_ms = at_ms
    if random.random() < 0.1:
        yield _of_account(account, "expire", last_ms + PLAYBACK_LEASE_MS + 400, session, "")
    else:
        yield _of_account(account, "close", ends_ms, session, device)


def _of_account(account: str, kind: str, at_ms: int, session: str, device: str) -> Input:
    return Input(
        kind=kind,
        received_at_ms=at_ms,
        room_kind="account",
        room=account,
        session=session,
        user=account,
        device_type=device,
        service="vod",
    )


def _watch(random: Random, start_ms: int) -> Iterator[Input]:
    """Yield one subscriber's stay, and now and then that the stream is published again."""
    stream = f"live/s{random.randrange(200):03d}"
    if random.random() < 0.05:
        place = {"node": "origin.example", "region": "eu"}
        yield Input(kind="publish", received_at_ms=start_ms, room_kind="stream", room=stream, extra=place)
    members: dict[str, Any] = {"room_kind": "stream", "room": stream, "session": f"{random.getrandbits(104):026x}"}
    ends_ms = start_ms + int(random.lognormvariate(6.5, 1.0) * 1000)
    edge = {"node": f"edge{random.randrange(4)}.example"}
    yield Input(kind="open", received_at_ms=start_ms, extra=edge, **members)
    yield Input(kind="close", received_at_ms=ends_ms, bytes_recv=random.randrange(1 << 30), **members)
