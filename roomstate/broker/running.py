"""`roomstate kafka`: a broker in the foreground, until SIGINT or SIGTERM."""

import logging
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Final

from roomstate.broker.jars import kafka_version
from roomstate.broker.node import BrokerNode
from roomstate.ports import require_free_port
from roomstate.refusals import CommandRefused

_LOG = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 0.5


def run_kafka(data_dir: Path, port: int) -> int:
    """Run the broker until told to stop, or until it ends by itself; return the exit code.

    Raises: BrokerMissing, CommandRefused.
    """
    if port:
        require_free_port("127.0.0.1", port, "--port")
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    node = BrokerNode(data_dir.absolute() / "kafka", port)
    _LOG.info("starting Apache Kafka %s (fetched by Maven on first use)", kafka_version())
    node.start()
    sys.stdout.write(f"Kafka is ready.\n  ROOMSTATE_LOG_URL={node.url}\nCtrl-C stops it; what it holds is kept.\n")
    sys.stdout.flush()
    while not stopping.wait(_LOOK_EVERY_S):
        if not node.pid:
            raise CommandRefused(f"Kafka ended by itself; see {node.log_path}")
    node.stop()
    return 0
