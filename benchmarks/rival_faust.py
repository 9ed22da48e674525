"""A rival of the pipeline: a plain Faust agent that judges each status and inserts the rows.

Stock Faust on its own Kafka transport, as its manual shows it: one message a status, one agent, commits by itself. With
`take` the agent gets up to a thousand messages at once and inserts their rows; without, it gets one after the other and
inserts when there are enough. Values are raw bytes that msgspec decodes, because Faust's own models cost more.
"""

import argparse
import time
from typing import cast

import faust
from faust.streams import Stream
from faust.types import StreamT

from benchmarks.rival_judging import BATCH_ROWS, BATCH_S, Judging, Row, Sink, add_task

_TAKE_S = 0.5


def main() -> None:
    """Drain the topic into the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_task(parser)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--take", type=int, required=True)
    parser.add_argument("--partitions", type=int, required=True)
    chosen = parser.parse_args()
    app = faust.App(
        chosen.group,
        broker=f"kafka://{chosen.broker}",
        datadir=chosen.data_dir,
        autodiscover=False,
        web_enabled=False,
        topic_partitions=chosen.partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        value_serializer="raw",
    )
    topic = app.topic(chosen.topic, value_type=bytes)
    judging = Judging(chosen.lease_ms)

    @app.agent(topic, name="one-by-one" if chosen.take == 1 else "take")
    async def drain(stream: StreamT[bytes]) -> None:
        sink = await Sink.connect(chosen.store_url, chosen.statuses)
        if chosen.take == 1:
            await _one_by_one(stream, judging, sink)
        else:
            await _taking(stream, chosen.take, judging, sink)

    faust.Worker(app, loglevel="error", redirect_stdouts=False).execute_from_commandline()


async def _one_by_one(stream: StreamT[bytes], judging: Judging, sink: Sink) -> None:
    rows: list[Row] = []
    statuses, since_s = 0, time.monotonic()
    async for event in stream.events():
        sink.begin()
        message = event.message
        rows.extend(judging.rows(message.value, message.partition, message.offset))
        statuses += 1
        if len(rows) >= BATCH_ROWS or time.monotonic() - since_s > BATCH_S or statuses == sink.left:
            await sink.insert(rows, statuses)
            rows, statuses, since_s = [], 0, time.monotonic()


async def _taking(stream: StreamT[bytes], most: int, judging: Judging, sink: Sink) -> None:
    async for events in cast(Stream[bytes], stream).take_events(most, within=_TAKE_S):
        sink.begin()
        messages = [event.message for event in events]
        rows = [row for each in messages for row in judging.rows(each.value, each.partition, each.offset)]
        await sink.insert(rows, len(messages))


if __name__ == "__main__":
    main()
