"""Which node somebody is sent to: a pure choice, so the same question gets the same node while nodes and loads stay.

The region that was asked for comes first; where it has no node, or none was asked for, the stream's own comes first.
Within that the least loaded, and among equals the order in which the nodes were configured.
Source: contract 5.2; contract 8.10 and 8.11.
"""

from collections.abc import Mapping, Sequence

from storage.stream_nodes import Node


def ranked(
    nodes: Sequence[Node], role: str, loads: Mapping[str, int], asked_region: str = "", own_region: str = ""
) -> list[Node]:
    """Return the nodes of the role, best first.

    Shape: `loads` by address, a node that is missing carries nothing; an empty region is none.
    """
    suitable = [node for node in nodes if node.role == role]
    regions = {node.region for node in suitable}
    first = asked_region if asked_region in regions else own_region
    return sorted(suitable, key=lambda node: (not first or node.region != first, loads.get(node.address, 0)))


def in_region(nodes: Sequence[Node], region: str) -> list[Node]:
    """Return the nodes that stand in the region, in their order."""
    return [node for node in nodes if node.region == region]
