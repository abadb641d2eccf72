"""The server behind Home Assistant: one connection an utterance, which it closes after the answer or to cancel."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import partial
from typing import TYPE_CHECKING

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.info import Describe, Info

from interject.wire.peer import Peer
from tests.servers.stt.harness import RATE, answer, clip, connected, running, serving, silence
from tools.testing.patience import eventually

if TYPE_CHECKING:
    from interject.servers.stt.engines.base import Engine
    from interject.servers.stt.settings import SttSettings
    from interject.wire.client import Connection
    from tests.servers.stt.harness import Answer, Running

# It passes on 10 ms at a time.
PIECE_BYTES = 320
SAID = {"pocketsphinx": "stop", "faster-whisper": "turn on the light"}


async def described(connection: Connection) -> Info:
    await connection.send(Describe().event())
    return Info.from_event(await connection.receive())


async def send(connection: Connection, pcm: bytes, language: str) -> None:
    """Send all of an utterance but its end, as Home Assistant does: without time stamps."""
    await connection.send(Transcribe(language=language).event())
    await connection.send(AudioStart(RATE, 2, 1).event())
    for start in range(0, len(pcm), PIECE_BYTES):
        await connection.send(AudioChunk(RATE, 2, 1, pcm[start : start + PIECE_BYTES]).event())


@pytest.mark.parametrize("language", ["en", "en-US", "en-GB", "en_US"])
async def test_each_name_of_a_language_that_it_lists_is_understood(
    server: Running, settings: SttSettings, language: str
) -> None:
    async with connected(server.uri) as connection:
        await send(connection, clip("stop"), language)
        await connection.send(AudioStop().event())
        assert (await answer(connection)).text == SAID[settings.engine.value]  # type: ignore[union-attr]


async def test_languages_are_those_that_requests_may_name(server: Running) -> None:
    async with connected(server.uri) as connection:
        (program,) = (await described(connection)).asr
        for language in program.models[0].languages:
            await send(connection, b"", language)
            await connection.send(AudioStop().event())
            assert (await answer(connection)).error is None
        await send(connection, b"", "tlh")
        refused = await answer(connection)
    assert "en" in program.models[0].languages
    assert refused.error is not None
    assert refused.error.code == "unsupported-language"


async def test_a_model_that_is_being_loaded_has_languages(whisper_settings: SttSettings) -> None:
    """Home Assistant asks once, and an engine without languages is offered to nobody."""
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        (model,) = (await described(connection)).asr[0].models
        assert model.installed
        assert "en" in model.languages


async def test_a_model_whose_hub_is_away_is_not_installed(
    whisper_settings: SttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_model: str, **_: object) -> str:
        raise LocalEntryNotFoundError("there is no network")

    monkeypatch.setattr("interject.servers.stt.engines.whisper_model.download_model", away)
    absent = dataclasses.replace(whisper_settings, model="tiny", local_files_only=False)
    async with running(absent) as server, connected(server.uri) as connection:
        await send(connection, b"", "en")
        refused = await answer(connection)
        assert refused.error is not None
        assert refused.error.code == "model-unavailable"
        assert not (await described(connection)).asr[0].models[0].installed


async def test_it_ends_no_turn_by_itself_and_says_so(no_pause: None, server: Running) -> None:
    async with connected(server.uri) as connection:
        (program,) = (await described(connection)).asr
        assert program.requires_external_vad
        await send(connection, b"", "en")
        await server.listen(connection, clip("turn_on_the_kitchen_light") + silence(0.6))
        await eventually(lambda: server.trace.of("partial"), "the server to send words before the end of the audio")
        await server.listen(connection, silence(1))
        # The end has been heard for twice as long as most wait for it, and still the answer waits for audio-stop.
        assert not server.trace.of("transcript")
        await connection.send(AudioStop().event())
        assert (await answer(connection)).text


async def test_a_turn_that_is_cancelled_while_it_listens_costs_nothing_more(
    settings: SttSettings, engine: Engine
) -> None:
    async with serving(dataclasses.replace(settings, max_sessions=1, max_waiting=1), engine) as server:

        def count(kind: str, expected: int) -> bool:
            return len(server.trace.of(kind)) == expected

        for turn in range(1, 4):
            async with connected(server.uri) as connection:
                await send(connection, clip("tell_me_a_long_story"), "en")
                await eventually(partial(count, "transcribe-started", turn), f"the server to begin turn {turn}")
            await eventually(partial(count, "aborted", turn), f"the server to abort turn {turn}")
    assert not server.trace.of("transcript")
    assert not server.trace.of("refused")


async def test_a_client_that_is_found_gone_by_the_first_word_to_it_is_traced_as_well(server: Running) -> None:
    async def gone(*_: object) -> None:
        raise ConnectionResetError

    async with connected(server.uri) as connection:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Peer, "send", gone)
            await send(connection, b"", "en")
            await eventually(lambda: server.trace.of("aborted"), "the server to abort what nobody waits for")


async def test_describe_is_answered_while_many_are_transcribed(settings: SttSettings) -> None:
    asked = asyncio.Event()

    async def one(uri: str) -> Answer:
        async with connected(uri) as connection:
            await send(connection, clip("tell_me_a_long_story"), "en")
            await asked.wait()
            await connection.send(AudioStop().event())
            return await answer(connection)

    # Each of them but the first makes an engine of several decoders load another one.
    few = dataclasses.replace(settings, max_sessions=3)
    async with running(few) as server:
        speaking = [asyncio.create_task(one(server.uri)) for _ in range(few.sessions)]
        for begun in range(few.sessions + 1):
            await eventually(
                lambda begun=begun: len(server.trace.of("transcribe-started")) >= begun,  # type: ignore[misc]
                f"the server to begin with {begun} utterances",
            )
            # Each time anew, as Home Assistant does.
            async with connected(server.uri) as connection:
                assert (await described(connection)).asr
        assert not server.trace.of("transcript")
        asked.set()
        assert all(result.error is None for result in await asyncio.gather(*speaking))
