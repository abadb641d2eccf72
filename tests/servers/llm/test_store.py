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

from interject.servers.llm.conversations import Retention
from interject.servers.llm.errors import StoreError
from interject.servers.llm.history import read_history
from interject.servers.llm.interruptions import Interruption
from interject.servers.llm.store import Store
from interject.servers.llm.turns import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from interject.servers.llm.turns import Message

DAY_S = 24 * 3600.0
PAUSE_S = 300.0
NOBODY = Origin(None, None, None)
KITCHEN = Origin(None, "kitchen", None)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.set_by = 0.0

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now - self.set_by

    def set(self, by: float) -> None:
        """Change the date as a person or a time server does."""
        self.now += by
        self.set_by += by


@asynccontextmanager
async def opened(path: Path, clock: Clock | None = None, engine: str = "openai") -> AsyncIterator[Store]:
    clock = clock or Clock()
    store = Store(path, Retention(DAY_S, PAUSE_S), engine, clock, clock.monotonic)
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
        await store.interrupt(Origin("c", None, None), Interruption("speech", 1, "Good day, how", "Good day,"), {})
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
        await store.maintain()
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["New"]
        assert not await asyncio.to_thread(kept, path, "An old secret")
    assert b"An old secret" not in content(path)


async def test_an_interruption_right_behind_the_reply_wins(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", KITCHEN, 1, "Hello")
        _, corrected = await asyncio.gather(
            store.complete(begun.turn_id, "Good day, how are you?"),
            store.interrupt(KITCHEN, Interruption("speech", 1, "Good day, how are you?", "Good"), {}),
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
        other = await store.begin("other", Origin("other", "hall", None), 3, "Hi")
        await store.complete(other.turn_id, "Good evening to you.")
        mine = await store.begin("mine", Origin("mine", "assist_satellite.kitchen", "d1"), None, "Hello")
        await store.complete(mine.turn_id, "Good day, how are you?")
        cut = Interruption("speech", 3, "Good day, how are you?", "Good day,")
        corrected = await store.interrupt(KITCHEN, cut, {})
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


async def test_the_history_can_be_printed_while_the_store_is_in_use(path: Path) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        await store.complete(begun.turn_id, "Good day.")
        command = [sys.executable, "-m", "interject.servers.llm.history", "--store", str(path), "--conversation", "c"]
        shown = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert json.loads(shown.stdout) == [
        {"role": "user", "content": "Hello", "interrupted": False},
        {"role": "assistant", "content": "Good day.", "interrupted": False},
    ]


def test_printing_a_store_that_is_not_there_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "interject.servers.llm.history", "--store", str(tmp_path / "none")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 2
    assert "does not exist" in shown.stderr


async def test_a_conversation_begins_anew_after_a_silence_also_over_a_restart(path: Path) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        await store.complete(begun.turn_id, "Good day.")
    clock.now += PAUSE_S
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 2, "Again")
        assert contents(begun.messages) == ["Hello", "Good day.", "Again"]
        await store.complete(begun.turn_id, "Yes?")
        clock.now += PAUSE_S + 1
        assert contents((await store.begin("c", NOBODY, 3, "And later")).messages) == ["And later"]


async def test_a_silence_begins_where_a_long_reply_ends_or_is_cut_off(path: Path) -> None:
    clock = Clock()
    story = "Once upon a time there was a lighthouse. " * 120
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 1, "Tell me a story")
        await store.complete(begun.turn_id, story)
        clock.now += PAUSE_S + 60
        begun = await store.begin("c", NOBODY, 2, "Whose was it?")
        assert contents(begun.messages) == ["Tell me a story", story, "Whose was it?"]
        await store.complete(begun.turn_id, story)
        clock.now += 2 * PAUSE_S
        await store.interrupt(Origin("c", None, None), Interruption("speech", 2, story, "Once upon a time"), {})
        clock.now += PAUSE_S
        (*_, cut, asked) = contents((await store.begin("c", NOBODY, 3, "Go on")).messages)
        assert (cut, asked) == ("Once upon a time [INTERRUPTED]", "Go on")


async def test_a_model_is_not_shown_what_another_engine_answered(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with opened(path, engine="offline") as store:
        begun = await store.begin("c", NOBODY, 1, "Who are you?")
        await store.complete(begun.turn_id, "I am the built-in offline responder.")
    assert "another engine's" not in caplog.text
    async with opened(path, engine="openai") as store:
        assert "another engine's" in caplog.text
        begun = await store.begin("c", NOBODY, 2, "And now?")
        assert contents(begun.messages) == ["And now?"]
        await store.complete(begun.turn_id, "A model.")
    async with opened(path, engine="offline") as store:
        begun = await store.begin("c", NOBODY, 3, "Back again")
        assert contents(begun.messages) == ["Who are you?", "I am the built-in offline responder.", "Back again"]


async def test_a_store_of_version_0_2_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(
            "CREATE TABLE turns (id INTEGER PRIMARY KEY AUTOINCREMENT, conversation_id TEXT NOT NULL, satellite_id "
            "TEXT, device_id TEXT, epoch INTEGER, asked TEXT NOT NULL, reply TEXT NOT NULL, state TEXT NOT NULL, "
            "created REAL NOT NULL);"
            "INSERT INTO turns VALUES (1, 'c', NULL, NULL, 1, 'Old', 'Yes.', 'complete', 999999.0);"
            "PRAGMA user_version = 1"
        )
    async with opened(path) as store:
        assert contents((await store.begin("c", NOBODY, 2, "New")).messages) == ["New"]
    assert contents(await asyncio.to_thread(read_history, path, "c")) == ["Old", "Yes.", "New"]


def forget(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "interject.servers.llm", "forget", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def test_what_is_to_be_forgotten_is_gone_from_the_file_while_the_store_is_in_use(path: Path) -> None:
    place = ("--store", str(path))
    async with opened(path) as store:
        for conversation_id in ("satellite-kitchen", "satellite-hall"):
            begun = await store.begin(conversation_id, NOBODY, 1, f"A secret of {conversation_id}")
            await store.complete(begun.turn_id, "I see.")
        listed = await asyncio.to_thread(forget, *place)
        assert "satellite-kitchen  (1 question" in listed.stdout
        wrong = await asyncio.to_thread(forget, "satellite-kitchn", *place)
        assert (wrong.returncode, wrong.stdout) == (2, "")
        assert "did you mean satellite-kitchen?" in wrong.stderr
        done = await asyncio.to_thread(forget, "satellite-kitchen", *place)
        assert (done.returncode, done.stderr) == (0, "")
        assert not await asyncio.to_thread(kept, path, "A secret of satellite-kitchen")
        assert contents((await store.begin("satellite-kitchen", NOBODY, 2, "Hello")).messages) == ["Hello"]
        assert contents(await store.messages("satellite-hall")) == ["A secret of satellite-hall", "I see."]


async def test_all_is_forgotten_also_in_damaged_files_that_were_kept(path: Path) -> None:
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "A secret")
    damaged = content(path)[:5000] + b"A secret"
    write(path, damaged)
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "Another secret")
        done = await asyncio.to_thread(forget, "--all", "--store", str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert not await asyncio.to_thread(kept, path, "secret")
        assert await store.messages("c") == []


def test_forgetting_where_nothing_is_kept_says_so(tmp_path: Path) -> None:
    done = forget("--all", "--store", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    assert done.stderr.count("\n") == 1


def kept(path: Path, text: str) -> bool:
    """Tell whether any file beside the store, or it, holds a text."""
    return any(text.encode() in file.read_bytes() for file in path.parent.iterdir())
