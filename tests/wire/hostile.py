"""What a hostile peer sends to a service in this process, and whether somebody else is still answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from wyoming.ping import Ping, Pong

from tests.patience import PATIENCE_S, expecting
from wire.framing import read_event, write_event
from wire.uri import open_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wyoming.event import Event


class Bystander:
    """A peer that does nothing wrong."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asked = 0

    async def is_answered(self, after: str) -> None:
        """Fail where its next `ping` is not answered; `after` says what came before."""
        self._asked += 1
        text = f"question {self._asked}"
        async with expecting(f"a bystander to be answered after {after}"):
            await write_event(Ping(text=text).event(), self._writer)
            event = await read_event(self._reader)
        assert event is not None, f"the bystander was disconnected after {after}"
        assert Pong.from_event(event).text == text


@contextlib.asynccontextmanager
async def bystander(uri: str) -> AsyncIterator[Bystander]:
    """Connect one."""
    reader, writer = await open_stream(uri, PATIENCE_S)
    try:
        yield Bystander(reader, writer)
    finally:
        writer.close()


async def answers_to(uri: str, raw: bytes, what: str) -> list[Event]:
    """Send bytes and the end of the stream, and return what comes back until the service ends its side."""
    reader, writer = await open_stream(uri, PATIENCE_S)

    async def send() -> None:
        writer.write(raw)
        await writer.drain()
        writer.write_eof()

    async def receive() -> list[Event]:
        answers = []
        while (event := await read_event(reader)) is not None:
            answers.append(event)
        return answers

    try:
        async with expecting(f"the service to answer {what}, and to close the connection"):
            _, answers = await asyncio.gather(send(), receive())
    finally:
        writer.close()
    return answers
