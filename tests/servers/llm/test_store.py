"""Conversations on disk: they survive a restart, expire, and a bad file is told of."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING

import pytest

from servers.llm.errors import StoreError
from servers.llm.history import read_history
from servers.llm.matching import Speaker
from servers.llm.store import Store
from servers.llm.turns import Interruption

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from servers.llm.turns import Message

DAY_S = 24 * 3600.0
NOBODY = Speaker(None, None, None)
KITCHEN = Speaker(None, "kitchen", None)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(path: Path, clock: Clock | None = None) -> AsyncIterator[Store]:
    store = Store(path, DAY_S, clock or Clock())
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def contents(messages: list[Message]) -> list[str]:
    return [message.content for message in messages]


def content(path: Path) -> bytes:
    return path.read_bytes()


def write(path: Path, raw: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(raw)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "conversations.sqlite3"


async def test_survives_a_restart(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        await store.complete(begun.turn_id, "Good day, how are you?")
    async with opened(path) as store:
        await store.interrupt(Speaker("c", None, None), Interruption("speech", 1, "Good day, how", "Good day,"))
        begun = await store.begin("c", NOBODY, 2, "Fine")
        assert contents(begun.messages) == ["Hello", "Good day, [INTERRUPTED]", "Fine"]


async def test_what_is_older_than_its_life_is_gone_from_the_model_and_the_file(path: Path) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        await store.begin("c", NOBODY, 1, "An old secret")
        clock.now += DAY_S - 1
        assert contents(await store.messages("c")) == ["An old secret"]
        clock.now += 2
        assert contents((await store.begin("c", NOBODY, 2, "New")).messages) == ["New"]
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["New"]
    assert b"An old secret" not in content(path)


async def test_an_interruption_right_behind_the_reply_wins(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", KITCHEN, 1, "Hello")
        _, corrected = await asyncio.gather(
            store.complete(begun.turn_id, "Good day, how are you?"),
            store.interrupt(KITCHEN, Interruption("speech", 1, "Good day, how are you?", "Good")),
        )
        assert corrected.content == "Good [INTERRUPTED]"
        assert contents(await store.messages("c")) == ["Hello", "Good [INTERRUPTED]"]


async def test_a_write_goes_on_when_its_caller_is_cancelled(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        task = asyncio.create_task(store.complete(begun.turn_id, "Good day."))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert contents(await store.messages("c")) == ["Hello", "Good day."]


async def test_a_satellite_that_knows_no_conversation_id_is_found_by_its_words(path: Path) -> None:
    async with opened(path) as store:
        other = await store.begin("other", Speaker("other", "hall", None), 3, "Hi")
        await store.complete(other.turn_id, "Good evening to you.")
        mine = await store.begin("mine", Speaker("mine", "assist_satellite.kitchen", "d1"), None, "Hello")
        await store.complete(mine.turn_id, "Good day, how are you?")
        cut = Interruption("speech", 3, "Good day, how are you?", "Good day,")
        corrected = await store.interrupt(KITCHEN, cut)
        assert (corrected.conversation_id, corrected.content) == ("mine", "Good day, [INTERRUPTED]")
        assert contents(await store.messages("other")) == ["Hi", "Good evening to you."]


async def test_conversations_are_private(path: Path) -> None:
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "Hello")
        assert {file.stat().st_mode & 0o077 for file in path.parent.iterdir()} == {0}


async def test_a_damaged_file_is_set_aside_and_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    damaged = b"this was a database once " * 100
    write(path, damaged)
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "Hello")
    (aside,) = path.parent.glob("*damaged*")
    assert content(aside) == damaged
    assert aside.name in caplog.text


async def test_a_page_lost_in_the_middle_is_noticed_at_the_start(path: Path) -> None:
    async with opened(path) as store:
        for epoch in range(200):
            await store.begin("c", NOBODY, epoch, f"Question {epoch} " * 10)
    raw = content(path)
    raw = raw[: 3 * 4096] + os.urandom(2 * 4096) + raw[5 * 4096 :]
    write(path, raw)
    async with opened(path) as store:
        assert await store.messages("c") == []
    (aside,) = path.parent.glob("*damaged*")
    assert content(aside) == raw


async def test_a_place_that_cannot_be_written_names_the_path_and_the_flag(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for bad in (file / "store.sqlite3", tmp_path):
        with pytest.raises(StoreError, match="--store") as caught:
            async with opened(bad):
                pass
        assert str(bad) in str(caught.value)


async def test_a_locked_file_says_so(path: Path) -> None:
    async with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked by another program"):
            async with opened(path):
                pass


async def test_the_history_can_be_printed_while_the_store_is_in_use(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        await store.complete(begun.turn_id, "Good day.")
        command = [sys.executable, "-m", "servers.llm.history", "--store", str(path), "--conversation", "c"]
        shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == [
        {"role": "user", "content": "Hello", "interrupted": False},
        {"role": "assistant", "content": "Good day.", "interrupted": False},
    ]


def test_printing_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "servers.llm.history", "--store", str(tmp_path / "none")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 2
    assert "does not exist" in shown.stderr
