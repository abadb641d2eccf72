"""Text mode reads from whatever standard input is."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, TextIO, cast

import pytest
from wyoming.info import Describe

from interject.satellite.conversation.text_frontend import TextMode
from interject.satellite.records.conversation import ReplyFailed, ReplyInterrupted
from interject.satellite.turn.state import Phase
from interject.wire.client import connect
from tools.testing.patience import eventually, expecting, showing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from interject.satellite.conversation.loop import Conversation

# The discard port: nothing listens there.
_NOWHERE = "tcp://127.0.0.1:9"


@asynccontextmanager
async def _satellite(stdin: TextIO | int, tmp_path: Path, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    servers = [part for kind in ("stt", "llm", "tts") for part in (f"--{kind}-uri", _NOWHERE)]
    log = tmp_path / "satellite.log"
    with showing(lambda: [log]), log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interject.satellite", "--text", *flags, *servers,
            stdin=stdin, stdout=asyncio.subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


async def _until_it_ends(process: asyncio.subprocess.Process, typed: bytes | None = None) -> tuple[int | None, str]:
    async with expecting("the satellite to end when there is no more to read"):
        out, _ = await process.communicate(typed)
    return process.returncode, out.decode()


async def test_it_ends_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    async with _satellite(asyncio.subprocess.DEVNULL, tmp_path) as process:
        status, shown = await _until_it_ends(process)
    assert status == 0
    assert not shown


async def test_a_file_is_typed_line_by_line_and_its_failures_are_shown(tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("what time is it\n", encoding="utf-8")
    with questions.open(encoding="utf-8") as stdin:
        async with _satellite(stdin, tmp_path) as process:
            status, shown = await _until_it_ends(process)
    assert status == 0
    assert re.fullmatch(rf"> what time is it\n\(\w+ server: cannot connect to {_NOWHERE}: [^\n]*\)\n", shown)
    assert not (tmp_path / "satellite.log").read_text(), "expected a failure to be told once"


async def test_a_line_without_an_end_is_refused(tmp_path: Path) -> None:
    async with _satellite(asyncio.subprocess.PIPE, tmp_path) as process:
        status, shown = await _until_it_ends(process, b"x" * 200_000 + b"\n")
    assert status == 0
    assert "that line is too long" in shown


async def test_it_goes_away_when_told_while_it_waits_for_a_line(tmp_path: Path) -> None:
    uri = f"unix://{tmp_path}/satellite.sock"
    async with _satellite(asyncio.subprocess.PIPE, tmp_path, "--uri", uri, "--debug") as process:
        log = tmp_path / "satellite.log"
        await eventually(lambda: b"Ready at" in log.read_bytes(), "the satellite to be ready")
        connection = await connect(uri)
        await connection.send(Describe().event())
        async with expecting("the satellite to describe itself"):
            await connection.receive()
        await connection.close()
        process.terminate()
        async with expecting("the satellite to end when it is told to"):
            assert await process.wait() == 0


@pytest.mark.parametrize("typed", [b"quit\n", b"/Exit\n", b"\x04"], ids=["quit", "/exit", "Ctrl-D"])
async def test_at_a_terminal_it_says_how_to_leave_and_leaves(tmp_path: Path, typed: bytes) -> None:
    with at_terminal() as (stdin, hand):
        async with _satellite(stdin, tmp_path) as process:
            assert process.stdout is not None
            async with expecting("text mode to ask for a line"):
                greeting = await process.stdout.readuntil(b"> ")
            os.write(hand, typed)
            status, _ = await _until_it_ends(process)
    assert status == 0
    assert b"To leave: quit, exit or Ctrl-D" in greeting


async def test_why_a_reply_broke_off_is_told_after_what_was_heard_of_it() -> None:
    talk = Talk()
    screen = StringIO()
    with at_terminal() as (stdin, hand), os.fdopen(os.dup(stdin), encoding="utf-8") as keyboard:
        mode = TextMode(cast("Conversation", talk), keyboard, screen)
        running = asyncio.create_task(mode.run())
        os.write(hand, b"hello\n")
        await eventually(lambda: talk.typed == ["hello"], "the line to be taken")
        talk.speak("Once upon")
        await eventually(lambda: "Once upon" in screen.getvalue(), "what is heard to be shown")
        mode.emit(ReplyFailed(1, error="tcp://llm:1: it broke off", brief="llm server: it broke off"))
        talk.speak("Once upon a time")
        await eventually(lambda: "a time" in screen.getvalue(), "the rest to be shown")
        mode.emit(ReplyInterrupted(epoch=1, reason="failed", heard="Once upon a time", heard_ms=1000.0))
        talk.phase = Phase.IDLE
        await eventually(lambda: screen.getvalue().count("> ") > 1, "it to ask for more")
        os.write(hand, b"quit\n")
        async with expecting("text mode to end"):
            await running
    assert screen.getvalue().partition("> ")[2] == "Once upon a time\n(llm server: it broke off)\n> "


@dataclass
class Talk:
    """A conversation as text mode sees it, with a reply that goes as a test wants it."""

    phase: Phase = Phase.IDLE
    epoch: int = 0
    spoken: str = ""
    typed: list[str] = field(default_factory=list)

    def type_text(self, text: str) -> None:
        self.typed.append(text)
        self.epoch += 1
        self.phase = Phase.THINKING

    def speak(self, words: str) -> None:
        self.spoken = words
        self.phase = Phase.SPEAKING

    def heard(self) -> str:
        return self.spoken


@contextmanager
def at_terminal() -> Iterator[tuple[int, int]]:
    """Give the end of a terminal that a program has, and the one of who types."""
    hand, stdin = pty.openpty()
    try:
        yield stdin, hand
    finally:
        os.close(stdin)
        os.close(hand)
