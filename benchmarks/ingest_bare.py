"""The bare FastAPI routes that benchmarks/ingest.py compares with, each in a process of its own."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.http_load import Load, Target
from benchmarks.ingest_sides import PARTITIONS, STATUSES, Side, a_broker, headers_of, served, wait_until_answered
from roomstate.ports import free_port
from storage.event_log import INPUTS_TOPIC
from storage.open_log import open_log

_STATUS: Final = """
import sys
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

class Status(BaseModel):
    action: str
    event: str
    state: str
    connections: int
    sendStreams: int
    recvStreams: int
"""
_SERVED: Final = """
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False, log_level="warning")
"""
_BARE_SERVER: Final = f"""{_STATUS}
app = FastAPI()

@app.post("/rooms/{{token}}", status_code=204)
async def post_status(token: str, status: Status) -> None:
    return None
{_SERVED}"""
_BARE_SERVER_TO_KAFKA: Final = f"""{_STATUS}
from contextlib import asynccontextmanager
from aiokafka import AIOKafkaProducer

@asynccontextmanager
async def producing(app):
    app.state.producer = AIOKafkaProducer(bootstrap_servers=sys.argv[2], acks="all")
    async with app.state.producer:
        yield

app = FastAPI(lifespan=producing)

@app.post("/rooms/{{token}}", status_code=204)
async def post_status(token: str, status: Status) -> None:
    value = status.model_dump_json().encode()
    await app.state.producer.send_and_wait(sys.argv[3], value, key=token.encode())
{_SERVED}"""


@contextmanager
def bare_side(requests: int, connections: int) -> Iterator[Side]:
    """Run a FastAPI route with a pydantic body that stores nothing."""
    with _bare("bare FastAPI route", _BARE_SERVER, requests, connections) as side:
        yield side


@contextmanager
def bare_kafka_side(requests: int, connections: int, folder: Path) -> Iterator[Side]:
    """Run the same route, sending each post to a broker of its own, acknowledged by all copies before the reply."""
    with a_broker(folder) as broker:
        open_log(broker.url, PARTITIONS).close()  # makes the topics
        address = broker.url.removeprefix("kafka://")
        with _bare(
            *("bare route with aiokafka", _BARE_SERVER_TO_KAFKA, requests, connections), address, INPUTS_TOPIC
        ) as side:
            yield side


@contextmanager
def _bare(name: str, server: str, requests: int, connections: int, *arguments: str) -> Iterator[Side]:
    port = free_port()
    load = Load(port, [Target("/rooms/benchroom00", headers_of("none"))] * connections, STATUSES, requests)
    with served([sys.executable, "-c", server, str(port), *arguments], {}) as pid:
        wait_until_answered(load)
        yield Side(name, pid, load)
