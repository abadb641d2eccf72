"""A disk that is full, a file that is locked or damaged: conversations go on, and the log says it once."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from interject.servers.llm.conversations import Retention
from interject.servers.llm.errors import Fault
from interject.servers.llm.history import read_history
from interject.servers.llm.interruptions import Interruption
from interject.servers.llm.outage import TRY_AGAIN_S, Disk, Step, after_fault, after_success
from interject.servers.llm.store import Store
from interject.servers.llm.turns import Origin
from tests.servers.llm.test_process import bridge
from tests.servers.llm.test_store import DAY_S, KITCHEN, NOBODY, PAUSE_S, Clock, contents, forget, kept, opened, write
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "conversations.sqlite3"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file as another program may."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def overwrite(path: Path) -> None:
    """Damage an open file and what belongs to it."""
    for file in path.parent.glob(f"{path.name}*"):
        with file.open("r+b") as opened_file:
            opened_file.write(os.urandom(file.stat().st_size))


def outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("interject.servers.llm")]


@pytest.fixture(params=["file", "memory"])
async def either(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    """A store whose file can be used, and one whose file cannot."""
    path.parent.mkdir()
    with ExitStack() as stack:
        if request.param == "memory":
            sqlite3.connect(path).close()
            stack.enter_context(locked(path))
        async with opened(path) as store:
            yield store


async def test_a_conversation_goes_on_in_either(either: Store) -> None:
    begun = await either.begin("c", NOBODY, 1, "Hello")
    await either.complete(begun.turn_id, "Good day.")
    failing = await either.begin("c", NOBODY, 2, "And?")
    await either.fail(failing.turn_id)
    again = await either.begin("c", NOBODY, 3, "How are you?")
    assert contents(again.messages) == ["Hello", "Good day.", "How are you?"]
    assert contents(await either.messages("other")) == []


async def test_a_reply_is_cut_in_either(either: Store) -> None:
    begun = await either.begin("c", KITCHEN, 1, "Hello")
    await either.complete(begun.turn_id, "Good day, how are you?")
    cut = await either.interrupt(KITCHEN, Interruption("speech", 1, "Good day, how are you?", "Good day,"), {})
    assert (cut.conversation_id, cut.turn_id, cut.content) == ("c", begun.turn_id, "Good day, [INTERRUPTED]")
    other = await either.begin("c", KITCHEN, 2, "Fine")
    early = Interruption("early", 2, "", "")
    assert (await either.interrupt(Origin("c", None, None), early, {})).turn_id == other.turn_id
    asked = (await either.begin("c", KITCHEN, 3, "and you?")).messages
    assert contents(asked) == ["Hello", "Good day, [INTERRUPTED]", "Fine and you?"]


async def test_what_was_said_while_the_file_was_locked_is_in_it_afterwards(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        first = await store.begin("c", NOBODY, 1, "One")
        with locked(path):
            await store.complete(first.turn_id, "A first reply.")
            second = await store.begin("c", NOBODY, 2, "Two")
            assert contents(second.messages) == ["One", "A first reply.", "Two"]
            await store.complete(second.turn_id, "A second reply.")
            await store.interrupt(Origin("c", None, None), Interruption("speech", 1, "A first reply.", "A first"), {})
            clock.now += TRY_AGAIN_S
            await store.maintain()
            (told,) = outages(caplog)
            assert "is locked by another program; stop that one" in told
            assert "in memory alone" in told
        await store.maintain()
        assert len(outages(caplog)) == 1
        clock.now += TRY_AGAIN_S
        await store.maintain()
        (_, well) = outages(caplog)
        assert "works again" in well
        expected = ["One", "A first [INTERRUPTED]", "Two", "A second reply."]
        assert contents(await asyncio.to_thread(read_history, path, "c")) == expected
        third = await store.begin("c", NOBODY, 3, "Three")
        assert contents(third.messages) == [*expected, "Three"]
        assert contents(await asyncio.to_thread(read_history, path, "c")) == [*expected, "Three"]


async def test_a_file_that_is_locked_at_the_start_is_used_when_it_is_free(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "Before")
    clock = Clock()
    with locked(path):
        async with opened(path, clock) as store:
            assert contents((await store.begin("d", NOBODY, 1, "Hello")).messages) == ["Hello"]
    assert "is locked by another program" in caplog.text
    async with opened(path, clock) as store:
        with locked(path):
            await store.begin("e", NOBODY, 1, "Meanwhile")
        clock.now += TRY_AGAIN_S
        await store.maintain()
        assert contents(await store.messages("c")) == ["Before"]
        assert contents(await store.messages("e")) == ["Meanwhile"]


async def test_a_file_that_is_damaged_while_in_use_is_set_aside_and_the_conversation_goes_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(path) as store:
        begun = await store.begin("c", NOBODY, 1, "One")
        await store.complete(begun.turn_id, "A reply.")
        await asyncio.to_thread(overwrite, path)
        asked = 1
        # SQLite may work from its cache for a while.
        while not outages(caplog) and asked < 100:
            asked += 1
            await store.begin(f"filling {asked}", NOBODY, 1, "x" * 10_000)
        (told,) = outages(caplog)
        assert "is damaged" in told
        again = await store.begin("c", NOBODY, 2, "Two")
        assert contents(again.messages) == ["One", "A reply.", "Two"]
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["One", "A reply.", "Two"]
        assert len(outages(caplog)) == 1


async def test_damage_is_found_without_a_word_said(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 1, "One")
        await store.complete(begun.turn_id, "A reply.")
        await asyncio.to_thread(write, path, os.urandom(20_000))
        clock.now += 600
        await store.maintain()
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["One", "A reply."]
        (told,) = outages(caplog)
        assert "is damaged" in told


async def test_a_row_that_makes_no_sense_is_damage(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "One")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("UPDATE turns SET state = 'half a'")
        assert contents((await store.begin("d", NOBODY, 1, "Hello")).messages) == ["Hello"]
        # As it was when it last made sense.
        assert contents((await store.begin("c", NOBODY, 2, "Two")).messages) == ["One Two"]
    assert "is damaged" in caplog.text


async def test_what_was_forgotten_does_not_come_back_from_memory(path: Path) -> None:
    clock = Clock()
    # The command takes the time of the day.
    clock.set(1e9)
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 1, "A secret")
        with locked(path):
            await store.complete(begun.turn_id, "A secret reply.")
            await store.begin("c", NOBODY, 2, "Another secret")
        done = await asyncio.to_thread(forget, "--all", "--store", str(path))
        assert done.returncode == 0, done.stderr
        clock.now += TRY_AGAIN_S
        await store.maintain()
        assert await store.messages("c") == []
        assert not await asyncio.to_thread(kept, path, "secret")


async def test_what_was_forgotten_is_not_remembered_when_the_file_fails_right_after(path: Path) -> None:
    async with opened(path) as store:
        await store.begin("c", NOBODY, 1, "A secret")
        await asyncio.to_thread(forget, "--all", "--store", str(path))
        with locked(path):
            assert contents((await store.begin("c", NOBODY, 2, "Hello")).messages) == ["Hello"]


def test_a_store_looks_after_itself(path: Path) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        store = Store(path, Retention(DAY_S, PAUSE_S), "openai", lambda: 1e6 + loop.time(), loop.time)
        await store.open()
        await store.begin("c", NOBODY, 1, "Hello")
        # At a moment of no significance to the store.
        await elapse(3)
        with locked(path):
            await store.begin("c", NOBODY, 2, "Again")
        await elapse(TRY_AGAIN_S + 6)
        assert contents(await asyncio.to_thread(read_history, path, "c")) == ["Hello Again"]
        await elapse(DAY_S + 600)
        assert await asyncio.to_thread(read_history, path, "c") == []
        await store.close()

    run_virtual(main())


async def test_what_was_said_is_written_at_the_latest_as_the_store_closes(path: Path) -> None:
    async with opened(path) as store:
        with locked(path):
            await store.begin("c", NOBODY, 1, "Hello")
    assert contents(await asyncio.to_thread(read_history, path, "c")) == ["Hello"]


def test_damage_that_comes_back_at_once_is_the_disks() -> None:
    disk, step = after_fault(Disk(), Fault.DAMAGED, 100.0)
    assert step is Step.BEGIN_ANEW
    disk, step = after_fault(disk, Fault.DAMAGED, 101.0)
    assert step is Step.USE_MEMORY
    assert not disk.is_due(101.0 + TRY_AGAIN_S - 1)
    assert disk.is_due(101.0 + TRY_AGAIN_S)
    _, step = after_fault(after_success(disk), Fault.DAMAGED, 3600.0)
    assert step is Step.BEGIN_ANEW


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "interject", str(tmp_path)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def fill(path: Path) -> None:
    with (path.parent / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_a_bridge_starts_on_a_full_disk(disk: Path) -> None:
    path = disk / "s.sqlite3"
    fill(path)
    async with bridge("--store", str(path)) as process:
        client = await process.client()
        await client.ask("hello", conversation_id="c", epoch=1)
        assert await client.reply()
        await client.close()
        assert await process.end(signal.SIGTERM) == 0
        assert process.log.count("make room on its disk") == 1


async def test_a_silence_ends_a_conversation_also_without_a_file(path: Path) -> None:
    clock = Clock()
    async with opened(path, clock) as store:
        begun = await store.begin("c", NOBODY, 1, "Hello")
        with locked(path):
            await store.complete(begun.turn_id, "Good day.")
            clock.now += PAUSE_S + 10
            assert contents((await store.begin("c", NOBODY, 2, "And later")).messages) == ["And later"]
