"""The programs that simulated people use, with their versions. A version that misbehaves does so in every stay."""

from dataclasses import dataclass
from random import Random
from typing import Final, Literal

Fault = Literal["counter_jump", "wrong_state", "unknown_state", "late", "repeated", "after_close"]


@dataclass(frozen=True, slots=True)
class Client:
    """One version of one program."""

    user_agent: str
    device_type: str
    share: float
    """Of those who use one of its list."""
    faults: tuple[Fault, ...] = ()
    """The first happens in every stay that posts a status, the others now and then."""
    follows_diagram: bool = False
    """Whether it says `waiting` when it is left alone, as the diagram has it, instead of going by its counters."""


CALLERS: Final = (
    Client("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:142.0) Gecko/20100101 Firefox/142.0", "desktop", 0.30),
    Client("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop", 0.12),
    Client("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_1) Version/18.4 Safari/605.1.15", "desktop", 0.16),
    Client("RoomPhone/4.2.1 (Android 15)", "mobile", 0.22),
    Client("RoomPhone/4.2.0 (iOS 19.0)", "mobile", 0.15),
    Client("MeetBox/1.4 (room system)", "room system", 0.05, follows_diagram=True),
)
FAULTY_CALLERS: Final = (
    Client("RoomPhone/3.9.0 (Android 13)", "mobile", 0.5, ("counter_jump", "late")),
    Client("MeetBox/0.8 (room system)", "room system", 0.3, ("unknown_state", "repeated")),
    Client("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0a1", "desktop", 0.2,
           ("wrong_state", "after_close")),
)  # fmt: skip
PLAYERS: Final = (
    Client("SetTopBox/7.1 (Linux)", "stb", 0.5),
    Client("StreamPhone/2.3 (Android 15)", "mobile", 0.25),
    Client("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0.0.0", "browser", 0.25),
)
"""What is played on; sessions of one device type share a limit."""
PUBLISHERS: Final = (Client("CastBox/5.0", "encoder", 0.7), Client("StreamPhone/2.3 (iOS 19.0)", "mobile", 0.3))


def drawn_client(random: Random, clients: tuple[Client, ...]) -> Client:
    """Return one of the clients, by their shares."""
    (client,) = random.choices(clients, tuple(client.share for client in clients))
    return client


def drawn_caller(random: Random, misbehaving: float) -> Client:
    """Return what a person calls with; `misbehaving` is the share of people on a version that misbehaves."""
    return drawn_client(random, FAULTY_CALLERS if random.random() < misbehaving else CALLERS)
