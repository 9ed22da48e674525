"""The commands that run the pipeline: `up`, and each part alone."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from roomstate.logs import log_as
from roomstate.settings_options import ALL, LEASES, LOG, STORE, with_settings
from storage.settings import Settings


@with_settings(*ALL)
def up(
    settings: Settings,
    simulate: Annotated[float, typer.Option(min=0, metavar="CALLS_PER_MINUTE", help="Simulated calls.")] = 0,
) -> int:
    """Run the whole pipeline here: store, log, processor, ingest. Ctrl-C stops it."""
    from roomstate.up import run_up  # noqa: PLC0415  # each command imports what it needs, and only that

    log_as("up")
    return run_up(settings, simulate)


@with_settings(*ALL)
def ingest(settings: Settings) -> int:
    """Run the HTTP edge alone."""
    from ingest.siblings import own_place  # noqa: PLC0415
    from roomstate.data_folder import require_writable  # noqa: PLC0415

    place = own_place()
    log_as("ingest")
    if settings.is_log_embedded:
        require_writable(settings.data_dir)
    if place is None and settings.ingest_processes > 1:
        from roomstate.running.ingest_processes import run_ingest_processes  # noqa: PLC0415

        return run_ingest_processes(settings)
    from ingest.server import run_ingest  # noqa: PLC0415
    from roomstate.running.parent_pipe import remove_with_parent  # noqa: PLC0415
    from roomstate.running.ready_pipe import say_ready  # noqa: PLC0415

    if place is not None:
        remove_with_parent(place.folder)
    run_ingest(settings, say_ready, place)
    return 0


@with_settings(*LOG, *STORE, *LEASES, "processor_port")
def processor(settings: Settings) -> None:
    """Run one processor alone."""
    from processors.worker import run_processor  # noqa: PLC0415
    from roomstate.data_folder import require_writable  # noqa: PLC0415
    from roomstate.running.ready_pipe import say_ready  # noqa: PLC0415

    log_as("processor")
    if settings.is_log_embedded:
        require_writable(settings.data_dir)
    run_processor(settings, say_ready)


@with_settings("data_dir", "store_port", "analyst_time_s", "analyst_memory_mib", "analyst_result_mib")
def store(settings: Settings) -> None:
    """Run the embedded store alone: ClickHouse's HTTP interface on the store port."""
    from roomstate.data_folder import require_writable  # noqa: PLC0415
    from roomstate.ports import require_free_port  # noqa: PLC0415
    from storage.embedded.server import limits_of, run_store  # noqa: PLC0415

    log_as("store")
    require_writable(settings.data_dir)
    require_free_port("127.0.0.1", settings.store_port, "--store-port")
    run_store(settings.data_dir, "127.0.0.1", settings.store_port, limits_of(settings))


@with_settings(*STORE, "retention_days")
def migrate(settings: Settings) -> None:
    """Bring the store's schema up to this program; does nothing if it is."""
    from roomstate.migrating import run_migrate  # noqa: PLC0415

    applied = asyncio.run(run_migrate(settings))
    typer.echo(f"applied {', '.join(applied)}" if applied else "the schema is up to date")


def kafka(
    data_dir: Annotated[Path, typer.Option(help="Folder that keeps the broker's log.")] = Path("./data"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the broker; 0: any free one.")] = 9092,
) -> int:
    """Run a single-node Apache Kafka on loopback, for development and tests; needs Java and Maven."""
    from roomstate.broker.running import run_kafka  # noqa: PLC0415
    from roomstate.data_folder import require_writable  # noqa: PLC0415

    log_as("kafka")
    require_writable(data_dir)
    return run_kafka(data_dir, port)


def add_part_commands(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, ingest, processor, store, migrate, kafka):
        app.command()(command)
