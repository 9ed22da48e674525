"""What a request to the stream directory asks: the API's version, the stream, and the parameters that version knows.

Parameters of a later version are ignored in an earlier one; names in paths stand there without a leading slash, and a
scope may have slashes in it. Source: contract 5.1 to 5.3; contract 8.11 and 8.12.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_VERSION: Final = re.compile(r"1\.0|2\.0|3\.[0-9]{1,3}|4\.0")
_ENDPOINTS_MAX: Final = 1000
_NAME_CHARACTERS_MAX: Final = 1000


class DirectoryRefusal(Exception):
    """A request that is answered with an error of the contract."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the API."""

    major: int

    @property
    def has_regions(self) -> bool:
        """Whether a region can be asked for."""
        return self.major >= 2

    @property
    def has_additions(self) -> bool:
        """Whether it knows what 3.x added."""
        return self.major >= 3


@dataclass(frozen=True, slots=True)
class Wish:
    """Which node is wanted, and how many of them; `endpoints` None = one, not in a list."""

    region: str = ""
    is_strict: bool = False
    endpoints: int | None = None


def version_of(text: str) -> Version:
    """Return the version.

    Raises: DirectoryRefusal 404.
    """
    if not _VERSION.fullmatch(text):
        raise DirectoryRefusal(404, "there is no such version of this API; use 1.0, 2.0, 3.0, 3.1 or 4.0")
    return Version(int(text[0]))


def stream_of(scope: str, name: str) -> str:
    """Return the room of a stream.

    Raises: DirectoryRefusal 404 where the path names none.
    """
    room = f"{scope}/{name}"
    if not is_stream_name(room):
        raise DirectoryRefusal(404, "a stream is named by its scope and its name: /event/{scopeName}/{streamName}")
    return room


def is_stream_name(room: str) -> bool:
    """Tell whether a room is named as a stream can be asked for: scope and name, no part of it empty."""
    parts = room.split("/")
    return len(parts) >= 2 and all(parts) and len(room) <= _NAME_CHARACTERS_MAX


def wish_of(version: Version, query: Mapping[str, str]) -> Wish:
    """Return which node the query asks for.

    Raises: DirectoryRefusal 400.
    """
    if not version.has_regions:
        return Wish()
    region = query.get("region", "")
    if not version.has_additions:
        return Wish(region)
    if query.get("geozone"):
        if region:
            raise DirectoryRefusal(400, "region and geozone exclude each other")
        raise DirectoryRefusal(400, "no such geozone is provisioned; use region")
    return Wish(region, flag(query, "strict", is_default=False), _endpoints(query))


def flag(query: Mapping[str, str], name: str, *, is_default: bool) -> bool:
    """Return a parameter that is true or false.

    Raises: DirectoryRefusal 400.
    """
    value = query.get(name, "").lower()
    if value not in ("", "true", "false"):
        raise DirectoryRefusal(400, f"{name} is true or false")
    return value == "true" if value else is_default


def _endpoints(query: Mapping[str, str]) -> int | None:
    text = query.get("endpoints")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= _ENDPOINTS_MAX:
        raise DirectoryRefusal(400, f"endpoints is a number from 1 to {_ENDPOINTS_MAX}")
    return int(text)
