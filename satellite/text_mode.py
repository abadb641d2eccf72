"""Type instead of speaking: the same turn machine, a keyboard for a microphone and a screen for a loudspeaker."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING, Any, TextIO

from satellite.errors import NoKeyboardError
from satellite.turn.events import CancelReason
from satellite.turn.state import Phase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from satellite.conversation import Conversation

# Words appear as they are spoken; five times a second looks continuous.
_REFRESH_S = 0.2
_PROMPT = "> "


class TextMode:
    """Prints each reply word by word as it would be heard; a line typed meanwhile interrupts it."""

    def __init__(self, conversation: Conversation, keyboard: TextIO, screen: TextIO) -> None:
        self._conversation = conversation
        self._keyboard = keyboard
        self._screen = screen
        self._printed = ""
        self._epoch = 0

    def emit(self, kind: str, **fields: Any) -> None:
        """Show the records that a person wants to see; a Trace."""
        if kind == "interrupt":
            self._show_interrupt(CancelReason(fields["reason"]), fields["epoch"], fields["heard"])
        elif kind == "reply-played":
            self._show(fields["epoch"], self._conversation.heard())
            self._write(f"\n{_PROMPT}")
        elif kind == "failed":
            self._write(f"\n({fields['error']})\n{_PROMPT}")

    async def run(self) -> None:
        """Take lines until the keyboard's input ends; returns after the last reply was shown."""
        self._write(_PROMPT)
        typing = asyncio.create_task(self._take_lines(), name="keyboard")
        try:
            while not typing.done() or self._conversation.phase is not Phase.IDLE:
                if self._conversation.phase is Phase.SPEAKING:
                    self._show(self._conversation.epoch, self._conversation.heard())
                await asyncio.sleep(_REFRESH_S)
            await typing
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)

    async def _take_lines(self) -> None:
        next_line = await _line_reader(self._keyboard)
        while True:
            try:
                line = await next_line()
            except ValueError:
                self._write(f"(that line is too long)\n{_PROMPT}")
                continue
            if not line:
                return
            text = line.decode(errors="replace").strip()
            if text:
                self._conversation.type_text(text)

    def _show_interrupt(self, reason: CancelReason, epoch: int, heard: str) -> None:
        if heard:
            self._show(epoch, heard)
            self._write(" [interrupted]\n")
        if reason is CancelReason.STOP_WORD:
            self._write(_PROMPT)

    def _show(self, epoch: int, heard: str) -> None:
        if epoch != self._epoch:
            self._epoch = epoch
            self._printed = ""
        self._write(heard[len(self._printed) :])
        self._printed = heard

    def _write(self, text: str) -> None:
        self._screen.write(text)
        self._screen.flush()


async def _line_reader(keyboard: TextIO) -> Callable[[], Awaitable[bytes]]:
    """Return what gives the next line, empty at the end of the input."""
    if not _can_wait(keyboard):
        # A file or /dev/null: the event loop cannot watch it, but it always answers at once.
        return lambda: asyncio.to_thread(keyboard.buffer.readline)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), keyboard)
    return reader.readline


def _can_wait(keyboard: TextIO) -> bool:
    mode = os.fstat(keyboard.fileno()).st_mode
    return keyboard.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def standard_text_mode(conversation: Conversation) -> TextMode:
    """Use this process's standard input and output; raises NoKeyboardError."""
    if sys.stdin is None:
        raise NoKeyboardError
    return TextMode(conversation, sys.stdin, sys.stdout)
