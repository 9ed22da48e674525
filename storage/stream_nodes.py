"""The stream directory's nodes: parsed from ROOMSTATE_NODES, or one local origin and one local edge.

Source: interfaces, Settings; contract 5.
"""

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

ORIGIN: Final = "origin"
EDGE: Final = "edge"


class Node(NamedTuple):
    """Where publishers (an origin) or subscribers (an edge) are sent to."""

    role: str
    address: str
    region: str


DEFAULT_NODES: Final = (Node(ORIGIN, "127.0.0.1", "local"), Node(EDGE, "127.0.0.1", "local"))
_SHAPE: Final = (
    'use a JSON list like [{"role": "origin", "address": "a.example", "region": "eu"}], roles origin and edge,'
    " or the path of a file that holds one"
)
_MEMBERS: Final = frozenset({"role", "address", "region"})


def parse_nodes(value: str) -> tuple[Node, ...]:
    """Return the nodes of a JSON list, or of the file that holds one, in their order; '' = the default.

    Raises: ValueError, one line that says which node is wrong and what would be right.
    """
    if not value:
        return DEFAULT_NODES
    try:
        listed: Any = json.loads(value if value.lstrip().startswith("[") else _text_of(Path(value)))
    except RecursionError:
        raise ValueError(f"it is nested too deeply; {_SHAPE}") from None
    except json.JSONDecodeError:
        raise ValueError(f"it is no JSON; {_SHAPE}") from None
    if not isinstance(listed, list) or not listed:
        raise ValueError(_SHAPE)
    nodes = tuple(_node(number, member) for number, member in enumerate(listed, 1))
    if len({(node.role, node.address) for node in nodes}) < len(nodes):
        raise ValueError(f"a node is there twice; {_SHAPE}")
    return nodes


def _text_of(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        raise ValueError(f"it is no file that can be read; {_SHAPE}") from None


def _node(number: int, member: Any) -> Node:
    if not isinstance(member, dict):
        raise ValueError(f"node {number} is no object; {_SHAPE}")
    if unknown := sorted(member.keys() - _MEMBERS):
        raise ValueError(f"node {number} has an unknown member {unknown[0][:40]!r}; {_SHAPE}")
    role, address, region = (member.get(name) for name in ("role", "address", "region"))
    if role not in (ORIGIN, EDGE):
        raise ValueError(f"node {number} has no role origin or edge; {_SHAPE}")
    if not isinstance(address, str) or not address.strip():
        raise ValueError(f"node {number} has no address; {_SHAPE}")
    if region is not None and not isinstance(region, str):
        raise ValueError(f"the region of node {number} is no text; {_SHAPE}")
    return Node(role, address, region or "")
