"""The server behind Home Assistant: what it sends, what it keeps, what it cannot read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from wyoming.audio import AudioStart
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from interject.servers.tts.engines.base import Piece
from interject.servers.tts.errors import EngineError
from interject.wire.errors import PeerError, PeerGoneError
from tests.servers.tts.harness import check_marks, receive, receive_until, running, stream

if TYPE_CHECKING:
    from interject.servers.tts.engines.base import Line, Sink
    from interject.servers.tts.settings import TtsSettings
    from interject.wire.client import Connection

REPLY = ["Once upon", " a time there", " was a keeper.", " He counted the ships."]
LONG_TEXT = "The lighthouse keeper counted the waves in the night and wrote them down one by one. " * 200
# What Home Assistant plays and keeps; anything else it has to convert.
HA_RATE_HZ = 22_050


async def test_speech_is_in_the_format_that_is_not_converted(espeak_settings: TtsSettings) -> None:
    async with running(espeak_settings) as service, service.client() as client:
        heard = await stream(client, REPLY, whole="".join(REPLY))
    start = AudioStart.from_event(next(event for event in heard.events if AudioStart.is_type(event.type)))
    assert (start.rate, start.width, start.channels) == (HA_RATE_HZ, 2, 1)
    check_marks("".join(REPLY), heard)


async def test_the_voice_that_is_chosen_there_speaks(settings: TtsSettings) -> None:
    """It names a voice by its `name`, and sends the voice with each of the events."""
    async with running(settings) as service, service.client() as client:
        await client.send(Describe().event())
        (program,) = Info.from_event(await receive(client)).tts
        for listed in [voice for voice in program.voices if voice.installed and "slow" not in voice.name][:5]:
            voice = SynthesizeVoice(name=listed.name)
            await client.send(SynthesizeStart(voice=voice).event())
            await client.send(SynthesizeChunk(text="Hello.").event())
            await client.send(Synthesize(text="Hello.", voice=voice).event())
            await client.send(SynthesizeStop().event())
            assert (await receive_until(client, "synthesize-stopped")).audio_ms > 0


async def test_voices_are_listed_by_languages_that_it_can_match(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as client:
        await client.send(Describe().event())
        (program,) = Info.from_event(await receive(client)).tts
    default = settings.voice or "en-US"
    voice = next(voice for voice in program.voices if voice.name == default)
    assert "en-US" in [tag.replace("_", "-") for tag in voice.languages]
    assert voice.description != voice.name


async def cut_off(client: Connection) -> str | None:
    """Read on; return the code of the error that ends the speech. It must not end in any other way."""
    with pytest.raises(PeerError) as caught:
        await receive_until(client, "audio-stop")
    return caught.value.code


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
async def test_speech_that_the_end_of_the_service_cuts_off_is_not_kept(settings: TtsSettings, streamed: bool) -> None:
    """Home Assistant takes a connection that just ends for the end of the speech, and keeps it by its text."""
    async with running(settings) as service, service.client() as client:
        if streamed:
            await client.send(SynthesizeStart().event())
            await client.send(SynthesizeChunk(text="It is late. ").event())
        else:
            await client.send(Synthesize(text=LONG_TEXT).event())
        await receive_until(client, "audio-chunk")
        reading = asyncio.create_task(cut_off(client))
        await service.service.stop()
        assert await reading == "cancelled"
        with pytest.raises(PeerGoneError):
            await receive(client)


async def test_speech_that_a_fault_of_the_voice_cuts_off_is_not_kept(
    espeak_settings: TtsSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from interject.servers.tts.engines.espeak import EspeakReader  # noqa: PLC0415

    speak = EspeakReader.speak

    def fail_later(self: EspeakReader, line: Line, sink: Sink) -> None:
        if "ships" in line.written:
            sink.deliver(Piece(bytes(4096)))
            raise EngineError("espeak-ng", "it broke")
        speak(self, line, sink)

    monkeypatch.setattr(EspeakReader, "speak", fail_later)
    async with running(espeak_settings) as service:
        for _ in range(2):
            async with service.client() as client:
                await client.send(SynthesizeStart().event())
                for text in REPLY:
                    await client.send(SynthesizeChunk(text=text).event())
                await client.send(Synthesize(text="".join(REPLY)).event())
                await client.send(SynthesizeStop().event())
                assert await cut_off(client) == "internal-error"


async def test_describe_is_answered_at_once_while_it_speaks(settings: TtsSettings) -> None:
    async with running(settings) as service, service.client() as busy, service.client() as asking:
        await busy.send(Synthesize(text=LONG_TEXT).event())
        await receive_until(busy, "audio-chunk")
        for _ in range(5):
            await asking.send(Describe().event())
            assert Info.is_type((await receive(asking)).type)
        # What nobody takes is not finished.
        assert not service.trace.of("synthesis-finished")
        assert not service.trace.of("synthesis-failed")
