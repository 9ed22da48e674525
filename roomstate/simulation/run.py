"""`roomstate simulate`: plays planned traffic until it is over or somebody stops it."""

import asyncio
import secrets
import signal
from collections.abc import Callable
from typing import Final

from roomstate.simulation.plan import Traffic, planned_scenes
from roomstate.simulation.play import Target, play
from roomstate.simulation.played import Played

_RUN_BYTES: Final = 3


def run_simulation(traffic: Traffic, target: Target, progress: Callable[[], None]) -> Played:
    """Play the traffic; SIGINT or SIGTERM ends it early. Return what was sent and answered."""
    return asyncio.run(simulate(traffic, target, progress))


async def simulate(traffic: Traffic, target: Target, progress: Callable[[], None]) -> Played:
    """Play the traffic in rooms of its own: the same plan may be played again against the same store."""
    played = Played()
    name = f"{traffic.seed}-{secrets.token_hex(_RUN_BYTES)}"
    playing = asyncio.create_task(play(planned_scenes(traffic, name), target, played, progress))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, playing.cancel)
    await asyncio.wait({playing})
    if not playing.cancelled():
        playing.result()
    return played
