"""What simulated traffic is made of: steps, and the scene in one room that they belong to."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One input and when it is sent."""

    at_ms: int
    """After the scene's start."""
    body: dict[str, Any]
    """As POST /v1/inputs takes it."""
    is_waited_for: bool
    """Whether the client waits for the decision and gives up the stay if it is a refusal."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens in one room: a call, an evening of one account, a stream with its audience."""

    room_kind: str
    room: str
    starts_ms: int
    """After the start of the simulation."""
    steps: tuple[Step, ...]
    """In the order of time."""


def scene_of(room_kind: str, room: str, starts_ms: int, steps: list[Step]) -> Scene:
    """Return the scene with its steps in order; those of one moment stay as they came."""
    return Scene(room_kind, room, starts_ms, tuple(sorted(steps, key=lambda step: step.at_ms)))
