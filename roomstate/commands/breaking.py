"""The command that breaks things on purpose: `chaos`."""

import secrets
from typing import Annotated

import typer


def chaos(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds to play.")] = 12,
    seed: Annotated[str, typer.Option(help="The same seed draws the same faults. (default: a random one)")] = "",
    kafka: Annotated[
        bool, typer.Option("--kafka", help="On an Apache Kafka of its own (needs Java and Maven); two of each part.")
    ] = False,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this fault; may be given several times.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of the table.")] = False,
) -> int:
    """Break a pipeline of its own on purpose, and see that nothing accepted is lost or doubled.

    Starts a private instance in a temporary folder on free ports; nothing that runs or is set elsewhere is touched.
    In each round clients of both contracts post, a fault drawn by the seed happens (in every third round two at
    once) and is repaired, and everything is compared: each input that was answered 2xx must be in the store exactly
    once, each that was refused not at all, each without an answer at most once; decisions that were told must read
    the same there; the account must balance with nothing pending, and the whole log must equal the store as
    `roomstate verify` compares them. What was answered 503 is not promised: it is counted.

    Faults: kill -9, freeze and restart of store, ingest, processor (and broker); all killed at once; the log's and the
    store's disk full; the wall clock stepped back; inserts cut before, within or after, or applied and not answered.
    From 20 rounds on the store is away for a minute once, and one insert stays unanswered for 32 s.

    Exit code 0 only if nothing was lost, doubled or otherwise not as promised. The first round in which something is
    ends the run, and its folder is kept, with the logs of all parts. Ctrl-C ends it; nothing is left running.
    """
    from roomstate.chaos.faults import FAULTS  # noqa: PLC0415  # each command imports what it needs, and only that
    from roomstate.chaos.run import Plan, run_chaos  # noqa: PLC0415

    names = [one.name for one in FAULTS]
    for wanted in fault or ():
        if wanted not in names:
            raise typer.BadParameter(f"--fault {wanted!r} is none of {', '.join(names)}")
    return run_chaos(Plan(seed or secrets.token_hex(3), rounds, kafka, tuple(fault or ()), json))


def add_breaking_commands(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(chaos)
