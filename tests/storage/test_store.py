"""The store's client: values both ways, and which error means what."""

import asyncio
from datetime import UTC, datetime

import pyarrow
import pytest

from storage.columns import LANDING_TABLE
from storage.ownership import claim
from storage.store import INSERT_ROWS_MAX, InsertUncertain, StaleEpoch, Store, StoreRefused, StoreUnavailable
from tests.storage.cut_proxy import cut_proxy
from tests.storage.rows_builder import LOG_ID, NOON_MS, Row, Story, a_row, as_table, put

AWKWARD = 'it\'s \\ "odd"\t\r\n\0 `é` 😀 {x:String} %s ;--'


def is_insert(request: bytes) -> bool:
    return b"room_events_landing" in request.split(b"\r\n", 1)[0]


async def count(store: Store) -> int:
    return int((await store.rows("SELECT count() FROM room_events"))[0][0])


def some_rows(inputs: int = 3) -> list[Row]:
    story = Story()
    stay = story.open("s", NOON_MS)
    for second in range(1, inputs):
        stay.status(NOON_MS + 1000 * second, "waiting", 1, 0, 0)
    return story.rows


async def owned_rows(store: Store, inputs: int = 3) -> pyarrow.Table:
    epochs = await claim(store, [0], "test", LOG_ID, NOON_MS)
    return as_table([row | {"epoch": epochs[0]} for row in some_rows(inputs)])


