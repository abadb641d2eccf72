"""What was said is gone when its time is over, from every file, and the files shrink."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.history import read_history
from tests.servers.llm.test_store import DAY_S, NOBODY, Clock, contents, kept, opened, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "conversations.sqlite3"


def size(path: Path) -> int:
    return path.stat().st_size


async def test_what_is_old_is_deleted_without_a_word_said_also_from_the_log_and_the_file_shrinks(path: Path) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        for number in range(200):
            begun = await store.begin(f"c{number}", NOBODY, 1, f"A secret {'x' * 5000}")
            await store.complete(begun.turn_id, "A secret too.")
        clock.now += DAY_S / 2
        await store.maintain()
        large = size(path)
        assert large > 1_000_000
        clock.now += DAY_S / 2 + 1
        await store.maintain()
        assert not await asyncio.to_thread(kept, path, "secret")
        assert size(path) < large / 10


async def test_a_file_of_version_0_2_shrinks_as_well(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute(
            "CREATE TABLE turns (id INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id TEXT NOT NULL, satellite_id "
            "TEXT, device_id TEXT, epoch INTEGER, asked TEXT NOT NULL, reply TEXT NOT NULL, state TEXT NOT NULL, "
            "created REAL NOT NULL)"
        )
        row = ("c", None, None, 1, "x" * 1_000_000, "", "pending", 1.0)
        old.execute(f"INSERT INTO turns VALUES (1, {', '.join('?' * len(row))})", row)
    async with opened(path):
        assert size(path) < 100_000


async def test_a_date_that_is_wrong_for_a_moment_deletes_nothing(path: Path) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        await store.begin("c", NOBODY, 1, "Hello")
        clock.now += 600
        clock.set(2 * DAY_S)
        await store.maintain()
        clock.set(-2 * DAY_S)
        clock.now += 600
        await store.maintain()
        clock.now += 600
        await store.maintain()
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["Hello"]
        # One that stays is the right one.
        clock.set(2 * DAY_S)
        for _ in range(2):
            clock.now += 600
            await store.maintain()
        assert await asyncio.to_thread(read_history, path, "c") == []


async def test_damaged_files_that_were_set_aside_expire(path: Path) -> None:
    clock = Clock()
    write(path, b"this was a database once and has a secret" * 100)
    async with opened(path, clock) as store:
        clock.now += DAY_S - 1
        await store.maintain()
        assert await asyncio.to_thread(kept, path, "secret")
        clock.now += 601
        await store.maintain()
        assert not await asyncio.to_thread(kept, path, "secret")
