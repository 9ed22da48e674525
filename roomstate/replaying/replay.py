"""Plays recordings against a running ingest: each in a room of its own, many at a time, step after step.

The recordings hold no times; at speed 1 the steps of a call are half a second apart.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from roomstate.replaying.loop_clients import DesktopClient, HawkUser, LoopClient, StandaloneClient
from roomstate.replaying.recordings import Recording, Step

_STEP_PAUSE_S: Final = 0.5
_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A reply that is not the recorded one."""

    recording: str
    step: int
    action: str
    recorded: int
    answered: int
    is_race: bool

    def __str__(self) -> str:
        """Return the difference as a sentence."""
        race = " (the recorded request raced a leave)" if self.is_race else ""
        return (
            f"{self.recording}, request {self.step + 1} ({self.action}):"
            f" recorded {self.recorded}, answered {self.answered}{race}"
        )


@dataclass(slots=True)
class ReplayResult:
    """What was sent and what differed."""

    recordings: int = 0
    sent: Counter[str] = field(default_factory=Counter)
    """Requests by action."""
    differences: list[Difference] = field(default_factory=list)

    @property
    def real_differences(self) -> list[Difference]:
        """Differences that no race explains."""
        return [difference for difference in self.differences if not difference.is_race]

    def lines(self) -> list[str]:
        """Return each difference, then the sum."""
        requests = self.sent.total()
        actions = ", ".join(f"{count} {action}" for action, count in sorted(self.sent.items()))
        raced = len(self.differences) - len(self.real_differences)
        return [
            *(str(difference) for difference in self.differences),
            f"{self.recordings} recorded calls, {requests} requests ({actions}): {requests - len(self.differences)}"
            f" answered as recorded, {raced} differ by a race, {len(self.real_differences)} differ",
        ]


async def replay(
    recordings: Sequence[Recording],
    url: str,
    *,
    speed: float = 1.0,
    concurrency: int = 16,
    progress: Callable[[], None] = lambda: None,
) -> ReplayResult:
    """Play every recording; `speed` 0 leaves no pause between steps; `progress` is called after each request.

    Raises: NoAnswer.
    """
    result = ReplayResult(len(recordings))
    pause_s = _STEP_PAUSE_S / speed if speed else 0.0
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    slots = asyncio.Semaphore(concurrency)

    async def play(recording: Recording) -> None:
        async with slots:
            await _Playing(http, recording, result, pause_s, progress).run()

    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, limits=limits) as http, asyncio.TaskGroup() as group:
        for recording in recordings:
            group.create_task(play(recording))
    return result


class _Playing:
    """One recording while it is played."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        recording: Recording,
        result: ReplayResult,
        pause_s: float,
        progress: Callable[[], None],
    ) -> None:
        self._http = http
        self._recording = recording
        self._result = result
        self._pause_s = pause_s
        self._progress = progress

    async def run(self) -> None:
        """Make owner and room, then take the steps."""
        recording = self._recording
        owner = await HawkUser.registered(self._http)
        room = await owner.create_room(recording.name)
        client = self._client(owner, room)
        for index, step in enumerate(recording.steps):
            if index == recording.room_is_deleted_before:
                await owner.delete_room(room)
            self._note(index, step, await client.act(step.action, step.status))
            await asyncio.sleep(self._pause_s)

    def _client(self, owner: HawkUser, room: str) -> LoopClient:
        if self._recording.client_kind == "desktop":
            return DesktopClient(owner, room)
        return StandaloneClient(self._http, room)

    def _note(self, index: int, step: Step, answered: int) -> None:
        recording = self._recording
        self._result.sent[step.action] += 1
        if answered != step.reply:
            is_race = recording.is_race(step, answered)
            self._result.differences.append(
                Difference(recording.name, index, step.action, step.reply, answered, is_race)
            )
        self._progress()