async def test_parameters_and_results_keep_their_values(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        values = {"text": AWKWARD, "number": 2**64 - 1, "texts": [AWKWARD, "", "b"], "signed": -5}
        sql = "SELECT {text:String}, {number:UInt64}, {texts:Array(String)}, {signed:Int64}"
        assert await store.rows(sql, values) == [(AWKWARD, 2**64 - 1, [AWKWARD, "", "b"], -5)]
        assert await store.dicts("SELECT 1 AS one, NULL AS none") == [{"one": 1, "none": None}]
        assert (await store.arrow("SELECT 'a' AS letter")).to_pylist() == [{"letter": "a"}]


async def test_a_long_parameter_arrives_whole(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        names = [f"{AWKWARD}{number}" for number in range(2000)]
        assert await store.rows(
            "SELECT length({names:Array(String)}), {names:Array(String)}[2000]", {"names": names}
        ) == [(2000, names[-1])]


async def test_a_stream_gives_every_row_in_order_in_several_blocks(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        blocks = [block async for block in store.stream_rows("SELECT number FROM numbers(200000) ORDER BY number")]
    assert len(blocks) > 1
    assert [row[0] for block in blocks for row in block] == list(range(200000))


async def test_bytes_come_in_the_format_asked_for(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        chunks = [chunk async for chunk in store.stream_bytes("SELECT 1 AS a, 'x' AS b", "JSONEachRow")]
    assert b"".join(chunks) == b'{"a":1,"b":"x"}\n'


async def test_a_row_comes_back_as_it_was_inserted(store_database: str) -> None:
    row = a_row(
        kind="status",
        fact="status_judged",
        room_kind="stream",
        room_id=AWKWARD,
        event=AWKWARD,
        event_family="send_destroyed",
        state="sending",
        connections=2**32 - 1,
        moved=True,
        device_type="desktop",
        bytes_recv=2**64 - 1,
        client_seq=2**64 - 1,
        at=NOON_MS + 1,
        extra='{"a":"\\u0000"}',
    )
    async with await Store.connect(store_database) as store:
        await put(store, [row])
        found = (await store.dicts(f"SELECT {', '.join(row)} FROM room_events"))[0]
    times = {name: value for name, value in found.items() if isinstance(value, datetime)}
    assert {name: int(value.timestamp() * 1000) for name, value in times.items()} == {name: row[name] for name in times}
    assert times["at"].tzinfo == UTC
    del found["epoch"]
    assert {name: value for name, value in found.items() if name not in times} == {
        name: row[name] for name in found if name not in times
    }


async def test_the_store_sets_the_time_of_insertion(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        await put(store, some_rows())
        ages = await store.rows("SELECT uniqExact(inserted_at), abs(max(inserted_at) - now64(3)) < 60 FROM room_events")
    assert ages == [(1, True)]


async def test_a_large_insert_is_one_part(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        table = await owned_rows(store)
        await store.insert(LANDING_TABLE, pyarrow.concat_tables([table] * 70_000))
        parts = await store.rows(
            "SELECT rows, level FROM system.parts "
            "WHERE active AND database = currentDatabase() AND table = 'room_events'"
        )
    assert parts == [(210_000, 0)]


async def test_an_insert_that_could_be_cut_in_parts_is_not_sent(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        table = pyarrow.table({"number": pyarrow.nulls(INSERT_ROWS_MAX + 1, pyarrow.int8())})
        with pytest.raises(ValueError, match="one part"):
            await store.insert(LANDING_TABLE, table)


@pytest.mark.parametrize(
    ("sql", "code"),
    [("SELECT 1 FROM nowhere", 60), ("SELEC 1", 62), ("SELECT throwIf(1)", 395), ("SELECT nothing", 47)],
)
async def test_what_the_store_refuses_says_so_with_its_code(store_database: str, sql: str, code: int) -> None:
    async with await Store.connect(store_database) as store:
        with pytest.raises(StoreRefused) as caught:
            await store.rows(sql)
        assert caught.value.code == code
        assert not isinstance(caught.value, StaleEpoch)
        assert await store.rows("SELECT 1") == [(1,)]


async def test_an_insert_of_a_stale_epoch_is_refused_whole(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        table = await owned_rows(store)
        await claim(store, [0], "other", LOG_ID, NOON_MS)
        with pytest.raises(StaleEpoch):
            await store.insert(LANDING_TABLE, table)
        assert await count(store) == 0


async def test_rows_that_do_not_fit_are_refused(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        table = await owned_rows(store)
        wrong = table.set_column(table.column_names.index("room_kind"), "room_kind", pyarrow.array(["nonsense"] * 3))
        with pytest.raises(StoreRefused):
            await store.insert(LANDING_TABLE, wrong)
        assert await count(store) == 0


async def test_nobody_listening_is_certain(unused_tcp_port: int) -> None:
    with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{unused_tcp_port}") as caught:
        await Store.connect(f"http://someone:very-secret@127.0.0.1:{unused_tcp_port}/x")
    assert not isinstance(caught.value, InsertUncertain)
    assert "very-secret" not in str(caught.value)


async def test_an_insert_whose_answer_is_lost_is_uncertain_and_not_sent_twice(store_database: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database)) as store:
        table = await owned_rows(store)
        proxy.is_cutting = is_insert
        with pytest.raises(InsertUncertain):
            await store.insert(LANDING_TABLE, table)
        assert len(proxy.requests) == 1
        assert await count(store) == 3


async def test_an_insert_that_is_never_answered_is_uncertain_in_time(store_database: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database), timeout_s=5) as store:
        table = await owned_rows(store)
        proxy.is_cutting, proxy.stalls = is_insert, True
        async with asyncio.timeout(30):
            with pytest.raises(InsertUncertain, match="no answer in time"):
                await store.insert(LANDING_TABLE, table)


ANSWERS = {
    "a gateway's error": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\noh\n",
    "an early death": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
    "garbage": b"\x00\x01garbage\r\n\r\n",
    "cancelled": b"HTTP/1.1 500 No\r\nX-ClickHouse-Exception-Code: 394\r\nContent-Length: 10\r\n\r\nCode: 394.",
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_that_does_not_say_leaves_an_insert_uncertain(store_database: str, name: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database)) as store:
        table = await owned_rows(store)
        proxy.is_cutting, proxy.answer = is_insert, ANSWERS[name]
        with pytest.raises(InsertUncertain):
            await store.insert(LANDING_TABLE, table)
        assert len(proxy.requests) == 1
        assert await count(store) == 0


async def test_a_busy_store_did_not_take_the_insert(store_database: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database)) as store:
        table = await owned_rows(store)
        proxy.is_cutting = is_insert
        proxy.answer = b"HTTP/1.1 500 No\r\nX-ClickHouse-Exception-Code: 202\r\nContent-Length: 10\r\n\r\nCode: 202."
        with pytest.raises(StoreUnavailable) as caught:
            await store.insert(LANDING_TABLE, table)
        assert not isinstance(caught.value, InsertUncertain)


async def test_a_read_that_breaks_off_is_unavailable(store_database: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database)) as store:
        proxy.is_cutting, proxy.answer = (lambda request: True), ANSWERS["a gateway's error"]
        with pytest.raises(StoreUnavailable) as caught:
            await store.rows("SELECT 1")
        assert not isinstance(caught.value, InsertUncertain)


@pytest.mark.parametrize("url", ["127.0.0.1:8123", "ftp://a:very-secret@c/", "http://a:very-secret@c:99999/"])
async def test_what_is_no_url_of_a_store_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreRefused, match=r"http\[s\]://user:password@host:port/database") as caught:
        await Store.connect(url)
    assert "very-secret" not in str(caught.value)


async def test_the_store_knows_whether_it_is_reachable(store_database: str) -> None:
    async with cut_proxy(store_database) as proxy, await Store.connect(proxy.url(store_database)) as store:
        assert await store.is_reachable()
        proxy.is_cutting, proxy.answer = (lambda request: True), b""
        assert not await store.is_reachable()
