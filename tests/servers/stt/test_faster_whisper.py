"""The real faster-whisper, loading and running a tiny model."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import faster_whisper
import pytest
from wyoming.asr import Transcribe

from servers.stt.engines.faster_whisper import whisper_options
from servers.stt.settings import EngineChoice, SttSettings
from tests.servers.stt.harness import LOOPBACK, ask, clip, connected, running, silence
from tests.servers.stt.tiny_whisper import SENTENCE

if TYPE_CHECKING:
    from collections.abc import Callable

SAID = " ".join(SENTENCE)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record how the model is called, and call it."""
    found: list[dict[str, Any]] = []
    transcribe: Callable[..., Any] = faster_whisper.WhisperModel.transcribe

    def recorded(model: object, audio: object, **how: Any) -> Any:
        found.append(how)
        return transcribe(model, audio, **how)

    monkeypatch.setattr(faster_whisper.WhisperModel, "transcribe", recorded)
    return found


async def test_settings_and_request_reach_the_model(whisper_settings: SttSettings, calls: list[dict[str, Any]]) -> None:
    settings = dataclasses.replace(
        whisper_settings, beam_size=3, whisper_task="translate", vad_filter=True, vad_threshold=0.01
    )
    async with running(settings) as server, connected(server.uri) as connection:
        result = await ask(connection, clip("tell_me_a_story"), Transcribe(language="de-DE"))
    assert result.text == SAID
    assert result.transcript is not None
    assert result.transcript.language == "de"
    final = calls[-1]
    assert (final["beam_size"], final["language"], final["task"]) == (3, "de", "translate")
    assert final["vad_parameters"]["threshold"] == 0.01


async def test_expected_words_prompt_the_model(whisper_settings: SttSettings, calls: list[dict[str, Any]]) -> None:
    transcribe = Transcribe(language="en", transcript_names=["Büro"], transcript_terms=["heat pump"])
    settings = dataclasses.replace(whisper_settings, initial_prompt="At home.")
    async with running(settings) as server, connected(server.uri) as connection:
        prompted = await ask(connection, clip("stop"), transcribe)
    assert (calls[-1]["hotwords"], calls[-1]["initial_prompt"]) == ("Büro, heat pump", "At home.")
    # A prompt moves the tiny model's sentence out of its place.
    assert prompted.text != SAID


async def test_the_language_is_found_out_when_no_one_says_it(whisper_settings: SttSettings) -> None:
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        result = await ask(connection, clip("stop"), Transcribe())
    assert result.text == SAID
    assert result.transcript is not None
    assert result.transcript.language


async def test_a_model_that_has_loaded_serves_for_good(
    whisper_settings: SttSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        assert (await ask(connection, clip("stop"))).text == SAID
        later_s = time.monotonic() + 2 * whisper_settings.load_timeout_s
        monkeypatch.setattr("servers.stt.engines.faster_whisper.time", SimpleNamespace(monotonic=lambda: later_s))
        assert (await ask(connection, clip("stop"))).text == SAID


@pytest.mark.parametrize(("said_s", "frames"), [(1, 1000), (10, 1500), (15, 2000), (25, 3000)])
async def test_the_encoder_is_given_no_more_than_is_needed(
    whisper_settings: SttSettings, monkeypatch: pytest.MonkeyPatch, said_s: int, frames: int
) -> None:
    given: list[int] = []
    encode: Callable[..., Any] = faster_whisper.WhisperModel.encode

    def recorded(model: object, features: Any) -> Any:
        given.append(features.shape[-1])
        return encode(model, features)

    monkeypatch.setattr(faster_whisper.WhisperModel, "encode", recorded)
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        result = await ask(connection, silence(said_s))
    assert result.text.startswith(SAID)
    assert given[0] == frames


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no priorities of threads")
async def test_decoding_leaves_the_processor_to_others(whisper_settings: SttSettings) -> None:
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        before = niceness(threading.get_native_id())
        assert (await ask(connection, clip("stop"))).text == SAID
        assert niceness(threading.get_native_id()) == before
        assert max(niceness(thread) for thread in threads()) > before


def threads() -> list[int]:
    return [int(path.name) for path in Path("/proc/self/task").iterdir()]


def niceness(thread: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, thread)


async def test_a_missing_model_is_named_with_the_remedy(tmp_path: Path) -> None:
    settings = SttSettings(
        uri=LOOPBACK,
        engine=EngineChoice.FASTER_WHISPER,
        model="tiny",
        data_dir=(tmp_path,),
        local_files_only=True,
    )
    async with running(settings) as server, connected(server.uri) as connection:
        refused = await ask(connection, clip("stop"))
        assert refused.error is not None
        assert refused.error.code == "model-unavailable"
        assert "'tiny'" in refused.error.text
        assert "--local-files-only" in refused.error.text
        (record,) = server.trace.of("refused")
    assert record["code"] == "model-unavailable"


async def test_a_broken_model_is_an_error_and_not_the_end(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "broken")
    (tmp_path / "broken" / "model.bin").write_bytes(b"no model")
    settings = SttSettings(uri=LOOPBACK, engine=EngineChoice.FASTER_WHISPER, model=str(tmp_path / "broken"))
    async with running(settings) as server, connected(server.uri) as connection:
        for _ in range(2):
            refused = await ask(connection, clip("stop"))
            assert refused.error is not None
            assert refused.error.code == "model-unavailable"


def test_a_model_is_looked_for_where_it_may_be(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "mine")

    def chosen(**settings: Any) -> str:
        return whisper_options(SttSettings(data_dir=(tmp_path,), **settings)).model

    assert chosen(model="mine") == str(tmp_path / "mine")
    assert chosen(model="small-int8") == "rhasspy/faster-whisper-small-int8"
    assert chosen(model="someone/model") == "someone/model"
    assert whisper_options(SttSettings(data_dir=(tmp_path,))).download_root == tmp_path


@pytest.mark.parametrize(
    ("machine", "model"),
    [
        ("x86_64", "rhasspy/faster-whisper-base-int8"),
        ("aarch64", "rhasspy/faster-whisper-tiny-int8"),
        ("armv7l", "rhasspy/faster-whisper-tiny-int8"),
    ],
)
def test_the_machine_chooses_the_model(monkeypatch: pytest.MonkeyPatch, machine: str, model: str) -> None:
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert whisper_options(SttSettings()).model == model


@pytest.mark.parametrize(
    ("settings", "compute_type", "beam"),
    [
        (SttSettings(), "int8", 1),
        (SttSettings(device="cuda"), "default", 5),
        (SttSettings(compute_type="float32", beam_size=3), "float32", 3),
    ],
)
def test_a_cpu_gets_what_it_is_quick_with(settings: SttSettings, compute_type: str, beam: int) -> None:
    options = whisper_options(settings)
    assert (options.compute_type, options.beam_size) == (compute_type, beam)
