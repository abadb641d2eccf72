"""A server that hangs is told from one that works, and one that takes one thing after the other is not blamed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioStop
from wyoming.handle import Handled
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from interject.satellite.transports.direct.server import Server, fixed
from interject.wire.errors import PeerSilentError
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.network import FakeServer, Fault, Link, Network

if TYPE_CHECKING:
    from wyoming.event import Event

QUESTION = Transcript(text="what time is it").event()


class Thinker(FakeServer):
    """Answers a question after a while, and a ping at once or, if it does one thing after the other, in its turn."""

    def __init__(self, *, think_s: float, in_sequence: bool) -> None:
        super().__init__("llm")
        self.think_s = think_s
        self.in_sequence = in_sequence
        self.pings = 0

    async def converse(self, link: Link, event: Event) -> None:
        if Ping.is_type(event.type):
            self.pings += 1
            await link.answer(Pong().event())
        elif self.in_sequence:
            await self._think(link)
        else:
            self.start(self._think(link))

    async def _think(self, link: Link) -> None:
        await elapse(self.think_s)
        await link.answer(Handled(text="It is noon.").event())


async def ask(server: Server) -> Event:
    connection = await server.connect()
    try:
        await connection.send(QUESTION)
        return await connection.receive()
    finally:
        await connection.close()


def llm(thinker: Thinker) -> Server:
    return Server("llm", fixed(thinker.uri), Network(thinker).connect)


@pytest.mark.parametrize("think_s", [0.0, 0.01, 1.0])
def test_a_server_that_is_known_to_answer_while_it_works_and_hangs_is_noticed_within_seconds(think_s: float) -> None:
    """However quickly it was done before."""

    async def main() -> None:
        thinker = Thinker(think_s=think_s, in_sequence=False)
        server = llm(thinker)
        await ask(server)
        thinker.fail(Fault.SILENT)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(PeerSilentError, match="sign of life"):
            await ask(server)
        assert asyncio.get_running_loop().time() - begun < 4.5
        await thinker.stop()

    run_virtual(main())


def test_it_is_noticed_also_by_who_listens_before_the_request_is_complete() -> None:
    async def main() -> None:
        thinker = Thinker(think_s=1.0, in_sequence=False)
        server = llm(thinker)
        for ends in (False, True):
            connection = await server.connect()
            receiving = asyncio.create_task(connection.receive())
            await elapse(1)
            if ends:
                thinker.fail(Fault.SILENT)
            await connection.send(QUESTION)
            await asyncio.wait({receiving}, timeout=10)
            assert receiving.done()
            assert isinstance(receiving.exception(), PeerSilentError) is ends
            await connection.close()
        await thinker.stop()

    run_virtual(main())


def test_one_that_thinks_for_a_minute_and_answers_pings_may_think() -> None:
    async def main() -> None:
        thinker = Thinker(think_s=60.0, in_sequence=False)
        server = llm(thinker)
        for _ in range(2):
            assert Handled.is_type((await ask(server)).type)
        await thinker.stop()

    run_virtual(main())


def test_one_that_takes_one_thing_after_the_other_is_never_taken_for_dead() -> None:
    async def main() -> None:
        thinker = Thinker(think_s=20.0, in_sequence=True)
        server = llm(thinker)
        for _ in range(3):
            assert Handled.is_type((await ask(server)).type)
        # It was not pestered either.
        assert thinker.pings <= 3
        await thinker.stop()

    run_virtual(main())


class Speaker(FakeServer):
    """Speaks one text after the other, for 20 s each, and answers a ping in its turn."""

    def __init__(self) -> None:
        super().__init__("tts")

    async def converse(self, link: Link, event: Event) -> None:
        if Ping.is_type(event.type):
            await link.answer(Pong().event())
        elif Synthesize.is_type(event.type):
            await elapse(20.0)
            await link.answer(AudioStop().event())


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_ping_that_is_answered_between_two_texts_tells_nothing(ahead: int) -> None:
    async def main() -> None:
        speaker = Speaker()
        server = Server("tts", fixed(speaker.uri), Network(speaker).connect)
        connection = await server.connect()
        texts = ["It is noon.", "It is late.", "Good night."]
        for text in texts[:ahead]:
            await connection.send(Synthesize(text=text).event())
        for number in range(len(texts)):
            assert AudioStop.is_type((await connection.receive()).type)
            for text in texts[ahead + number : ahead + number + 1]:
                await connection.send(Synthesize(text=text).event())
        await connection.close()
        await speaker.stop()

    run_virtual(main())


def test_a_ping_that_is_answered_between_two_parts_of_a_request_tells_nothing() -> None:
    async def main() -> None:
        thinker = Thinker(think_s=20.0, in_sequence=True)
        server = llm(thinker)
        connection = await server.connect()
        receiving = asyncio.create_task(connection.receive())
        # It has nothing to do yet, and would answer.
        await elapse(5)
        await connection.send(QUESTION)
        assert Handled.is_type((await receiving).type)
        await connection.close()
        assert Handled.is_type((await ask(server)).type)
        await thinker.stop()

    run_virtual(main())
