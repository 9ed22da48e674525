"""What was acknowledged is on disk and not only in the system's memory: every file of a part, projections included."""

import asyncio
import errno
import fcntl
import os
import struct
from pathlib import Path

import pytest

from storage.columns import LANDING_TABLE
from storage.ownership import claim
from storage.store import Store
from tests.storage.rows_builder import LOG_ID, NOON_MS, Story, as_table

_FIEMAP = 0xC020660B
_EXTENTS = 16
_NO_PLACE_YET = 0x2 | 0x4
"""FIEMAP_EXTENT_UNKNOWN, FIEMAP_EXTENT_DELALLOC: the file system has not given these bytes a place on disk."""


def is_on_disk(path: Path) -> bool:
    """Tell whether all bytes of a file have a place on disk. Source: the kernel's fiemap.rst."""
    with path.open("rb") as file:
        asked = bytearray(struct.pack("=QQLLLL", 0, 2**64 - 1, 0, 0, _EXTENTS, 0) + bytes(56 * _EXTENTS))
        try:
            fcntl.ioctl(file.fileno(), _FIEMAP, asked)
        except OSError as error:
            if error.errno in {errno.EOPNOTSUPP, errno.ENOTTY}:
                pytest.skip("this file system does not tell what is on disk")
            raise
        mapped = struct.unpack_from("=L", asked, 20)[0]
        flags = [struct.unpack_from("=L", asked, 32 + 56 * number + 40)[0] for number in range(mapped)]
        return os.fstat(file.fileno()).st_size == 0 or (bool(flags) and not any(flag & _NO_PLACE_YET for flag in flags))


async def files_of_parts(store: Store, table: str) -> list[Path]:
    rows = await store.rows(
        "SELECT path FROM system.parts WHERE active AND database = currentDatabase() AND table = {table:String}",
        {"table": table},
    )
    return [path for (part,) in rows for path in Path(part).rglob("*") if path.is_file()]


async def test_every_file_of_an_acknowledged_insert_and_of_a_merge_is_on_disk(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        epochs = await claim(store, [0], "test", LOG_ID, NOON_MS)
        files = await files_of_parts(store, "owners")
        assert files
        assert all(map(is_on_disk, files))
        story = Story()
        story.open("s", NOON_MS).close(NOON_MS + 1)
        await store.insert(LANDING_TABLE, as_table([row | {"epoch": epochs[0]} for row in story.rows]))
        files = await files_of_parts(store, "room_events")
        assert files
        assert [path.name for path in files if not is_on_disk(path)] == []
        await store.command("OPTIMIZE TABLE room_events FINAL")
        files = await files_of_parts(store, "room_events")
        assert any(path.parent.suffix == ".proj" for path in files)
        assert [path.name for path in files if not is_on_disk(path)] == []


async def test_a_file_that_was_not_synced_is_told_from_one_that_was(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10_000)
    was_on_disk = await asyncio.to_thread(is_on_disk, path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    assert (was_on_disk, is_on_disk(path)) == (False, True)


async def test_tables_leave_it_to_the_store_to_sync(store_database: str) -> None:
    async with await Store.connect(store_database) as store:
        made = await store.rows(
            "SELECT name, extract(create_table_query, 'fsync_after_insert = ([01])') FROM system.tables "
            "WHERE database = currentDatabase() AND name IN ('room_events', 'owners') ORDER BY name"
        )
    assert made == [("owners", "0"), ("room_events", "0")]
