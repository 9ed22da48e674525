"""The command that breaks things on purpose: `chaos`."""

import secrets
from typing import Annotated, Final

import typer

HELP: Final = (
    "Break a pipeline of its own on purpose, and see that nothing accepted is lost or doubled.",
    "Starts a private instance in a temporary folder on free ports; nothing that runs or is set elsewhere is touched."
    " In each round clients of both contracts post, a fault happens (in every third round two at once) and is repaired,"
    " and everything is compared: each input that was answered 2xx must be in the store exactly once, each that was"
    " refused not at all, each without an answer at most once; decisions that were told must read the same there; the"
    " account must balance with nothing pending; the whole log must equal the store as `roomstate verify` compares"
    " them; the log, judged again without a fault, must give the same facts; and what earlier rounds left must be as it"
    " was. A 503 that leaves open whether the input was taken promises nothing: how many such inputs are stored all the"
    " same is said.",
    "Faults, drawn by the seed so that each comes before any comes again: kill store, kill ingest, kill processor, kill"
    " everything (all by signal 9); freeze store, freeze ingest, freeze processor; restart store, restart ingest,"
    " restart processor; log disk full, store disk full; clock back (of the parts, not the machine's); insert cut"
    " before, insert cut within, insert cut after, insert unanswered (though applied). With --kafka also kill broker,"
    " freeze broker, restart broker, broker disk full. From 20 rounds on also, once each: store away 60 s, insert"
    " unanswered 32 s. What can't be had on this system is said to be left out.",
    "A line tells of a round: how long after the repair every ingest process got a decision again; how many inputs were"
    " answered 2xx and otherwise; the account of the whole run; whether `verify` found log and store equal; what is"
    " lost and doubled.",
    "Exit code 0 only if nothing was lost, doubled or otherwise not as promised. The first round in which something was"
    " ends the run; it is named, and the folder is kept with the logs of all parts. Ctrl-C ends the run; nothing is"
    " left running.",
)


def chaos(
    *,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds to play, of some seconds each.")] = 12,
    seed: Annotated[str, typer.Option(help="The same seed draws the same faults. (default: a random one)")] = "",
    kafka: Annotated[
        bool, typer.Option("--kafka", help="On an Apache Kafka of its own (needs Java and Maven); two of each part.")
    ] = False,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this fault; may be given several times.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of the table.")] = False,
) -> int:
    """Break a pipeline of its own on purpose, and see that nothing accepted is lost or doubled."""
    from roomstate.chaos.faults import FAULTS  # noqa: PLC0415  # each command imports what it needs, and only that
    from roomstate.chaos.run import Plan, run_chaos  # noqa: PLC0415

    names = [one.name for one in FAULTS]
    for wanted in fault or ():
        if wanted not in names:
            raise typer.BadParameter(f"--fault {wanted!r} is none of {', '.join(names)}")
    return run_chaos(Plan(seed or secrets.token_hex(3), rounds, kafka, tuple(fault or ()), as_json))


def add_breaking_commands(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help="\n\n".join(HELP), short_help=HELP[0])(chaos)
