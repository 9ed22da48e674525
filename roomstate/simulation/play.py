"""Plays planned scenes against a running ingest over POST /v1/inputs, as native inputs of all three kinds of rooms.

The steps that are due go into lanes; a room's steps all go into the same one, whose inputs are answered before the next
ones are sent, so they come in their order. A lane sends what is due at once as one request, so that thousands of
sessions cost little. Every input has an id: a 503 or a broken connection is met by sending the same again, and nothing
is counted twice. What was answered 2xx is counted.
"""

import asyncio
import heapq
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import httpx

from roomstate.refusals import CommandRefused
from roomstate.simulation.lane import Due, Lane, Playing
from roomstate.simulation.played import Played
from roomstate.simulation.steps import Scene

_LANES: Final = 4
_TICK_S: Final = 0.02
"""What comes due within it goes along; far below what anybody measures."""
_TIMEOUT_S: Final = 10.0
_BEHIND_MAX: Final = 20_000
"""Steps that may wait in the lanes; the plan is held up past it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how scenes are played."""

    url: str
    api_token: str
    speed: float = 1.0
    patience_s: float = 120.0
    """For so long the same input is tried again."""


async def play(scenes: Iterable[Scene], target: Target, played: Played, progress: Callable[[], None]) -> None:
    """Play the scenes, counting in `played`; `progress` is called after each call. May be cancelled at any time.

    Raises: CommandRefused if nothing answers there, or the token is wrong.
    """
    headers = {"Authorization": f"Bearer {target.api_token}"}
    limits = httpx.Limits(max_connections=2 * _LANES, max_keepalive_connections=2 * _LANES)
    timeout = httpx.Timeout(_TIMEOUT_S, pool=None)
    async with httpx.AsyncClient(base_url=target.url, headers=headers, limits=limits, timeout=timeout) as http:
        await _check(http)
        lanes = [Lane(http, played, target.patience_s, progress) for _ in range(_LANES)]
        working = [asyncio.create_task(lane.work()) for lane in lanes]
        try:
            await _hand_out(_Agenda(scenes, lanes, played), target.speed, lanes)
            for lane in lanes:
                lane.end()
            await asyncio.gather(*working)
        finally:
            for task in working:
                task.cancel()


class _Agenda:
    """What comes due when."""

    def __init__(self, scenes: Iterable[Scene], lanes: list[Lane], played: Played) -> None:
        self._scenes = iter(scenes)
        self._coming = next(self._scenes, None)
        self._lanes = lanes
        self._played = played
        self._steps: list[tuple[int, int, int, Playing]] = []
        """Of each scene that is on: when its next step is due, the scene's number, the step's."""
        self._begun = 0

    @property
    def next_ms(self) -> float:
        """When there is something to do; infinity = never again."""
        begins_ms = self._coming.starts_ms if self._coming is not None else float("inf")
        return min(begins_ms, self._steps[0][0] if self._steps else float("inf"))

    def hand_out(self, now_ms: float) -> None:
        """Put every step that is due by now into its lane."""
        while self._coming is not None and self._coming.starts_ms <= now_ms:
            scene, self._coming = self._coming, next(self._scenes, None)
            self._played.scenes[scene.room_kind] += 1
            self._begun += 1
            playing = Playing(scene, len(scene.steps))
            heapq.heappush(self._steps, (scene.starts_ms + scene.steps[0].at_ms, self._begun, 0, playing))
        while self._steps and self._steps[0][0] <= now_ms:
            _, number, index, playing = self._steps[0]
            scene = playing.scene
            lane = self._lanes[zlib.crc32(scene.room.encode()) % len(self._lanes)]
            lane.add(Due(playing, scene.steps[index]))
            index += 1
            if index < len(scene.steps):
                heapq.heapreplace(self._steps, (scene.starts_ms + scene.steps[index].at_ms, number, index, playing))
            else:
                heapq.heappop(self._steps)


async def _hand_out(agenda: _Agenda, speed: float, lanes: list[Lane]) -> None:
    """Put each step into its lane when it is due, until there is none left."""
    began_s = time.monotonic()
    while (next_ms := agenda.next_ms) < float("inf"):
        await asyncio.sleep(max(_TICK_S, began_s + next_ms / 1000 / speed - time.monotonic()))
        agenda.hand_out((time.monotonic() - began_s) * 1000 * speed)
        while sum(lane.waiting for lane in lanes) > _BEHIND_MAX:
            await asyncio.sleep(_TICK_S)


async def _check(http: httpx.AsyncClient) -> None:
    """Send no inputs, to see whether inputs would be taken."""
    try:
        reply = await http.post("/v1/inputs", json=[])
    except httpx.TransportError as error:
        raise CommandRefused(
            f"{http.base_url} does not answer ({error or type(error).__name__}); start it with `roomstate up` or name"
            " another with --url"
        ) from error
    if reply.status_code == httpx.codes.UNAUTHORIZED:
        raise CommandRefused(
            f"{http.base_url} does not take this token; give its own with ROOMSTATE_API_TOKEN, or name its data folder"
            " with --data-dir"
        )
