"""What every engine must do behind the wire."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Describe, Info

from tests.servers.stt.harness import RATE, Running, answer, ask, audio_events, clip, connected, serving, silence
from tools.testing.patience import eventually, expecting

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Engine
    from interject.servers.stt.settings import SttSettings

SAID = {"pocketsphinx": "turn on the kitchen light", "faster-whisper": "turn on the light"}


def expected(settings: SttSettings) -> str:
    assert settings.engine is not None
    return SAID[settings.engine.value]


async def test_info_is_truthful(server: Running, settings: SttSettings) -> None:
    async with connected(server.uri) as connection:
        await ask(connection, b"")
        await connection.send(Describe().event())
        (program,) = Info.from_event(await connection.receive()).asr
    assert settings.engine is not None
    assert program.name == settings.engine.value
    assert program.version
    assert program.installed
    assert program.supports_transcript_streaming
    assert program.requires_external_vad
    (model,) = program.models
    assert model.installed
    assert "en" in model.languages


async def test_a_plain_client_gets_the_transcript(server: Running, settings: SttSettings) -> None:
    async with connected(server.uri) as connection:
        result = await ask(connection, clip("turn_on_the_kitchen_light") + silence(0.3))
    assert result.text == expected(settings)
    assert result.transcript is not None
    assert result.transcript.language == "en"
    assert result.types[0] == "transcript-start"
    assert result.types[-2:] == ["transcript-stop", "transcript"]
    assert set(result.types[1:-2]) == {"transcript-chunk"}


async def test_words_come_while_the_user_speaks(no_pause: None, server: Running, settings: SttSettings) -> None:
    pcm = silence(0.4) + clip("turn_on_the_kitchen_light") + silence(0.6)
    async with connected(server.uri) as connection:
        await connection.send(Transcribe(language="en").event())
        await connection.send(AudioStart(RATE, 2, 1).event())
        first = asyncio.create_task(answer(connection))
        await server.listen(connection, pcm)
        await eventually(lambda: server.trace.of("partial"), "the server to send words before the end of the audio")
        assert not server.trace.of("transcript")
        await connection.send(AudioStop().event())
        result = await first
    assert result.text == expected(settings)
    assert result.chunks
    stable = "".join(result.chunks)
    assert stable.split()[0] == "turn"
    assert stable == stable.strip()
    (record,) = server.trace.of("transcript")
    assert record["text"] == expected(settings)
    assert record["audio_s"] == pytest.approx(len(pcm) / 2 / RATE, abs=0.01)
    assert record["took_s"] >= 0


async def test_one_connection_serves_one_request_after_the_other(server: Running, settings: SttSettings) -> None:
    async with connected(server.uri) as connection:
        for _ in range(2):
            assert (await ask(connection, clip("turn_on_the_kitchen_light"))).text == expected(settings)


async def test_requests_sent_without_waiting_are_answered_in_order(server: Running) -> None:
    async with connected(server.uri) as connection:
        for pcm in (clip("turn_on_the_kitchen_light"), b""):
            await connection.send(Transcribe(language="en").event())
            for event in audio_events(pcm):
                await connection.send(event)
        assert (await answer(connection)).text
        assert not (await answer(connection)).text


@pytest.mark.parametrize("silent", [b"", silence(0.02)], ids=["no audio", "20 ms of silence"])
async def test_nothing_said_is_an_empty_transcript(server: Running, settings: SttSettings, silent: bytes) -> None:
    if silent and settings.engine is not None and settings.engine.value == "faster-whisper":
        pytest.skip("the model of the tests speaks whatever it hears")
    async with connected(server.uri) as connection:
        assert not (await ask(connection, silent)).text


async def test_a_request_without_any_audio_event_is_answered(server: Running) -> None:
    async with connected(server.uri) as connection:
        await connection.send(Transcribe().event())
        await connection.send(AudioStop().event())
        assert not (await answer(connection)).text


async def test_closing_the_connection_aborts_and_frees_the_seat(settings: SttSettings, engine: Engine) -> None:
    async with serving(dataclasses.replace(settings, max_sessions=1, max_waiting=1), engine) as server:
        async with connected(server.uri) as connection:
            await connection.send(Transcribe(language="en").event())
            for event in audio_events(clip("tell_me_a_long_story") * 4)[:-1]:
                await connection.send(event)
            await eventually(lambda: server.trace.of("transcribe-started"), "the server to begin a transcription")
        await eventually(lambda: server.trace.of("aborted"), "the server to abort what nobody waits for")
        async with connected(server.uri) as connection:
            assert (await ask(connection, clip("turn_on_the_kitchen_light"))).text == expected(settings)
        assert len(server.trace.of("transcript")) == 1


async def test_several_satellites_at_once_are_all_served(settings: SttSettings, engine: Engine) -> None:
    async def one(uri: str) -> str:
        async with connected(uri) as connection:
            return (await ask(connection, clip("turn_on_the_kitchen_light"))).text

    async with serving(dataclasses.replace(settings, max_sessions=2, max_waiting=10), engine) as server:
        texts = await asyncio.gather(*(one(server.uri) for _ in range(4)))
    assert texts == [expected(settings)] * 4


async def test_too_many_are_told_so(settings: SttSettings, engine: Engine) -> None:
    async with (
        serving(dataclasses.replace(settings, max_sessions=1, max_waiting=0), engine) as server,
        connected(server.uri) as first,
        connected(server.uri) as second,
    ):
        await first.send(AudioStart(RATE, 2, 1).event())
        assert (await first.receive()).type == "transcript-start"
        refused = await ask(second, clip("stop"))
        assert refused.error is not None
        assert refused.error.code == "busy"
        assert "--max-sessions" in refused.error.text
        await first.send(AudioStop().event())
        assert not (await answer(first)).text
        # The refused connection is as good as before; the first one's seat is free a moment after its answer.
        async with expecting("the server to give the first one's seat to the second"):
            while (again := await ask(second, clip("turn_on_the_kitchen_light"))).error is not None:
                assert again.error.code == "busy"
        assert again.text == expected(settings)


@pytest.mark.parametrize(
    ("rate", "width", "channels", "field"),
    [(1000, 2, 1, "rate"), (16000, 5, 1, "width"), (16000, 2, 0, "channels"), ("fast", 2, 1, "rate")],
)
async def test_bad_audio_is_refused_by_name(server: Running, rate: Any, width: int, channels: int, field: str) -> None:
    async with connected(server.uri) as connection:
        await connection.send(Transcribe(language="en").event())
        await connection.send(AudioStart(rate, width, channels).event())
        await connection.send(AudioChunk(rate, width, channels, bytes(64)).event())
        await connection.send(AudioStop().event())
        refused = await answer(connection)
        assert refused.error is not None
        assert refused.error.code == "bad-audio-format"
        assert field in refused.error.text
        assert (await ask(connection, clip("stop"))).text


async def test_audio_of_another_format_is_understood(server: Running, settings: SttSettings) -> None:
    mono = struct.unpack(f"<{len(clip('turn_on_the_kitchen_light')) // 2}h", clip("turn_on_the_kitchen_light"))
    # 32 kHz, 32 bits, stereo, each sample between its neighbours.
    doubled = [value for one, two in zip(mono, (*mono[1:], 0), strict=True) for value in (one, (one + two) // 2)]
    pcm = b"".join(struct.pack("<ii", value << 16, value << 16) for value in doubled)
    async with connected(server.uri) as connection:
        await connection.send(Transcribe(language="en").event())
        for event in audio_events(pcm, rate=32_000, width=4, channels=2):
            await connection.send(event)
        assert (await answer(connection)).text == expected(settings)


async def test_an_endless_utterance_is_cut_off(settings: SttSettings, engine: Engine) -> None:
    async with (
        serving(dataclasses.replace(settings, max_audio_s=1.0), engine) as server,
        connected(server.uri) as connection,
    ):
        refused = await ask(connection, silence(3))
        assert refused.error is not None
        assert refused.error.code == "audio-too-long"
        assert (await ask(connection, b"")).text == ""


@pytest.mark.parametrize("request_data", [{"language": 5}, {"transcript_names": "lamp"}, {"transcript_terms": [1]}])
async def test_a_malformed_request_is_refused(server: Running, request_data: dict[str, Any]) -> None:
    async with connected(server.uri) as connection:
        event = Transcribe().event()
        event.data.update(request_data)
        await connection.send(event)
        refused = await answer(connection)
    assert refused.error is not None
    assert refused.error.code == "bad-event"
    assert next(iter(request_data)) in refused.error.text


async def test_an_unknown_language_is_refused(server: Running) -> None:
    async with connected(server.uri) as connection:
        refused = await ask(connection, clip("stop"), Transcribe(language="tlh"))
    assert refused.error is not None
    assert refused.error.code == "unsupported-language"
    assert "tlh" in refused.error.text


async def test_a_new_request_replaces_one_that_never_ended(server: Running, settings: SttSettings) -> None:
    async with connected(server.uri) as connection:
        await connection.send(Transcribe(language="en").event())
        for event in audio_events(clip("tell_me_a_story"))[:-1]:
            await connection.send(event)
        await connection.send(Transcribe(language="en").event())
        for event in audio_events(clip("turn_on_the_kitchen_light")):
            await connection.send(event)
        assert (await answer(connection)).text == expected(settings)
