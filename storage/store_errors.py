"""What can go wrong with the store, and how the client's errors become these (by code, never by text).

Three meanings that callers act on differently: certainly not done, try again later (`StoreUnavailable`); perhaps done
(`InsertUncertain`); refused, trying again is no use (`StoreRefused`).
"""

import asyncio
import re

import aiohttp
from clickhouse_connect.driver.exceptions import ClickHouseError, ProgrammingError, StreamFailureError

STALE_EPOCH_CODE = 395
"""FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: what the gate of `room_events` throws."""

_BUSY_CODES = frozenset({202, 242, 252, 700, 745})
"""Refused before any work: too many queries, table read-only, too many parts, too many sessions, overloaded."""

_BROKEN_OFF_CODES = frozenset({74, 75, 159, 209, 210, 236, 241, 243, 319, 394, 425, 735, 999, 1000, 1001, 1002})
"""Failed on the way: files, timeouts, sockets, aborts, memory, disk full, unknown status, cancelled, keeper."""

_TEXT_MAX = 600
_HEAD = re.compile(r"^Received ClickHouse exception, code: \d+, server response: (Code: \d+\. )?(DB::Exception: )?")
_TAIL = re.compile(r"\s*\(version [^)]*(\([^)]*\))?[^)]*\)\s*|\s*\(for url [^)]*\)\s*$")


class StoreError(Exception):
    """Anything that the store did not do as asked; the text never holds a secret."""


class StoreUnavailable(StoreError):
    """The store can't be reached or can't work now; what was asked was not done (of an insert: surely not)."""


class InsertUncertain(StoreUnavailable):
    """The insert may or may not have been applied: take over again, read the mark, send what is beyond it."""


class StoreRefused(StoreError):
    """The store understood and said no; the same request will be refused again."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the store refused it (code {code}): {text}")
        self.code = code
        """ClickHouse's exception code; 0 = refused before it was sent."""
        self.text = text


class StaleEpoch(StoreRefused):
    """Somebody else owns a partition of the insert now; nothing of it was applied."""


def translate(error: BaseException, where: str, inserting: bool = False) -> StoreError:
    """Return our error for one of the client.

    Shape: `where` is host and port, for the text; `inserting` tells whether an unknown outcome matters.
    """
    code = getattr(error, "code", None) if isinstance(error, ClickHouseError) else None
    text = _shown(error)
    if code is None and _was_never_sent(error):
        return StoreUnavailable(f"no connection to the store at {where}: {text}")
    if code is None and isinstance(error, ProgrammingError) and not isinstance(error, StreamFailureError):
        return StoreRefused(0, text)
    if inserting and (code is None or code in _BROKEN_OFF_CODES):
        return InsertUncertain(f"the store at {where} left an insert's outcome open: {text}")
    if code is None or code in _BUSY_CODES or code in _BROKEN_OFF_CODES:
        return StoreUnavailable(f"the store at {where} can't answer now: {text}")
    if inserting and code == STALE_EPOCH_CODE:
        return StaleEpoch(code, "stale epoch")
    return StoreRefused(code, text)


def _was_never_sent(error: BaseException) -> bool:
    """Tell whether no byte of the request left: the connection itself could not be made."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            return True
        cause = cause.__cause__
    return False


def _shown(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    text = _HEAD.sub("", _TAIL.sub("", str(error).strip().partition("\nStack trace")[0])).strip()
    text = text or type(error).__name__
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
