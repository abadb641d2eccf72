"""When the words of a text sound: asked of the real espeak-ng server, and of servers that fail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.satellite.audio.heard import heard_text
from interject.satellite.transports.direct.marks import MarkReader, TtsMarks
from interject.satellite.transports.direct.server import Server, fixed
from interject.servers.tts.settings import TtsSettings
from interject.wire.client import connect
from interject.wire.errors import PeerError, PeerGoneError, PeerSilentError, PeerUnreachableError, WireError
from tests.servers.tts.harness import running, say
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.network import Fault, Network
from tools.virtual.servers import BAD_MARKS, FakeTts, word_marks

if TYPE_CHECKING:
    from interject.wire.client import Connection

_TEXT = "The lamp is on. There were 25 ships, and one of them was lost."
# espeak-ng speaks the same text a little differently each time.
_ESPEAK_VARIES_MS = 100


class ClosingNoted:
    """Connects, and keeps the connections so that a test can see them closed."""

    def __init__(self) -> None:
        self.open = 0

    async def connect(self, uri: str) -> Connection:
        connection = await connect(uri)
        self.open += 1
        close = connection.close

        async def closed() -> None:
            self.open -= 1
            await close()

        connection.close = closed  # type: ignore[method-assign]
        return connection


async def test_marks_are_those_that_come_with_the_speech_itself() -> None:
    async with running(TtsSettings(uri="tcp://127.0.0.1:0")) as service:
        connections = ClosingNoted()
        marks = await TtsMarks(Server("tts", fixed(service.uri), connections.connect), None).marks_of(_TEXT)
        assert connections.open == 0
        async with service.client() as client:
            heard = await say(client, _TEXT)
    assert " ".join(mark.text for mark in marks) == _TEXT
    assert [mark.text for mark in marks] == [mark.text for mark in heard.marks]
    for ours, its in zip(marks, heard.marks, strict=True):
        assert ours.end_ms == pytest.approx(its.end_ms, abs=_ESPEAK_VARIES_MS)
    assert heard_text(_TEXT, marks, marks[3].end_ms) == "The lamp is on."


async def test_the_voice_asked_for_is_the_one_that_speaks() -> None:
    async with running(TtsSettings(uri="tcp://127.0.0.1:0")) as service:
        server = Server("tts", fixed(service.uri), connect)
        english = await TtsMarks(server, "en-us").marks_of("Ein Haus am Meer.")
        german = await TtsMarks(server, "de").marks_of("Ein Haus am Meer.")
        with pytest.raises(PeerError) as refused:
            await TtsMarks(server, "vulcan").marks_of("Ein Haus am Meer.")
    assert english[-1].end_ms != german[-1].end_ms
    assert refused.value.code == "unknown-voice"


async def test_what_the_server_refuses_is_an_error_and_leaves_no_connection() -> None:
    async with running(TtsSettings(uri="tcp://127.0.0.1:0")) as service:
        connections = ClosingNoted()
        with pytest.raises(PeerError, match="text-too-long"):
            await TtsMarks(Server("tts", fixed(service.uri), connections.connect), None).marks_of("word " * 5000)
        assert connections.open == 0


async def test_cancelling_gives_up_the_speech() -> None:
    async with running(TtsSettings(uri="tcp://127.0.0.1:0")) as service:
        asking = asyncio.create_task(TtsMarks(Server("tts", fixed(service.uri), connect), None).marks_of(_TEXT * 100))
        await service.trace.wait_for("first-audio")
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (await service.trace.wait_for("synthesis-cancelled"))["reason"] == "closed"


def fake(*, fault: Fault | None = None) -> tuple[FakeTts, TtsMarks]:
    tts = FakeTts()
    tts.fault = fault
    return tts, TtsMarks(Server("tts", fixed(tts.uri), Network(tts).connect), None)


def test_a_server_without_marks_gives_none() -> None:
    async def main() -> None:
        tts, source = fake()
        tts.marks = False
        assert await source.marks_of("r1w0 r1w1") == ()
        await tts.stop()

    run_virtual(main())


@pytest.mark.parametrize("marks", BAD_MARKS, ids=str)
def test_marks_that_cannot_be_right_are_left_out(marks: object) -> None:
    async def main() -> None:
        tts, source = fake()
        tts.preface = [word_marks(marks)]
        assert [mark.text for mark in await source.marks_of("r1w0 r1w1")] == ["r1w0", "r1w1"]
        await tts.stop()

    run_virtual(main())


def test_marks_do_not_go_back_in_time_from_one_event_to_the_next() -> None:
    reader = MarkReader(Server("tts", fixed("tcp://tts:1"), connect))
    late, early = ([{"text": "word", "start_ms": start, "end_ms": start + 90}] for start in (500, 100))
    assert reader.read(word_marks(late))
    assert reader.read(word_marks(early)) == ()
    assert reader.read(word_marks(late))


def test_nothing_to_say_asks_nobody() -> None:
    async def main() -> None:
        tts, source = fake()
        assert await source.marks_of(" \n") == ()
        assert tts.attempts == 0

    run_virtual(main())


@pytest.mark.parametrize(("fault", "error"), [(Fault.REFUSED, PeerUnreachableError), (Fault.SILENT, PeerSilentError)])
def test_a_server_that_is_away_or_silent_is_an_error(fault: Fault, error: type[WireError]) -> None:
    async def main() -> None:
        tts, source = fake(fault=fault)
        with pytest.raises(error):
            await source.marks_of("r1w0 r1w1")
        await tts.stop()

    run_virtual(main())


@pytest.mark.parametrize(
    ("fault", "error"),
    [(Fault.DIES, PeerGoneError), (Fault.ERROR, PeerError), (Fault.SILENT, PeerSilentError)],
)
def test_a_server_that_fails_in_the_middle_gives_no_half_of_the_marks(fault: Fault, error: type[WireError]) -> None:
    async def main() -> None:
        tts, source = fake()
        asking = asyncio.create_task(source.marks_of("r1w0 r1w1 r1w2"))
        await elapse(tts.first_s * 1.5)
        assert not asking.done()
        tts.fail(fault)
        with pytest.raises(error):
            await asking
        await tts.stop()

    run_virtual(main())
