"""Plays planned calls against a running ingest over POST /v1/inputs.

A call's steps are sent one after the other, each until it is answered: every input has an id, so a 503 or a broken
connection is met by sending the same again, and nothing is counted twice. What was answered 2xx is counted.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from roomstate.refusals import CommandRefused
from roomstate.simulation.call import Call
from roomstate.simulation.steps import Step

_CONNECTIONS: Final = 32
_TIMEOUT_S: Final = 10.0
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_TRY_AGAIN: Final = frozenset({429, 502, 503, 504})


@dataclass(slots=True)
class Played:
    """What was sent and what was answered."""

    calls: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    """Inputs answered 2xx, by kind."""
    refused: Counter[str] = field(default_factory=Counter)
    """Inputs that ingest did not take, by what it said."""
    turned_away: Counter[str] = field(default_factory=Counter)
    """Openings that were decided against, by reason."""
    retries: int = 0
    given_up: int = 0
    """Inputs without an answer when the patience ended."""

    def lines(self) -> list[str]:
        """Return the sums as sentences."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.accepted.items()))
        return [
            f"{self.calls} calls: {self.accepted.total()} inputs accepted ({kinds or 'none'}),"
            f" {self.refused.total()} refused, {self.retries} sent again, {self.given_up} without an answer",
            *(f"refused {number} times: {why}" for why, number in self.refused.most_common(5)),
            *(f"turned away {number} times: {why}" for why, number in self.turned_away.most_common(5)),
        ]


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how calls are played."""

    url: str
    api_token: str
    speed: float = 1.0
    patience_s: float = 120.0
    """For so long the same input is tried again."""


async def play(calls: Iterable[Call], target: Target, played: Played, progress: Callable[[], None]) -> None:
    """Play the calls, counting in `played`; `progress` is called after each call. May be cancelled at any time.

    Raises: CommandRefused if nothing answers there, or the token is wrong.
    """
    headers = {"Authorization": f"Bearer {target.api_token}"}
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    timeout = httpx.Timeout(_TIMEOUT_S, pool=None)
    async with (
        httpx.AsyncClient(base_url=target.url, headers=headers, limits=limits, timeout=timeout) as http,
        asyncio.TaskGroup() as group,
    ):
        await _check(http)
        player = _Player(http, target, played)
        for call in calls:
            await player.until(call.starts_ms)
            group.create_task(player.play(call)).add_done_callback(lambda _: progress())


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


class _Player:
    """What all calls of one play share."""

    def __init__(self, http: httpx.AsyncClient, target: Target, played: Played) -> None:
        self._http = http
        self._target = target
        self._played = played
        self._began = time.monotonic()

    async def until(self, at_ms: float) -> None:
        """Wait until so many milliseconds of the plan are over."""
        await asyncio.sleep(self._began + at_ms / 1000 / self._target.speed - time.monotonic())

    async def play(self, call: Call) -> None:
        """Play one call; who is turned away sends nothing more, and without an answer the call ends."""
        self._played.calls += 1
        turned_away = set[str]()
        for step in call.steps:
            session = step.body.get("session", "")
            if session in turned_away:
                continue
            await self.until(call.starts_ms + step.at_ms)
            decision = await self._sent(step)
            if decision is None:
                return
            if decision.get("fact") == "open_refused":
                self._played.turned_away[decision.get("reason", "")] += 1
                turned_away.add(session)

    async def _sent(self, step: Step) -> dict[str, Any] | None:
        """Send the step until it is answered; return the decision ({}: none was waited for), None without an answer."""
        pause_s = _FIRST_PAUSE_S
        deadline = time.monotonic() + self._target.patience_s
        parameters = {"wait": "decision"} if step.is_waited_for else {}
        while True:
            try:
                reply = await self._http.post("/v1/inputs", json=step.body, params=parameters)
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code not in _TRY_AGAIN:
                return self._noted(step, reply)
            if time.monotonic() > deadline:
                self._played.given_up += 1
                return None
            self._played.retries += 1
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _noted(self, step: Step, reply: httpx.Response) -> dict[str, Any]:
        if not reply.is_success:
            self._played.refused[f"{reply.status_code} {reply.text[:200]}"] += 1
            return {}
        self._played.accepted[step.body["kind"]] += 1
        decisions: list[dict[str, Any]] = reply.json().get("decisions") or [{}]
        return decisions[0]
