"""What can go wrong with the store, and how the client's errors become these (by code, never by text).

Three meanings that callers act on differently: certainly not done, try again later (`StoreUnavailable`); perhaps done
(`InsertUncertain`); refused, trying again is no use (`StoreRefused`). Of an insert only what surely comes before the
commit counts as not done: any other code, also one that nobody thought of, leaves it open.
"""

import asyncio
import re
import ssl

import aiohttp
from clickhouse_connect.driver.exceptions import ClickHouseError, ProgrammingError, StreamFailureError

STALE_EPOCH_CODE = 395
"""FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: what the gate of `room_events` throws."""

_BUSY_CODES = frozenset({202, 252, 285, 700, 745})
"""Refused before any work: too many queries, too many parts, too few replicas, too many sessions, overloaded."""

_OTHER_REPLICA_CODES = frozenset({286, 289})
"""Refused for a moment, before any work: another insert waits for its replicas; this replica is behind the others."""

_LOCKED_OUT_CODES = frozenset({192, 193, 194, 516})
"""Who asks is not let in: unknown user, wrong password, password missing, authentication failed."""

_BROKEN_OFF_CODES = frozenset(
    {*(3, 32, 33, 74, 75, 101, 102, 159, 198, 203, 209, 210, 225, 236, 241, 242, 243, 279, 319, 394, 425, 519, 735),
     *(999, 1000, 1001, 1002)}
)  # fmt: skip
"""Failed on the way: files, timeouts, sockets, other servers, aborts, memory, disk full, read-only for lack of a
keeper, unknown status, cancelled, keeper."""

_NOT_YET_WRITTEN_CODES = frozenset(
    {*(6, 8, 10, 15, 16, 20, 26, 27, 38, 41, 42, 43, 44, 46, 47, 50, 53, 60, 62, 70, 72, 73, 81, 108, 115),
     *(117, 131, 164, 291, 349, 392, 395, 407, 452, 497, 691)}
)  # fmt: skip
"""Thrown while an insert is read, checked or converted, so surely before its one block is committed."""

_TEXT_MAX = 600
_HEAD = re.compile(r"^Received ClickHouse exception, code: \d+, server response: (Code: \d+\. )?(DB::Exception: )?")
_TAIL = re.compile(r"\s*\(version [^()]*(\([^()]*\))?[^()]*\)\s*|\s*\(for url [^)]*\)\s*$")


class StoreError(Exception):
    """Anything that the store did not do as asked; the text never holds a secret."""


class StoreUnavailable(StoreError):
    """The store can't be reached or can't work now; what was asked was not done (of an insert: surely not)."""


class ReplicasBusy(StoreUnavailable):
    """The replicas of a cluster need a moment; the same request soon may do."""


class InsertUncertain(StoreUnavailable):
    """The insert may or may not have been applied: take over again, read the mark, send what is beyond it."""


class StoreRefused(StoreError):
    """The store understood and said no; the same request will be refused again."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the store refused it (code {code}): {text}" if code else text)
        self.code = code
        """ClickHouse's exception code; 0 = refused before it was sent."""
        self.text = text


class StaleEpoch(StoreRefused):
    """Somebody else owns a partition of the insert now; nothing of the shard of that partition was applied."""


def translate(error: BaseException, where: str, inserting: bool = False, connecting: bool = False) -> StoreError:
    """Return our error for one of the client.

    Shape: `where` is host and port, for the text; `inserting` tells whether an unknown outcome matters; `connecting`
    whether this is the first request, of which a wrong password is a mistake and not something that will pass.
    """
    code = getattr(error, "code", None) if isinstance(error, ClickHouseError) else None
    text = _shown(error)
    if code is None and _in_chain(error, aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) is not None:
        # No byte of the request left: the connection itself could not be made.
        tls = _in_chain(error, ssl.SSLError, ssl.CertificateError)
        return StoreUnavailable(f"no connection to the store at {where}: {_tls_reason(tls) if tls else text}")
    if code is None and isinstance(error, ProgrammingError) and not isinstance(error, StreamFailureError):
        return StoreRefused(0, text)
    if code in _LOCKED_OUT_CODES and not connecting:
        return StoreUnavailable(f"the store at {where} lets us in no longer (code {code}): {text}")
    if code in _OTHER_REPLICA_CODES:
        return ReplicasBusy(f"the store at {where} waits for its replicas (code {code}): {text}")
    if code in _BUSY_CODES:
        return StoreUnavailable(f"the store at {where} can't answer now: {text}")
    if inserting and code not in _NOT_YET_WRITTEN_CODES:
        return InsertUncertain(f"the store at {where} left an insert's outcome open: {text}")
    if code is None or code in _BROKEN_OFF_CODES:
        return StoreUnavailable(f"the store at {where} can't answer now: {text}")
    if inserting and code == STALE_EPOCH_CODE:
        return StaleEpoch(code, "stale epoch")
    return StoreRefused(code, text)


def _in_chain(error: BaseException, *kinds: type[BaseException]) -> BaseException | None:
    """Return the first error of the kinds in the chain of causes."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, kinds):
        cause = cause.__cause__
    return cause


def _tls_reason(error: BaseException) -> str:
    cause = getattr(error, "certificate_error", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is refused ({cause.verify_message}); name the CA that signed it with ?ca_cert=/path"
    return f"TLS failed ({getattr(error, 'reason', None) or error}); is this a port for https?"


def _shown(error: BaseException) -> str:
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    text = _HEAD.sub("", _TAIL.sub("", str(error).strip().partition("\nStack trace")[0])).strip()
    text = text or type(error).__name__
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"
