"""Faust's transport for broker URLs `sqlite:///absolute/path/to/log.db`: agents on the SQLite log.

Faust finds it by the entry point `faust.transports`. An app on it says `topic_partitions` = the log's partitions,
`topic_disable_leader=True`, and uses the log's two topics only; messages have neither keys nor headers.
"""

import sqlite3
from typing import ClassVar

from faust.transport import base
from faust.types.transports import ConsumerT, ProducerT

from storage.faust_sqlite_consumer import SqliteConsumer
from storage.faust_sqlite_producer import SqliteProducer


class Transport(base.Transport):
    """Makes the consumer and the producer, each with the log opened for itself."""

    Consumer: ClassVar[type[ConsumerT]] = SqliteConsumer
    Producer: ClassVar[type[ProducerT]] = SqliteProducer
    default_port = 0
    driver_version = f"sqlite={sqlite3.sqlite_version}"
