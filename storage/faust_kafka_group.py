"""What a member of the processors' group has to watch over: aiokafka tells its errors only to those who ask.

Until somebody asks, aiokafka neither joins the group again nor gives up. Some errors pass by joining anew; those that
only a person can mend end the worker.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InconsistentGroupProtocolError,
    InvalidGroupIdError,
    InvalidSessionTimeoutError,
    KafkaError,
)

from storage.event_log import LogMismatch, LogUnavailable
from storage.kafka_url import KafkaUrl

_LOG = logging.getLogger(__name__)
_FOR_A_PERSON: Final = {
    GroupAuthorizationFailedError: "this user may not be a member of group {group}; allow it to READ the group",
    InconsistentGroupProtocolError: (
        "group {group} has members that are no such processors; stop them, or name another namespace"
    ),
    InvalidGroupIdError: "{group} cannot be the name of a group; name another namespace",
    InvalidSessionTimeoutError: (
        "the brokers do not allow session_timeout_ms={session_timeout_ms}: it is outside their "
        "group.min.session.timeout.ms and group.max.session.timeout.ms"
    ),
}

# What matters of aiokafka's errors is told here; it would log each attempt to connect.
for _name in ("", ".client", ".conn", ".cluster", *(f".consumer.{part}" for part in ("fetcher", "group_coordinator"))):
    logging.getLogger(f"aiokafka{_name}").addFilter(lambda record: record.exc_info is not None)


class GroupWatch:
    """Asks for the coordinator's errors; in aiokafka's thread."""

    def __init__(self, url: KafkaUrl, fail: Callable[[Exception], None]) -> None:
        """Shape: `fail` is told what only a person can mend."""
        self._url = url
        self._fail = fail
        self._is_in_reach = True

    def look(self, coordinator: Any) -> None:
        """Say what changed, and let the coordinator go on after an error."""
        self._tell_reach(coordinator.coordinator_id is not None)
        try:
            coordinator.check_errors()
        except KafkaError as error:
            self._consider(error, coordinator)

    def _tell_reach(self, is_in_reach: bool) -> None:
        if is_in_reach != self._is_in_reach:
            self._is_in_reach = is_in_reach
            if is_in_reach:
                _LOG.info("the coordinator of group %s is in reach", self._url.group)
            else:
                _LOG.warning("the coordinator of group %s is out of reach; trying again", self._url.group)

    def _consider(self, error: KafkaError, coordinator: Any) -> None:
        for kind, text in _FOR_A_PERSON.items():
            if isinstance(error, kind):
                shown = text.format(group=self._url.group, session_timeout_ms=self._url.session_timeout_ms)
                self._fail(LogMismatch(f"{self._url}: {shown}"))
                return
        if coordinator._coordination_task.done():
            self._fail(LogUnavailable(f"{self._url}: membership of group {self._url.group} broke down: {error}"))
            return
        _LOG.warning("joining group %s anew: %s", self._url.group, error)
        coordinator.request_rejoin()
