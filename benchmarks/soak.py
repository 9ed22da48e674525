"""How the whole pipeline bears half its peak for long, and twice its peak for a while; over real HTTP.

Runs `roomstate up`, and clients in processes of their own that have joined calls. First it finds the peak: the rate of
statuses rises step by step until the pipeline no longer keeps up. Then half of that for `--minutes`, twice for
`--peak-minutes`, and half again until everything is stored. Every two seconds it looks at the memory of every process,
at the account (accepted, stored, pending) and at what the clients were answered. It fails unless every answer is 204
or 503, the store holds as many statuses as were answered 204 (a 503 may be stored, too: the client could not know),
and `roomstate verify` finds log and store equal. Run it as `python -m benchmarks.soak`.
"""

import argparse
import asyncio
import subprocess
import sys
import time
from typing import Final, NamedTuple

from benchmarks.measuring import GIB, Run, measuring, parser
from benchmarks.results import Figures
from benchmarks.running_pipeline import Running, running_pipeline
from benchmarks.soak_load import Clients
from benchmarks.soak_watch import Watch, slope_per_hour

_FIRST_RATE: Final = 1_000.0
_BETWEEN_S: Final = 1.0
_KEPT_UP: Final = 0.95
_LAG_S: Final = 2.0
"""A pipeline that has not stored what came in this long before does not keep up."""
_LEASE_S: Final = 86_400
_GROWTH_S: Final = 90.0
"""A phase that is shorter does not show whether memory grows."""
_RECOVERY_S: Final = 600.0


class Phase(NamedTuple):
    """So many statuses a second for so long."""

    name: str
    rate: float
    seconds: float


def main() -> None:
    """Measure and print."""
    with measuring("soak", _options(), needs_bytes=4 * GIB) as run:
        chosen = run.options
        chosen.minutes = chosen.minutes or run.scaled(60, 1) / 2
        chosen.peak_minutes = chosen.peak_minutes or run.scaled(500, 25) / 100
        variables = {"ROOMSTATE_PARTICIPANT_TTL_S": str(_LEASE_S)}
        with (
            running_pipeline(chosen.port, **variables) as running,
            Clients(running.port, chosen.clients, chosen.sessions) as clients,
        ):
            asyncio.run(_soak(run, running, clients))
        if chosen.minutes * 60 < _GROWTH_S:
            run.not_measured("whether memory grows: half the peak did not last long enough")
        run.not_measured("a network, and clients on machines of their own: they share the cores with what they load")


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__)
    options.add_argument("--minutes", type=float, help="at half the peak (default 30; short 30 s)")
    options.add_argument("--peak-minutes", type=float, help="at twice the peak (default 5; short 15 s)")
    options.add_argument("--clients", type=int, default=3, help="processes that post (default 3)")
    options.add_argument("--sessions", type=int, default=200, help="that each of them joins (default 200)")
    options.add_argument("--peak", type=float, help="statuses per second, instead of looking for it")
    return options


async def _soak(run: Run, running: Running, clients: Clients) -> None:
    chosen = run.options
    async with Watch(running) as watch:
        await clients.join()
        peak = chosen.peak or await _peak(run, clients, watch)
        run.record("peak", {"statuses per second": peak})
        await _phase(run, Phase("half the peak", peak / 2, chosen.minutes * 60), clients, watch)
        await _phase(run, Phase("twice the peak", peak * 2, chosen.peak_minutes * 60), clients, watch)
        await _recovered(run, peak / 2, clients, watch)
        answers = await clients.finish()
        await watch.wait_until_stored(_RECOVERY_S)
        await _nothing_lost(run, running, answers, watch)


