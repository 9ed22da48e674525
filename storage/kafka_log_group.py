"""Who processes the Kafka log now: the members of the processors' consumer group."""

from typing import Any, Final

from kafka import errors
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer.metadata import ConsumerProtocolAssignment
from kafka.protocol.metadata import FindCoordinatorRequest

from storage.kafka_log_client import KafkaClient, Node

_SETTLING: Final = {"PreparingRebalance", "CompletingRebalance"}
_GROUP: Final = 0
_ONE_KEY_VERSION: Final = 3


def count_workers(client: KafkaClient, any_node: Node, topic: str, give_up_at: float) -> int:
    """Return how many members hold a partition of the topic; all members while the group settles who holds what.

    Raises: kafka's errors.
    """
    group = client.url.group
    finding = FindCoordinatorRequest(key=group, key_type=_GROUP, max_version=_ONE_KEY_VERSION)
    found = client.call(any_node, finding, give_up_at)
    if found.error_code:
        raise errors.for_code(found.error_code)()
    (described,) = client.call(found.node_id, DescribeGroupsRequest(groups=[group]), give_up_at).groups
    if described.error_code:
        error = errors.for_code(described.error_code)
        if error is errors.GroupIdNotFoundError:
            return 0
        raise error()
    if described.group_state in _SETTLING:
        return len(described.members)
    return sum(_holds_any(member, topic) for member in described.members)


def _holds_any(member: Any, topic: str) -> bool:
    """Tell whether the member was given something to do; one that has joined and got nothing is a standby."""
    if not member.member_assignment:
        return False
    assigned = ConsumerProtocolAssignment.decode(member.member_assignment).assigned_partitions
    return any(name == topic and partitions for name, partitions in assigned)
