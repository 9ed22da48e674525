"""One step of a simulated call."""

from typing import Any, NamedTuple


class Step(NamedTuple):
    """One input and when it is sent."""

    at_ms: int
    """After the call's start."""
    body: dict[str, Any]
    """As POST /v1/inputs takes it."""
    is_waited_for: bool
    """Whether the client waits for the decision and gives up the stay if it is a refusal."""
