"""Text mode: the same turn machine with a keyboard for a microphone and a screen for a loudspeaker."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TextIO

from interject.satellite.errors import NoKeyboardError
from interject.satellite.records.conversation import ReplyFailed, ReplyInterrupted, ReplyPlayed, SttFailed
from interject.satellite.turn.events import CancelReason
from interject.satellite.turn.state import Phase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from interject.satellite.conversation.loop import Conversation
    from interject.wire.trace import Record

# Words appear as they are spoken; five times a second looks continuous.
_REFRESH_S = 0.2
_PROMPT = "> "
_LEAVE = ("quit", "exit", "/quit", "/exit")
_GREETING = "Type a question, then Enter; what you type into a reply cuts it off. To leave: quit, exit or Ctrl-D.\n"
_BUSY = (Phase.TRANSCRIBING, Phase.THINKING, Phase.SPEAKING, Phase.INTERRUPTED)


class TextMode:
    """Prints each reply word by word as it would be heard.

    A line typed at a terminal meanwhile interrupts it; lines of a pipe or a file wait for their turn.
    """

    def __init__(self, conversation: Conversation, keyboard: TextIO, screen: TextIO) -> None:
        self._conversation = conversation
        self._keyboard = keyboard
        self._screen = screen
        self._by_hand = keyboard.isatty()
        self._printed = ""
        self._line_begun = False
        self._epoch = 0
        self._failure = ""
        self._left = False
        # Whether everything is answered that was asked.
        self._answered = asyncio.Event()
        self._answered.set()

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Show the records that a person wants to see; a Trace."""
        match record:
            case ReplyInterrupted():
                self._show_interrupt(CancelReason(record.reason), record.epoch, record.heard)
            case ReplyPlayed():
                self._show(record.epoch, self._conversation.heard())
            case ReplyFailed() | SttFailed():
                # What came of the reply before is still being spoken.
                self._failure = record.brief
            case _:
                pass

    async def run(self) -> None:
        """Take lines until there are no more and the last is answered, or until one of them asks to leave."""
        if self._by_hand:
            self._write(_GREETING + _PROMPT)
        typing = asyncio.create_task(self._take_lines(), name="keyboard")
        try:
            while not typing.done() or (self._is_busy() and not self._left):
                self._follow()
                await asyncio.sleep(_REFRESH_S)
            await typing
            self._follow()
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)

    async def _take_lines(self) -> None:
        async with _line_reader(self._keyboard) as next_line:
            while not self._left:
                if not self._by_hand:
                    await self._answered.wait()
                try:
                    line = await next_line()
                except ValueError:
                    self._write(f"(that line is too long)\n{_PROMPT if self._by_hand else ''}")
                    continue
                if not line:
                    # Ctrl-D leaves the line of the prompt unfinished.
                    self._end_line()
                    return
                self._take(line.decode(errors="replace").strip())

    def _take(self, text: str) -> None:
        if self._by_hand:
            # The terminal shows what is typed, and its end.
            self._line_begun = False
        elif text:
            self._write(f"{_PROMPT}{text}\n")
        self._left = text.lower() in _LEAVE
        if text and not self._left:
            self._answered.clear()
            self._conversation.type_text(text)
        elif self._by_hand and not self._left:
            self._write(_PROMPT)

    def _is_busy(self) -> bool:
        return self._conversation.phase in _BUSY

    def _follow(self) -> None:
        """Show what has been heard since the last time; once all is answered, ask for more."""
        if self._conversation.phase is Phase.SPEAKING:
            self._show(self._conversation.epoch, self._conversation.heard())
        elif not self._is_busy() and not self._answered.is_set():
            self._end_line()
            if self._failure:
                self._write(f"({self._failure})\n")
                self._failure = ""
            if self._by_hand and not self._left:
                self._write(_PROMPT)
            self._answered.set()

    def _show_interrupt(self, reason: CancelReason, epoch: int, heard: str) -> None:
        if heard:
            self._show(epoch, heard)
            # A reply that broke off was cut by nobody; why it did is told.
            self._write("" if reason is CancelReason.FAILED else " [interrupted]")
            self._end_line()

    def _show(self, epoch: int, heard: str) -> None:
        if epoch != self._epoch:
            self._epoch = epoch
            self._printed = ""
        self._write(heard[len(self._printed) :])
        self._printed = heard

    def _end_line(self) -> None:
        if self._line_begun:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            self._line_begun = not text.endswith("\n")
            self._screen.write(text)
            self._screen.flush()


@asynccontextmanager
async def _line_reader(keyboard: TextIO) -> AsyncIterator[Callable[[], Awaitable[bytes]]]:
    """Give what returns the next line, empty at the end of the input."""
    if not _can_wait(keyboard):
        # A file or /dev/null: the event loop cannot watch it, but it always answers at once.
        yield lambda: asyncio.to_thread(keyboard.buffer.readline)
        return
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), keyboard)
    try:
        yield reader.readline
    finally:
        transport.close()


def _can_wait(keyboard: TextIO) -> bool:
    mode = os.fstat(keyboard.fileno()).st_mode
    return keyboard.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def standard_text_mode(conversation: Conversation) -> TextMode:
    """Use this process's standard input and output; raises NoKeyboardError."""
    if sys.stdin is None:
        raise NoKeyboardError
    return TextMode(conversation, sys.stdin, sys.stdout)
