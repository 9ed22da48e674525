"""A rival of the pipeline: aiokafka and clickhouse-connect by hand, one loop: poll, judge, insert, commit."""

import argparse
import asyncio

from aiokafka import AIOKafkaConsumer

from benchmarks.rival_judging import BATCH_ROWS, BATCH_S, Judging, Sink, add_task
from storage.frames import split_frame


def main() -> None:
    """Drain the topic into the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_task(parser)
    parser.add_argument("--messages", type=int, default=BATCH_ROWS, help="of one poll at most")
    asyncio.run(_drain(parser.parse_args()))


async def _drain(chosen: argparse.Namespace) -> None:
    sink = await Sink.connect(chosen.store_url, chosen.statuses)
    judging = Judging(chosen.lease_ms)
    consumer = AIOKafkaConsumer(
        chosen.topic,
        bootstrap_servers=chosen.broker,
        group_id=chosen.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    async with consumer:
        while True:
            polled = await consumer.getmany(timeout_ms=int(BATCH_S * 1000), max_records=chosen.messages)
            messages = [message for messages in polled.values() for message in messages]
            if messages:
                sink.begin()
                rows = [row for each in messages for row in judging.rows(each.value, each.partition, each.offset)]
                await sink.insert(rows, sum(len(split_frame(each.value)) for each in messages))
                await consumer.commit()


if __name__ == "__main__":
    main()
