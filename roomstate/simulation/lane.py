"""A lane of the player: sends what is due of its rooms, each room's inputs one after the other."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import httpx
import msgspec

from roomstate.simulation.played import Played
from roomstate.simulation.steps import Scene, Step

_INPUTS_MAX: Final = 500
"""Of one request."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
_REFUSALS: Final = frozenset({"open_refused", "refresh_refused"})
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(slots=True, eq=False)
class Playing:
    """A scene that is being played."""

    scene: Scene
    left: int
    """Steps that are neither answered nor dropped."""
    turned_away: set[str] = field(default_factory=set)
    """Sessions that send nothing more."""
    is_over: bool = False
    """Whether the scene ended early, without an answer."""


class Due(NamedTuple):
    """A step whose time has come."""

    playing: Playing
    step: Step


class Lane:
    """Sends the steps that are added, as long as `work` runs."""

    def __init__(
        self, http: httpx.AsyncClient, played: Played, patience_s: float, progress: Callable[[], None]
    ) -> None:
        self._http = http
        self._played = played
        self._patience_s = patience_s
        self._progress = progress
        self._due: deque[Due] = deque()
        self._wake = asyncio.Event()
        self._is_ending = False

    @property
    def waiting(self) -> int:
        """How many steps are due and not sent."""
        return len(self._due)

    def add(self, due: Due) -> None:
        """Take a step."""
        self._due.append(due)
        self._wake.set()

    def end(self) -> None:
        """Let `work` return once everything that was added is answered."""
        self._is_ending = True
        self._wake.set()

    async def work(self) -> None:
        """Send, turn by turn."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._due:
                at_once, waited = self._next_turn()
                await asyncio.gather(self._send(at_once, waits=False), self._send(waited, waits=True))
            if self._is_ending:
                return

    def _next_turn(self) -> tuple[list[Due], list[Due]]:
        """Take what can be sent now: what needs no decision, and what does, never both of one room."""
        at_once: list[Due] = []
        waited: list[Due] = []
        later: list[Due] = []
        held: set[str] = set()
        busy: set[str] = set()
        while self._due and len(at_once) + len(waited) < _INPUTS_MAX:
            due = self._due.popleft()
            room = due.playing.scene.room
            if due.playing.is_over or due.step.body.get("session", "") in due.playing.turned_away:
                self._is_done(due)
            elif room in held or (due.step.is_waited_for and room in busy):
                held.add(room)
                later.append(due)
            elif due.step.is_waited_for:
                held.add(room)
                waited.append(due)
            else:
                busy.add(room)
                at_once.append(due)
        self._due.extendleft(reversed(later))
        return at_once, waited

    async def _send(self, due: Sequence[Due], *, waits: bool) -> None:
        """Send the steps as one request until it is answered."""
        if not due:
            return
        body = msgspec.json.encode([each.step.body for each in due])
        parameters = {"wait": "decision"} if waits else {}
        pause_s = _FIRST_PAUSE_S
        deadline_s = time.monotonic() + self._patience_s
        while True:
            try:
                reply = await self._http.post("/v1/inputs", content=body, params=parameters, headers=_JSON)
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code not in _TRY_AGAIN:
                self._note(due, reply)
                break
            if time.monotonic() > deadline_s:
                self._give_up(due)
                break
            self._played.retries += len(due)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        for each in due:
            self._is_done(each)

    def _give_up(self, due: Sequence[Due]) -> None:
        self._played.given_up += len(due)
        for each in due:
            each.playing.is_over = True

    def _note(self, due: Sequence[Due], reply: httpx.Response) -> None:
        """Count what the reply says of each input, and who is turned away."""
        if not reply.is_success and reply.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
            self._played.refused[f"{reply.status_code} {reply.text[:200]}"] += len(due)
            return
        said: dict[str, Any] = reply.json()
        refused = {item["index"]: item["error"] for item in said["refused"]}
        decisions = iter(said.get("decisions", ()))
        for index, each in enumerate(due):
            if index in refused:
                self._played.refused[refused[index]] += 1
                continue
            self._played.accepted[each.step.body["kind"]] += 1
            decision: dict[str, Any] = next(decisions, {})
            if decision.get("fact") in _REFUSALS:
                self._played.turned_away[decision.get("reason", "")] += 1
                each.playing.turned_away.add(each.step.body["session"])

    def _is_done(self, due: Due) -> None:
        playing = due.playing
        playing.left -= 1
        if playing.left == 0 and playing.scene.room_kind == "call":
            self._progress()
