"""The thread in which aiokafka runs: membership of the processors' group, and fetching.

Faust drives aiokafka through private doors; this is the one module that does, beside Faust's own driver. What is done
differently here, and why:

* Every seek happens in this thread: aiokafka's futures may not be touched from another one.
* A partition begins paused and is fetched only once it was positioned; there is no position that aiokafka falls back
  to (`auto_offset_reset="none"`), because the store alone knows where to go on.
* A partition that cannot be fetched does not stop the others: it is reported as strayed.
* The coordinator's errors are asked for (storage/faust_kafka_group.py).
* A request has a timeout of its own, beside Faust's setting of the same name, which bounds takeovers.
* A worker that reads nothing for long stays a member: it waits for the store, and nobody else could do better.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from storage.faust_kafka_group import GroupWatch

if TYPE_CHECKING:
    from storage.faust_kafka import Transport
    from storage.faust_kafka_consumer import KafkaConsumer

FETCH_BYTES: Final = 1024 * 1024
"""Of a partition at once; a larger frame comes whole all the same."""
_FETCH_WAIT_MS: Final = 250
_HEARTBEAT_MS_MAX: Final = 1000
"""A member learns by its next heartbeat that the group has to share out anew."""
_REBALANCE_TIMEOUT_MS: Final = 30_000
"""For so long the group waits for a member that has to finish what is in its hands."""
_REQUEST_SLACK_MS: Final = 10_000
_IDLE_MS_MAX: Final = 1 << 40
_RETRY_MS: Final = 300
"""aiokafka tries each of several things again so often while no broker is there."""
_PAUSE_S: Final = 0.05
_WATCH_EVERY_S: Final = 0.5
_COMMIT_S: Final = 2.0
_ASK_S: Final = 2.0
_LEAVE_S: Final = 5.0


class Haul(NamedTuple):
    """What one fetch brought."""

    records: Mapping[TP, list[Any]]
    """aiokafka's records, of each place an unbroken run from where it was wanted, unless offsets are missing."""
    strayed: frozenset[TP]
    """Places where aiokafka stands elsewhere than wanted, or cannot go on."""
    ends: Mapping[TP, int]


class RebalanceListener(driver.ConsumerRebalanceListener):
    """Keeps new partitions paused until they are positioned."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Pause, then let Faust know."""
        consumer = self._thread._ensure_consumer()
        for place in assigned:
            consumer.pause(place)
            consumer.seek(place, 0)  # else aiokafka looks for a committed offset
        await super().on_partitions_assigned(assigned)


