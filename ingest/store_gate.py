"""The store as ingest sees it: connected when first needed, and again after it was away.

Ingest starts and serves without it: statuses of known sessions go on, everything else that needs the store gets
`StoreUnavailable`. No more than a few questions are under way at once, so that a burst of misses waits here instead of
overrunning the store; a question that waits too long gives up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, TypeVar

from storage.belonging import NOT_MIGRATED_CODES, require_belonging
from storage.calls import end_of_call_ms
from storage.event_log import LogMismatch
from storage.reading import LiveSession, live_session, live_session_of_user
from storage.store import Store, StoreRefused, StoreUnavailable

_Answer = TypeVar("_Answer")

StoreTrouble = Literal["unavailable", "refused", "late", "crowded"]
"""Out of reach, refused by the store, not answered in time, too many waiting."""

_QUESTIONS_MAX: Final = 16
_WAITING_MAX: Final = 2_000
_WAIT_S: Final = 5.0


class StoreGate:
    """Answers questions from the store, connecting as needed.

    Raises (every question): StoreUnavailable, StoreRefused.
    """

    def __init__(self, connect: Callable[[], Awaitable[Store]]) -> None:
        self._connect = connect
        self._store: Store | None = None
        self._connecting = asyncio.Lock()
        self._slots = asyncio.Semaphore(_QUESTIONS_MAX)
        self._waiting = 0
        self.on_trouble: Callable[[StoreTrouble], None] = lambda _: None
        """Told of each question that failed."""

    @classmethod
    def of(cls, store: Store) -> "StoreGate":
        """Return the gate to a store that is already connected."""
        gate = cls(_never)
        gate._store = store
        return gate

    @classmethod
    def to(
        cls, url: str, log_id: str | None = None, refuse: Callable[[Exception], None] = lambda _: None
    ) -> "StoreGate":
        """Return the gate to the store at the URL, which has to belong to the log if one is named.

        Shape: `refuse` is told why the store is none for this process; questions then go unanswered.
        """

        async def connect() -> Store:
            store = await Store.connect(url, timeout_s=_WAIT_S, connections=_QUESTIONS_MAX)
            if log_id is not None:
                await _require_belonging(store, log_id, refuse)
            return store

        return cls(connect)

    async def store(self) -> Store:
        """Return the connected store."""
        if self._store is None:
            async with self._connecting:
                if self._store is None:
                    self._store = await self._connect()
        return self._store

    async def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Return the result's rows."""
        return await self._answered(lambda store: store.rows(sql, parameters))

    async def dicts(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the result's rows by column name."""
        return await self._answered(lambda store: store.dicts(sql, parameters))

    async def named_rows(
        self, sql: str, parameters: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns and the result's rows."""
        return await self._answered(lambda store: store.named_rows(sql, parameters, settings))

    async def live_session(self, room: str, session: str) -> LiveSession | None:
        """Return the call's session if it is live."""
        return await live_session(self, room, session)

    async def live_session_of_user(self, room: str, user: str) -> LiveSession | None:
        """Return the user's newest live session in the call."""
        return await live_session_of_user(self, room, user)

    async def room_expiry_ms(self, room: str) -> int | None:
        """Return when the call ends, or None if there is none."""
        return await end_of_call_ms(self, room)

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._store is not None:
            await self._store.close()
            self._store = None

    async def _answered(self, ask: Callable[[Store], Awaitable[_Answer]]) -> _Answer:
        if self._waiting >= _WAITING_MAX:
            self.on_trouble("crowded")
            raise StoreUnavailable("too many questions wait for the store")
        self._waiting += 1
        try:
            async with asyncio.timeout(_WAIT_S), self._slots:
                return await ask(await self.store())
        except TimeoutError:
            self.on_trouble("late")
            raise StoreUnavailable("the store did not answer in time") from None
        except StoreUnavailable:
            self.on_trouble("unavailable")
            raise
        except StoreRefused as refusal:
            self.on_trouble("refused")
            if refusal.code in NOT_MIGRATED_CODES:
                raise StoreUnavailable("the store has no tables yet") from refusal
            raise
        finally:
            self._waiting -= 1


async def _require_belonging(store: Store, log_id: str, refuse: Callable[[Exception], None]) -> None:
    try:
        await require_belonging(store, log_id)
    except (LogMismatch, StoreRefused) as error:
        await store.close()
        if isinstance(error, StoreRefused) and error.code in NOT_MIGRATED_CODES:
            raise
        refuse(error)
        raise StoreUnavailable("the store is another log's, or of another version") from error
    except BaseException:
        await store.close()
        raise


async def _never() -> Store:
    raise StoreUnavailable("the store was closed")
