"""A client that knows only standard Wyoming, by the wyoming package itself, works with every process."""

from __future__ import annotations

import wave
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.handle import Handled, HandledChunk
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped

from tests.processes.house import CLIPS
from tools.testing.patience import expecting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wyoming.event import Event

    from tests.processes.house import House, Running

SENTENCE = "The kettle is on. Tea will be ready soon."


@asynccontextmanager
async def client(process: Running) -> AsyncIterator[AsyncClient]:
    async with expecting(f"{process.name} to answer"), AsyncClient.from_uri(process.uri) as connected:
        yield connected


async def events_until(connected: AsyncClient, last: str) -> list[Event]:
    events: list[Event] = []
    while not events or events[-1].type != last:
        event = await connected.read_event()
        assert event is not None, f"closed before {last}: {[event.type for event in events]}"
        assert event.type != "error", event.data
        events.append(event)
    return events


def seconds_of(events: list[Event]) -> float:
    return sum(chunk.seconds for chunk in map(AudioChunk.from_event, of_type(events, "audio-chunk")))


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event.type == kind]


@pytest.mark.parametrize(("name", "kind"), [("stt", "asr"), ("llm", "handle"), ("tts", "tts"), ("satellite", None)])
async def test_each_says_what_it_is(processes: House, name: str, kind: str | None) -> None:
    async with client(processes[name]) as connected:
        await connected.write_event(Describe().event())
        (event,) = await events_until(connected, "info")
        info = Info.from_event(event)
        if kind is None:
            assert info.satellite is not None
            assert info.satellite.has_vad
        else:
            (program,) = getattr(info, kind)
            assert program.installed
        await connected.write_event(Ping(text="still there?").event())
        (event,) = await events_until(connected, "pong")
        assert Pong.from_event(event).text == "still there?"


async def test_speech_is_transcribed(processes: House) -> None:
    with wave.open(str(CLIPS / "turn_on_the_kitchen_light.wav")) as file:
        pcm = file.readframes(file.getnframes())
    async with client(processes["stt"]) as connected:
        await connected.write_event(Transcribe(language="en").event())
        await connected.write_event(AudioStart(16_000, 2, 1).event())
        for start in range(0, len(pcm), 2048):
            await connected.write_event(AudioChunk(16_000, 2, 1, pcm[start : start + 2048]).event())
        await connected.write_event(AudioStop().event())
        *_, last = await events_until(connected, "transcript")
        assert Transcript.from_event(last).text == "turn on the kitchen light"


async def test_a_question_is_handled(processes: House) -> None:
    async with client(processes["llm"]) as connected:
        await connected.write_event(Transcript(text="count to three").event())
        events = await events_until(connected, "handled")
        assert Handled.from_event(events[-1]).text == "One, two, three."
        assert "".join(HandledChunk.from_event(e).text for e in of_type(events, "handled-chunk")) == "One, two, three."


async def test_a_text_is_spoken_whole_and_in_pieces_alike(processes: House) -> None:
    async with client(processes["tts"]) as connected:
        await connected.write_event(Synthesize(text=SENTENCE).event())
        whole = await events_until(connected, "audio-stop")
        await connected.write_event(SynthesizeStart().event())
        for word in SENTENCE.split(" "):
            await connected.write_event(SynthesizeChunk(text=f"{word} ").event())
        await connected.write_event(SynthesizeStop().event())
        pieces = await events_until(connected, SynthesizeStopped().event().type)
    assert of_type(whole, "audio-start")
    # Two sentences of nine words take between two and five seconds to say.
    assert 2 < seconds_of(whole) < 5
    # espeak-ng varies its voice a little from one call to the next.
    assert seconds_of(pieces) == pytest.approx(seconds_of(whole), abs=0.1)
