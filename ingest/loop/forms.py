"""Urlencoded bodies: flat members, lists and objects, spelled with brackets as Express clients spell them.

A member that comes several times is a list; `name[]=` and `name[0]=` make lists, `name[member]=` objects. All values
are texts. Source: contract 2.1; the `qs` package's conventions.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qsl

from ingest.loop.replies import REQUEST_TOO_LARGE, error

_MEMBERS_MAX: Final = 1000
_DEPTH_MAX: Final = 5
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def form_members(body: bytes) -> dict[str, Any]:
    """Return the form's members.

    Raises: LoopRefusal 413 if there are more than a thousand.

    >>> form_members(b"a=1&a=2&c[value]=x&d[]=y&d[]=z&e[0][n]=5")
    {'a': ['1', '2'], 'c': {'value': 'x'}, 'd': ['y', 'z'], 'e': [{'n': '5'}]}
    """
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MEMBERS_MAX)
    except ValueError:
        raise error(413, REQUEST_TOO_LARGE, "Too many parameters.") from None
    members: dict[str, Any] = {}
    for name, value in pairs:
        _put(members, _path_of(name), value)
    return {name: _with_lists(value) for name, value in members.items()}


def _path_of(name: str) -> list[str]:
    match = _NAME.fullmatch(name)
    if match is None:
        return [name]
    parts = _PART.findall(match[2])
    return [match[1], *parts] if len(parts) <= _DEPTH_MAX else [name]


def _put(members: dict[str, Any], path: list[str], value: str) -> None:
    *parents, name = path
    for parent in parents:
        inner = members.get(parent) if parent else None
        if not isinstance(inner, dict):
            inner = members[parent or str(len(members))] = {}
        members = inner
    if not name:
        name = str(len(members))
    if name not in members:
        members[name] = value
    elif isinstance(members[name], list):
        members[name].append(value)
    else:
        members[name] = [members[name], value]


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_lists(member) for name, member in value.items()}
    if all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