async def _peak(run: Run, clients: Clients, watch: Watch) -> float:
    """Return the highest rate at which everything is taken and stored in time."""
    rise, step_s = (1.5, 3.0) if run.is_short else (1.2, 6.0)
    rate, peak = _FIRST_RATE, _FIRST_RATE / rise
    while True:
        clients.post_at(rate)
        await asyncio.sleep(_BETWEEN_S)
        before, begun_s = clients.answers["204"], time.monotonic()
        await asyncio.sleep(step_s)
        taken = (clients.answers["204"] - before) / (time.monotonic() - begun_s)
        pending = (await watch.account())["pending"]
        run.progress(f"looking for the peak: {taken:.0f} of {rate:.0f} statuses/s taken, {pending} not stored yet")
        if taken < rate * _KEPT_UP or pending > rate * _LAG_S:
            break
        peak, rate = taken, rate * rise
    clients.post_at(0)
    await watch.wait_until_stored(_RECOVERY_S)
    return peak


async def _phase(run: Run, phase: Phase, clients: Clients, watch: Watch) -> None:
    """Post at the rate for so long; keep what it did to answers, lag and memory."""
    name, rate, seconds = phase
    run.progress(f"{name}: {rate:.0f} statuses/s for {seconds:.0f} s")
    clients.post_at(rate)
    before, begun_s = clients.answers.copy(), time.monotonic()
    clients.longest_ms = 0.0
    samples = await watch.samples(seconds)
    took_s = time.monotonic() - begun_s
    came = clients.answers - before
    pending = [sample.pending for sample in samples]
    figures: dict[str, float] = {
        "asked for, statuses/s": rate,
        "answered 204, statuses/s": came["204"] / took_s,
        "answered 503, statuses/s": came["503"] / took_s,
        "longest answer, ms": clients.longest_ms,
        "most that was not stored yet, inputs": max(pending),
        "not stored yet at the end, inputs": pending[-1],
    }
    for process in samples[-1].memory_mib:
        held = [(sample.at_s, sample.memory_mib[process]) for sample in samples if process in sample.memory_mib]
        figures[f"memory of {process}, MiB"] = held[-1][1]
        if seconds >= _GROWTH_S:
            figures[f"memory of {process}, grows by MiB an hour"] = slope_per_hour(held)
    run.record(name, figures)


async def _recovered(run: Run, rate: float, clients: Clients, watch: Watch) -> None:
    """Post at half the peak until what is pending is what half the peak leaves."""
    clients.post_at(rate)
    begun_s = time.monotonic()
    while (await watch.account())["pending"] > rate:
        if time.monotonic() - begun_s > _RECOVERY_S:
            raise TimeoutError("the lag does not go away at half the peak")
        await asyncio.sleep(0.5)
    run.record("after twice the peak", {"until less than a second's worth is pending, s": time.monotonic() - begun_s})


async def _nothing_lost(run: Run, running: Running, answers: Figures, watch: Watch) -> None:
    """Compare what was promised with what is stored, and the log with the store."""
    stored, account = await watch.stored_statuses(), await watch.account()
    promised, unsure = answers.get("204", 0), answers.get("503", 0) + answers.get("none", 0)
    run.record(
        "the account",
        {
            **{f"answered {status}": count for status, count in answers.items()},
            "statuses stored": stored,
            "inputs accepted": account["accepted"],
            "inputs stored or dead letters": account["stored"] + account["dead_lettered"],
        },
    )
    verified = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "roomstate", "verify"],
        env=running.environment,
        capture_output=True,
        text=True,
    )
    run.progress((verified.stdout or verified.stderr).strip().splitlines()[-1])
    run.record("the account", {"exit code of roomstate verify": verified.returncode})
    others = {status: count for status, count in answers.items() if status not in {"204", "503"} and count}
    if others:
        raise RuntimeError(f"answers other than 204 and 503: {others}")
    if not promised <= stored <= promised + unsure:
        raise RuntimeError(f"{promised:.0f} statuses were answered 204 and {stored} are stored")
    if verified.returncode:
        raise RuntimeError("roomstate verify found that log and store differ")


if __name__ == "__main__":
    main()