class KafkaThread(driver.AIOKafkaConsumerThread):
    """Runs aiokafka's consumer; all methods but those of Faust's driver are called in this thread."""

    async def take(self, wanted: Mapping[TP, int], timeout_s: float, records_max: int) -> Haul:
        """Return what was fetched of the wanted places, waiting so long for anything.

        Raises: ConsumerStoppedError.
        """
        consumer = self._ensure_consumer()
        if consumer._closed:
            raise ConsumerStoppedError
        if consumer._subscription.reassignment_in_progress:
            await asyncio.sleep(_PAUSE_S)
            return Haul({}, frozenset(), {})
        haul = await self._take_now(consumer, wanted, records_max)
        if haul.records or haul.strayed:
            return haul
        waiter = consumer._fetcher._create_fetch_waiter()
        await asyncio.wait([waiter], timeout=timeout_s)
        if not waiter.done():
            waiter.cancel()
        elif waiter.exception() is None and not consumer._closed:
            return await self._take_now(consumer, wanted, records_max)
        return haul

    async def _take_now(self, consumer: AIOKafkaConsumer, wanted: Mapping[TP, int], records_max: int) -> Haul:
        fetcher = consumer._fetcher
        assignment = consumer._subscription.subscription.assignment
        records: dict[TP, list[Any]] = {}
        strayed: set[TP] = set()
        ends: dict[TP, int] = {}
        for place, offset in wanted.items():
            state = assignment.state_value(place) if assignment else None
            if state is None:
                continue
            if state.highwater is not None:
                ends[place] = state.highwater
            if state.position != offset:
                strayed.add(place)
            elif place in fetcher._records and records_max > 0:
                try:
                    found = (await fetcher.fetched_records({place}, max_records=records_max)).get(place)
                except Exception as error:  # of many sorts, whatever stands in the log
                    self.log.debug("%s cannot be fetched from offset %d: %r", place, offset, error)
                    strayed.add(place)
                else:
                    if found:
                        records[place] = found
                        records_max -= len(found)
                    elif state.position != offset:
                        strayed.add(place)
        return Haul(records, frozenset(strayed), ends)

    async def move(self, offsets: Mapping[TP, int]) -> None:
        """Fetch each of the places, if it is still assigned, from the offset on."""
        consumer = self._ensure_consumer()
        for place in offsets.keys() & self.assignment():
            consumer.seek(driver.ensure_aiokafka_TP(place), offsets[place])
            consumer.resume(driver.ensure_aiokafka_TP(place))

    async def is_still_member(self) -> bool:
        """Ask the group's coordinator whether the present assignment still holds; a no makes the group share anew."""
        coordinator = self._ensure_consumer()._coordinator
        try:
            async with asyncio.timeout(_ASK_S):
                is_known = bool(await coordinator._do_heartbeat())
        except (KafkaError, TimeoutError):
            return False
        return is_known and not coordinator._rejoin_needed_fut.done()

    async def commit_if_possible(self, offsets: Mapping[TP, int]) -> bool:
        """Commit for whoever watches the lag; nothing depends on it."""
        found = {
            driver.ensure_aiokafka_TP(place): OffsetAndMetadata(offset, "")
            for place, offset in offsets.items()
            if place in self.assignment()
        }
        try:
            async with asyncio.timeout(_COMMIT_S):
                await self._ensure_consumer().commit(found)
        except (KafkaError, TimeoutError) as error:
            self.log.debug("offsets were not committed: %r", error)
            return False
        return True

    @Service.task
    async def _watch_group(self) -> None:
        url = cast("Transport", self.transport).log_url
        consumer = cast("KafkaConsumer", self.consumer)

        def fail(error: Exception) -> None:
            self.parent_loop.call_soon_threadsafe(consumer.fail, error)

        watch = GroupWatch(url, fail)
        while not self.should_stop:
            await self.sleep(_WATCH_EVERY_S)
            if self._consumer is not None and not self._consumer._closed:
                watch.look(self._consumer._coordinator)

    async def on_thread_stop(self) -> None:
        """Leave the group, so that others need not wait until the session times out; then close."""
        stopping = asyncio.create_task(super().on_thread_stop())
        await asyncio.wait([stopping], timeout=_LEAVE_S)
        if not stopping.done():
            self.log.warning("the group could not be left in time; others take over when the session times out")
            stopping.cancel()
        # aiokafka's fetcher passes its own cancellation on.
        await asyncio.gather(stopping, return_exceptions=True)
        if self._consumer is not None:
            await self._consumer._client.close()

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        url = cast("Transport", transport).log_url
        return AIOKafkaConsumer(
            client_id="roomstate-processor",
            group_id=url.group,
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            session_timeout_ms=url.session_timeout_ms,
            heartbeat_interval_ms=min(url.session_timeout_ms // 3, _HEARTBEAT_MS_MAX),
            rebalance_timeout_ms=max(url.session_timeout_ms, _REBALANCE_TIMEOUT_MS),
            request_timeout_ms=max(url.session_timeout_ms, _REBALANCE_TIMEOUT_MS) + _REQUEST_SLACK_MS,
            max_poll_interval_ms=_IDLE_MS_MAX,
            retry_backoff_ms=_RETRY_MS,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            **url.client_settings(),
        )
