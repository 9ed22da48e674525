"""Recorded calls: the file's format, and the steps that one client took in each.

A file is a JSON object of recordings by name: `client_kind` (standalone or desktop), `sequence` (every request with the
code of its reply, in order: `join:200`, `status(<event>):204`, `leave:204`; ` [left]` marks a status that the client
sent after its leave), `statuses` (the bodies of the statuses, in the same order), and a `note` where a reply depended
on a race. It holds the order of requests, not their times.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from roomstate.refusals import CommandRefused

RECORDED: Final = Path(__file__).parent.parent / "recorded" / "loop_client_traces.json"
"""The recordings that come with the project; their source stands beside them."""

_STEP = re.compile(r"(join|leave|status)(?:\((?P<event>.*)\))?:(?P<reply>\d{3})(?P<left> \[left\])?", re.DOTALL)
_RACE_REPLIES: Final = frozenset({204, 400, 401})

ClientKind = Literal["standalone", "desktop"]


class RecordingError(CommandRefused):
    """The file holds no recordings; one line that says where it does not fit."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a client and the code that the recorded server answered."""

    action: str
    reply: int
    status: dict[str, Any]
    """Body of a status without its action; empty for the others."""
    is_after_leave: bool


@dataclass(frozen=True, slots=True)
class Recording:
    """What one client did in one call."""

    name: str
    client_kind: ClientKind
    note: str
    steps: tuple[Step, ...]

    @property
    def room_is_deleted_before(self) -> int:
        """Index of the first step that found its room deleted; the number of steps if none did."""
        return next((index for index, step in enumerate(self.steps) if step.reply == 404), len(self.steps))

    def is_race(self, step: Step, reply: int) -> bool:
        """Tell whether the reply differs only because the recorded request raced the client's own leave.

        Whoever is not in the room gets a 401 or a 400, by client kind and by which of the two requests came first.
        """
        raced = step.is_after_leave or (step.action == "status" and bool(self.note))
        return raced and {step.reply, reply} <= _RACE_REPLIES


def read_recordings(path: Path = RECORDED) -> list[Recording]:
    """Return the recordings of a file.

    Raises: RecordingError.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [_recording(name, members) for name, members in content.items()]
    except OSError as error:
        raise RecordingError(f"{path} can't be read ({error.strerror})") from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise RecordingError(f"{path} holds no recorded calls: {error!r}") from error


def _recording(name: str, members: dict[str, Any]) -> Recording:
    kind = members["client_kind"]
    if kind not in ("standalone", "desktop"):
        raise ValueError(f"{name}: client_kind is {kind!r}, neither standalone nor desktop")
    bodies = iter(cast(list[dict[str, Any]], members["statuses"]))
    steps = tuple(_step(name, text, bodies) for text in members["sequence"])
    if next(bodies, None) is not None:
        raise ValueError(f"{name}: more statuses than its sequence has")
    return Recording(name, kind, members.get("note") or "", steps)


def _step(name: str, text: str, bodies: Any) -> Step:
    match = _STEP.fullmatch(text)
    if match is None:
        raise ValueError(f"{name}: {text[:80]!r} is no step")
    action = match[1]
    status = next(bodies, None) if action == "status" else {}
    if status is None:
        raise ValueError(f"{name}: fewer statuses than its sequence has")
    return Step(action, int(match["reply"]), status, match["left"] is not None)
