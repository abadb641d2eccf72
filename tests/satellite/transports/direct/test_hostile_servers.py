"""Whatever servers answer, a turn ends once, with an answer or a failure of ours, and leaves nothing behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event

from interject.satellite.transports.base import TransportFaultError
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.wire.events import Interrupt
from tests.wire.hostile import ANYTHING
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.listener import Listener
from tools.virtual.network import FakeServer, Network, cancelled, tts_info

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wyoming.info import Info

    from tools.virtual.network import Link

_KINDS = {
    "stt": ("transcript-start", "transcript-chunk", "transcript-stop", "transcript"),
    "llm": ("handled-start", "handled-chunk", "handled-stop", "handled", "not-handled", "user-event"),
    "tts": ("audio-start", "audio-chunk", "audio-stop", "synthesize-stopped", "user-event"),
}
_FOR_ALL = ("error", "info", "ping", "pong", "no-such-event")
_RIGHT: Mapping[str, object] = {
    "text": "one ", "rate": 16_000, "width": 2, "channels": 1, "timestamp": 0, "confidence": 0.9, "name": "word-marks",
    "data": {"epoch": 1, "content": "one", "marks": [{"text": "one", "start_ms": 0, "end_ms": 1}]}, "context": {},
    "code": "busy",
}  # fmt: skip
# Longer than the transport waits for anything.
_SILENCE_S = 60.0


def answers(server: str) -> st.SearchStrategy[Sequence[Event]]:
    """Give what a server may say, with each field as it ought to be, or any other, or missing."""
    fields = {name: st.just(value) | ANYTHING for name, value in _RIGHT.items()}
    kinds = st.sampled_from(_KINDS[server]) | st.sampled_from(_FOR_ALL)
    data = st.just(dict(_RIGHT)) | st.fixed_dictionaries({}, optional=fields)
    return st.lists(st.builds(Event, kinds, data, st.none() | st.binary(max_size=8)), max_size=6)


class Rogue(FakeServer):
    """Says the same to everybody who begins, then nothing, or hangs up."""

    def __init__(self, name: str, says: Sequence[Event], *, hangs_up: bool) -> None:
        super().__init__(name)
        self._says = says
        self._hangs_up = hangs_up
        self._told: set[Link] = set()

    async def converse(self, link: Link, event: Event) -> None:
        if link in self._told:
            return
        self._told.add(link)
        for answer in self._says:
            await link.answer(answer)
        if self._hangs_up:
            link.close()

    def info(self) -> Info:
        return tts_info(streaming=True)


@settings(max_examples=200)
@given(answers("stt"), answers("llm"), answers("tts"), st.booleans(), st.booleans())
def test_a_turn_ends_once_and_leaves_nothing_behind(
    stt_says: Sequence[Event], llm_says: Sequence[Event], tts_says: Sequence[Event], hang_up: bool, interrupted: bool
) -> None:
    async def main() -> None:
        says = {"stt": stt_says, "llm": llm_says, "tts": tts_says}
        rogues = {name: Rogue(name, words, hangs_up=hang_up) for name, words in says.items()}
        network, listener = Network(*rogues.values()), Listener()
        stt, llm, tts = (Server(name, fixed(rogue.uri), network.connect) for name, rogue in rogues.items())
        transport = DirectTransport(stt=stt, llm=llm, tts=tts, identity=Identity("kitchen", "conversation"))
        work = asyncio.create_task(transport.run(listener))
        # By then the transport has asked each server what it can do.
        await elapse(0.01)
        try:
            transport.open_stt(1)
            transport.send_audio(1, bytes(640))
            transport.end_stt(1)
            await elapse(_SILENCE_S)
            assert len(listener.transcripts) + len(listener.stt_failures) == 1
            transport.ask(1, "we live here")
            if interrupted:
                await elapse(0.01)
                transport.cancel(Interrupt("speech", 1, listener.texts.get(1, "")))
            await elapse(_SILENCE_S)
            assert interrupted or listener.ended == [1]
            assert not any(rogue.links for rogue in rogues.values())
            assert not work.done()
            # Whole samples of 16 bits, or they are noise from there on.
            assert not any(len(audio) % 2 for audio in listener.audio.values())
            faults = [error for _, error in listener.stt_failures + listener.failed]
            assert not any(isinstance(error, TransportFaultError) for error in faults)
        finally:
            await cancelled(work)
            for rogue in rogues.values():
                await rogue.stop()

    run_virtual(main())
