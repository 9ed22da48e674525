"""Errors in ClickHouse's own words and numbers, and the HTTP status that ClickHouse gives each.

The text is the interface: clients read code and name from `Code: 60. DB::Exception: … (UNKNOWN_TABLE)`.
"""

import errno
import re
from typing import Final

_TEXT = re.compile(r"Code: (\d+)\. (?:DB::Exception: )?(.*?)(?: \(([A-Z0-9_]+)\))?\s*\Z", re.DOTALL)

_VERSION = re.compile(r" \(version [^()]*(?:\([^()]*\))?\)")
_WRAPPED = re.compile(r"Code: \d+\. DB::Exception: (.*)\Z", re.DOTALL)

SYNTAX_ERROR: Final = (62, "SYNTAX_ERROR")
UNKNOWN_FORMAT: Final = (73, "UNKNOWN_FORMAT")
CANNOT_DECOMPRESS: Final = (271, "CANNOT_DECOMPRESS")
CHECKSUM_DOESNT_MATCH: Final = (40, "CHECKSUM_DOESNT_MATCH")
BAD_ARGUMENTS: Final = (36, "BAD_ARGUMENTS")
NOT_IMPLEMENTED: Final = (48, "NOT_IMPLEMENTED")
UNKNOWN_SETTING: Final = (115, "UNKNOWN_SETTING")
READONLY: Final = (164, "READONLY")
TOO_MANY_QUERIES: Final = (202, "TOO_MANY_SIMULTANEOUS_QUERIES")
NOT_ENOUGH_SPACE: Final = (243, "NOT_ENOUGH_SPACE")
TOO_MANY_ROWS_OR_BYTES: Final = (396, "TOO_MANY_ROWS_OR_BYTES")
SETTING_OUT_OF_BOUNDS: Final = (452, "SETTING_CONSTRAINT_VIOLATION")
QUERY_WAS_CANCELLED: Final = (394, "QUERY_WAS_CANCELLED")
ACCESS_DENIED: Final = (497, "ACCESS_DENIED")
AUTHENTICATION_FAILED: Final = (516, "AUTHENTICATION_FAILED")
INTO_OUTFILE_NOT_ALLOWED: Final = (358, "INTO_OUTFILE_NOT_ALLOWED")
SOCKET_TIMEOUT: Final = (209, "SOCKET_TIMEOUT")
QUERY_IS_TOO_LARGE: Final = (223, "QUERY_IS_TOO_LARGE")
UNKNOWN_EXCEPTION: Final = (1002, "UNKNOWN_EXCEPTION")

_STATUS_OF_NAMES: Final = {
    400: """BAD_ARGUMENTS CANNOT_COMPILE_REGEXP CANNOT_PARSE_TEXT CANNOT_PARSE_ESCAPE_SEQUENCE
        CANNOT_PARSE_QUOTED_STRING CANNOT_PARSE_DATE CANNOT_PARSE_DATETIME CANNOT_PARSE_NUMBER
        CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING CANNOT_PARSE_IPV4 CANNOT_PARSE_IPV6
        CANNOT_PARSE_INPUT_ASSERTION_FAILED CANNOT_PARSE_UUID DUPLICATE_COLUMN ILLEGAL_COLUMN THERE_IS_NO_COLUMN
        UNKNOWN_ELEMENT_IN_AST UNKNOWN_TYPE_OF_AST_NODE TOO_DEEP_AST TOO_BIG_AST UNEXPECTED_AST_STRUCTURE
        SYNTAX_ERROR INCORRECT_DATA TYPE_MISMATCH VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE""",
    401: "REQUIRED_PASSWORD",
    403: "UNKNOWN_USER WRONG_PASSWORD AUTHENTICATION_FAILED SET_NON_GRANTED_ROLE",
    404: """UNKNOWN_TABLE UNKNOWN_FUNCTION UNKNOWN_IDENTIFIER UNKNOWN_TYPE UNKNOWN_STORAGE UNKNOWN_DATABASE
        UNKNOWN_SETTING UNKNOWN_DIRECTION_OF_SORTING UNKNOWN_AGGREGATE_FUNCTION UNKNOWN_FORMAT
        UNKNOWN_DATABASE_ENGINE UNKNOWN_TYPE_OF_QUERY NO_ELEMENTS_IN_CONFIG""",
    413: "QUERY_IS_TOO_LARGE",
    501: "NOT_IMPLEMENTED",
    503: "SOCKET_TIMEOUT CANNOT_SCHEDULE_TASK",
    504: "TIMEOUT_EXCEEDED",
}
_STATUS: Final = {name: status for status, names in _STATUS_OF_NAMES.items() for name in names.split()}


class EngineError(Exception):
    """A statement was refused or failed.

    Shape: `code` and `name` are ClickHouse's; `detail` is the text between them.
    """

    def __init__(self, kind: tuple[int, str], detail: str) -> None:
        self.code, self.name = kind
        self.detail = detail
        super().__init__(detail)

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse answers with."""
        return _STATUS.get(self.name, 500)

    def text(self, version: str) -> str:
        """Return the body that ClickHouse answers with."""
        return f"Code: {self.code}. DB::Exception: {self.detail} ({self.name}) (version {version} (chDB))\n"


def engine_error(text: str) -> EngineError:
    """Return the error that the engine's text tells; the engine may wrap it in itself, with its version."""
    match = _TEXT.search(_VERSION.sub("", text))
    if match is None:
        return EngineError(UNKNOWN_EXCEPTION, text.strip() or "unknown error")
    code, detail, name = int(match[1]), match[2].strip(), match[3] or UNKNOWN_EXCEPTION[1]
    while wrapped := _WRAPPED.match(detail):
        detail = wrapped[1].removesuffix(".").strip()
        detail = detail.removesuffix(f"({name})").strip()
    return EngineError((code, name), detail)


def disk_error(what: str, error: OSError) -> EngineError:
    """Return the error of a file that can't be written."""
    kind = NOT_ENOUGH_SPACE if error.errno in {errno.ENOSPC, errno.EDQUOT} else UNKNOWN_EXCEPTION
    return EngineError(kind, f"{what}: {error.strerror}")
