"""The broker's configuration: one node that is broker and controller, on loopback, alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ALONE: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    # A single node can hold one replica of anything.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "1",
    # Topics are made on purpose, with the wanted partitions.
    "auto.create.topics.enable": "false",
    # After a crash the node is let in again once its own registration has lapsed: 9 s by default.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    # Nobody else is about to join: a group of one or two workers need not wait for more.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
}


def server_properties(folder: Path, port: int, controller_port: int, options: Mapping[str, str]) -> str:
    """Return the text of `server.properties`; `options` come last and so win over everything else."""
    values = {
        **_ALONE,
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": str(folder / "log"),
        **options,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())
