"""What a hostile peer sends to a service in this process, and whether somebody else is still answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from wyoming.ping import Ping, Pong

from interject.wire.framing import encoded, read_event, write_event
from interject.wire.uri import open_stream
from tools.hold.crafted import crafted
from tools.hold.fuzz import Fuzzer
from tools.testing.patience import PATIENCE_S, expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from random import Random

    from wyoming.event import Event

NAN, HALF_A_PAIR = float("nan"), "\ud83d"
# What a field may be where JSON is all that is known of it.
ANYTHING: st.SearchStrategy[object] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([1.0, 2.0, 16_000.0, 2**53, 2**70, 10**400, HALF_A_PAIR]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["text", "start_ms"]), inner),
    max_leaves=5,
)
# Some that belong together may come to something that one alone does not.
_FRAMES = 5


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


async def answers_before_pong(uri: str, raw: bytes) -> list[Event]:
    """Send whole frames, and return what comes back until a `ping` after them is answered; then go away."""
    reader, writer = await open_stream(uri, PATIENCE_S)
    last = Ping(text="the last").event()

    async def receive() -> list[Event]:
        answers = []
        while (event := await read_event(reader)) is not None and event.data != last.data:
            answers.append(event)
        assert event is not None, f"disconnected after {raw!r}, with {answers}"
        return answers

    try:
        async with expecting(f"the service to answer a ping after {raw!r}"):
            writer.write(raw + encoded(last))
            answers, _ = await asyncio.gather(receive(), writer.drain())
    finally:
        writer.close()
    return answers


def check_withstood(listener: str, service: AbstractAsyncContextManager[str], prelude: bytes = b"") -> None:
    """Fail where a service, whose URI its context gives, does not bear what was crafted, or wrong fields.

    listener: as the fuzzer of script/test-hold calls it. prelude: what each connection begins with.
    """

    async def withstand_crafted(uri: str) -> None:
        async with bystander(uri) as other:
            for name, raw in crafted():
                _check_no_fault(await answers_to(uri, prelude + raw, name), name)
                await other.is_answered(after=name)

    async def withstand_frames(uri: str, frames: bytes, corrupted: bytes) -> None:
        async with bystander(uri) as other:
            _check_no_fault(await answers_before_pong(uri, prelude + frames), repr(frames))
            _check_no_fault(await answers_to(uri, prelude + corrupted, repr(corrupted)), repr(corrupted))
            await other.is_answered(after=repr(frames + corrupted))

    with asyncio.Runner() as runner:
        uri = runner.run(_entered(service))
        try:
            runner.run(withstand_crafted(uri))

            @given(st.randoms(use_true_random=False))
            def withstand_wrong_fields(chance: Random) -> None:
                fuzzer = Fuzzer(listener, chance)
                frames = b"".join(fuzzer.frame() for _ in range(_FRAMES))
                runner.run(withstand_frames(uri, frames, fuzzer.corrupted()))

            withstand_wrong_fields()
        finally:
            runner.run(_left(service))


async def _entered(service: AbstractAsyncContextManager[str]) -> str:
    return await service.__aenter__()


async def _left(service: AbstractAsyncContextManager[str]) -> None:
    await service.__aexit__(None, None, None)


def _check_no_fault(answers: list[Event], what: str) -> None:
    for answer in answers:
        assert answer.data.get("code") != "internal-error", what
