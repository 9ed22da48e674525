"""Connections to a store elsewhere, and what breaks them: TLS, versions, passwords, cuts, silence."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pyarrow
import pytest

from roomstate.chaos.store_proxy import InsertFault, StoreProxy
from roomstate.ports import free_port
from storage.columns import LANDING_TABLE
from storage.ownership import claim
from storage.store import InsertUncertain, Store, StoreRefused, StoreUnavailable
from tests.fixtures_store import EmbeddedStore
from tests.storage.rows_builder import LOG_ID, NOON_MS, Story, as_table
from tests.storage.tls_front import Certificates, make_certificates, tls_front, trusting

SECRET = "very-secret"
ROWS = 3000


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


async def owned_rows(store: Store) -> pyarrow.Table:
    epochs = await claim(store, [0], "test", LOG_ID, NOON_MS)
    story = Story()
    for number in range(ROWS // 2):
        story.open(f"s{number}", NOON_MS, user_agent=f"{number:064x}").close(NOON_MS + 1)
    return as_table([row | {"epoch": epochs[0]} for row in story.rows])


async def count(store: Store) -> int:
    return int((await store.rows("SELECT count() FROM room_events"))[0][0])


async def test_a_store_behind_tls_takes_rows_and_answers(store_database: str, certificates: Certificates) -> None:
    async with (
        tls_front(store_database, certificates) as url,
        await Store.connect(trusting(url, certificates)) as store,
    ):
        await store.insert(LANDING_TABLE, await owned_rows(store))
        assert await count(store) == ROWS
        assert await store.is_reachable()


async def test_a_certificate_is_trusted_only_if_asked_for(
    store_database: str, certificates: Certificates, tmp_path: Path
) -> None:
    async with tls_front(store_database, certificates) as url:
        with pytest.raises(StoreUnavailable, match=r"its certificate is refused \(.*\); name the CA .* \?ca_cert="):
            await Store.connect(url)
        async with await Store.connect(f"{url}?verify=0") as store:
            assert await store.rows("SELECT 1") == [(1,)]
    elsewhere = make_certificates(tmp_path, "127.0.0.2")
    async with tls_front(store_database, elsewhere) as url:
        with pytest.raises(StoreUnavailable, match=r"certificate is refused .*127\.0\.0\.1"):
            await Store.connect(trusting(url, elsewhere))


async def test_a_port_without_tls_is_told_from_one_with_it(store_database: str, certificates: Certificates) -> None:
    with pytest.raises(StoreUnavailable, match=r"TLS failed \(.*\); is this a port for https\?"):
        await Store.connect(store_database.replace("http:", "https:"))
    async with tls_front(store_database, certificates) as url:
        with pytest.raises(StoreUnavailable):
            await Store.connect(url.replace("https:", "http:"))


async def answer_never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(-1)


async def answer_as_long_ago(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer as ClickHouse 18.16 did: its version, but not the client's question about settings."""
    while head := await reader.read(1 << 16):
        status, body = (
            (b"200 OK", b"18.16.1\n")
            if head.startswith(b"GET /?query=SELECT%20version()")
            else (b"404 Not Found", b"Code: 47, e.displayText() = DB::Exception: Unknown identifier: readonly")
        )
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    serving = set()

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(OSError):
            await serve(reader, writer)
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve_one, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*filter(None, serving))


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_server_that_says_nothing_is_given_up_in_time(scheme: str) -> None:
    async with listening(answer_never) as port, asyncio.timeout(10):
        with pytest.raises(StoreUnavailable) as caught:
            await Store.connect(f"{scheme}://someone:{SECRET}@127.0.0.1:{port}/x", timeout_s=0.5)
        assert SECRET not in str(caught.value)


async def test_a_server_that_is_too_old_is_refused_by_its_version() -> None:
    async with listening(answer_as_long_ago) as port:
        with pytest.raises(StoreRefused, match=r"is ClickHouse 18\.16\.1; the oldest that will do is 25\.8$"):
            await Store.connect(f"http://127.0.0.1:{port}/x")


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        (InsertFault.CUT_BEFORE, 0),
        (InsertFault.CUT_WITHIN, 0),
        (InsertFault.CUT_AFTER, ROWS),
        (InsertFault.NO_ANSWER, ROWS),
    ],
)
async def test_an_insert_that_breaks_is_uncertain_and_there_whole_or_not_at_all(
    store_database: str, certificates: Certificates, fault: InsertFault, stored: int
) -> None:
    async with (
        StoreProxy(store_database).running() as proxy,
        tls_front(proxy.url, certificates) as url,
        await Store.connect(trusting(url, certificates), timeout_s=5) as store,
    ):
        rows = await owned_rows(store)
        proxy.break_next(fault)
        with pytest.raises(InsertUncertain):
            await store.insert(LANDING_TABLE, rows)
        assert proxy.faults_done == 1
        assert await count(store) == stored
        await claim(store, [0], "test", LOG_ID, NOON_MS)
        assert await count(store) == stored, "and after a claim that is so for good"


async def test_a_changed_password_is_waited_for_by_who_was_let_in_and_refused_to_who_begins(tmp_path: Path) -> None:
    server = EmbeddedStore(tmp_path / "store", free_port())
    server.start()
    try:
        url = server.url()
        async with await Store.connect(url) as store:
            server.stop()
            (server.data_dir / "store.password").write_text("another")
            await asyncio.to_thread(server.start)
            for ask in (store.rows("SELECT 1"), store.insert("t", pyarrow.table({"a": [1]}))):
                with pytest.raises(StoreUnavailable, match="lets us in no longer") as caught:
                    await ask
                assert type(caught.value) is StoreUnavailable, "an insert surely was not applied"
        with pytest.raises(StoreRefused, match="Authentication failed") as refused:
            await Store.connect(url)
        assert refused.value.code == 516
    finally:
        server.stop()
