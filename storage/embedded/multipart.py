"""Multipart bodies: fields that stand for URL parameters, and files that are external tables.

clickhouse-connect sends external data so, and its parameters once they are too long for a URL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from storage.embedded.engine_errors import BAD_ARGUMENTS, EngineError

_BOUNDARY = re.compile(r'boundary="?([^";,]+)"?', re.IGNORECASE)
_NAME = re.compile(r'[; ]name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_FILE_NAME = re.compile(r'[; ]filename\*?="?', re.IGNORECASE)
_TABLE_NAME = re.compile(r"[^\W\d]\w*\Z")


@dataclass(frozen=True, slots=True)
class ExternalTable:
    """Data that a client sends beside a query, to be read as a temporary table.

    Shape: `structure` as in `a UInt8, b String`.
    """

    name: str
    format_name: str
    structure: str
    data: bytes


def boundary_of(content_type: str) -> bytes | None:
    """Return the boundary of a multipart body; None for any other."""
    if not content_type.lower().startswith("multipart/form-data"):
        return None
    match = _BOUNDARY.search(content_type)
    return match[1].encode() if match else None


def read_parts(body: bytes, boundary: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields and the files of a body by name.

    Raises: EngineError if it is not well-formed.
    """
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary)[1:]:
        if part.startswith(b"--"):
            return fields, files
        head, blank, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = head.decode("utf-8", "replace")
        name = _NAME.search(disposition.replace("\r\n", "; "))
        if not blank or name is None:
            break
        if _FILE_NAME.search(disposition):
            files[name[1]] = data
        else:
            fields[name[1]] = data.decode("utf-8", "replace")
    raise EngineError(BAD_ARGUMENTS, "The multipart body is not well-formed")


def external_tables(files: Mapping[str, bytes], settings: dict[str, str]) -> list[ExternalTable]:
    """Return the tables that the files are, taking their descriptions out of the settings.

    Raises: EngineError if a table has no structure.
    """
    tables = []
    for name, data in files.items():
        format_name = settings.pop(f"{name}_format", "TabSeparated")
        types = [kind.strip() for kind in settings.pop(f"{name}_types", "").split(",") if kind.strip()]
        numbered = ", ".join(f"_{place} {kind}" for place, kind in enumerate(types, 1))
        structure = settings.pop(f"{name}_structure", "") or numbered
        if _TABLE_NAME.match(name) is None or not structure:
            raise EngineError(BAD_ARGUMENTS, f"External table {name} has no plain name or no structure")
        tables.append(ExternalTable(name, format_name, structure, data))
    return tables
