"""The commands that make traffic: `replay`, `simulate` and `demo`."""

import asyncio
import secrets
from pathlib import Path
from typing import Annotated

import typer
from typer.models import OptionInfo

from roomstate.addresses import api_url
from roomstate.settings_options import with_settings
from storage.settings import Settings

Url = Annotated[str, typer.Option("--url", metavar="URL", help="Where ingest answers. (default: host and port)")]


@with_settings("host", "port")
def replay(
    settings: Settings,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Recorded calls. (default: our own)"),
    ] = None,
    url: Url = "",
    speed: Annotated[
        float, typer.Option(min=0, help="1: steps half a second apart; 10: ten times faster; 0: without pauses.")
    ] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=1000, help="Calls at the same time at most.")] = 16,
) -> int:
    """Post recorded calls to a running ingest and compare its replies; exit 1 if one differs."""
    from roomstate.replaying.recordings import RECORDED, read_recordings  # noqa: PLC0415  # only what is needed
    from roomstate.replaying.replay import replay as play  # noqa: PLC0415
    from roomstate.showing import Steps  # noqa: PLC0415

    recordings = read_recordings(file or RECORDED)
    with Steps() as steps:
        count = steps.begin("requests", sum(len(recording.steps) for recording in recordings))
        result = asyncio.run(
            play(recordings, url or api_url(settings), speed=speed, concurrency=concurrency, progress=count)
        )
    typer.echo("\n".join(result.lines()))
    return 1 if result.real_differences else 0


def _share(text: str) -> OptionInfo:
    option: OptionInfo = typer.Option(min=0, max=1, metavar="FRACTION", help=text)
    return option


@with_settings("host", "port", "data_dir", "api_token")
def simulate(
    settings: Settings,
    *,
    calls: Annotated[int, typer.Option(min=0, help="Calls to play; 0: until stopped.")] = 100,
    rate: Annotated[
        float, typer.Option(min=0.001, help="Calls that begin in a minute at first; then as the day has it.")
    ] = 30,
    hour: Annotated[float, typer.Option(min=0, max=24, help="Of the day at which it begins; evenings are busy.")] = 18,
    seed: Annotated[str, typer.Option(help="The same seed gives the same plan. (default: a random one)")] = "",
    speed: Annotated[float, typer.Option(min=0.001, help="10: everything ten times faster, arrivals too.")] = 1,
    misbehaving: Annotated[float, _share("Share of people on a version that breaks the rules.")] = 0.05,
    talk: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="Median length of a talk; all else in proportion.")
    ] = 60,
    playback: Annotated[float, _share("Accounts that begin to play, for each call.")] = 0.5,
    streams: Annotated[float, _share("Streams that are published, for each call.")] = 0.05,
    url: Url = "",
) -> int:
    """Play an evening of calls, playback and streams against a running ingest, in rooms named sim-….

    Exit code 1 if an input got no answer or was not taken.
    """
    from roomstate.data_folder import existing_token  # noqa: PLC0415
    from roomstate.showing import Steps  # noqa: PLC0415
    from roomstate.simulation.call import CallShape  # noqa: PLC0415
    from roomstate.simulation.plan import Traffic  # noqa: PLC0415
    from roomstate.simulation.play import Target  # noqa: PLC0415
    from roomstate.simulation.run import run_simulation  # noqa: PLC0415

    shape = CallShape(talk, misbehaving)
    traffic = Traffic(seed or secrets.token_hex(3), calls, rate, shape, hour, playback, streams)
    target = Target(url or api_url(settings), existing_token(settings), speed)
    with Steps() as steps:
        played = run_simulation(traffic, target, steps.begin("simulated calls", calls or None))
    typer.echo("\n".join(played.lines()))
    return 1 if played.given_up or played.refused else 0


def demo() -> int:
    """Send recorded and simulated calls through a pipeline of its own, show what came of it, and end."""
    from roomstate.demonstrating.demo import run_demo  # noqa: PLC0415
    from roomstate.logs import log_as  # noqa: PLC0415

    log_as("demo")
    return run_demo()


def add_traffic_commands(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (demo, replay, simulate):
        app.command()(command)
