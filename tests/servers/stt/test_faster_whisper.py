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

from interject.servers.stt.engines.faster_whisper import whisper_options
from interject.servers.stt.engines.whisper_model import ShortWindowModel, folder_of
from interject.servers.stt.errors import ModelUnusableError
from interject.servers.stt.settings import SttEngine, SttSettings
from tests.servers.stt.harness import LOOPBACK, ask, clip, connected, running, silence, started
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
        monkeypatch.setattr(
            "interject.servers.stt.engines.faster_whisper.time", SimpleNamespace(monotonic=lambda: later_s)
        )
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
    assert max(given) == frames


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


async def refusal(*, model: str, **settings: Any) -> str:
    """Start with a model that can never work; returns what is said."""
    with pytest.raises(ModelUnusableError) as caught:
        await started(SttSettings(uri=LOOPBACK, engine=SttEngine.FASTER_WHISPER, model=model, **settings))
    return str(caught.value)


async def test_a_model_that_is_not_here_and_may_not_be_downloaded(tmp_path: Path) -> None:
    said = await refusal(model="tiny", data_dir=(tmp_path,), local_files_only=True)
    assert "'tiny' is not on this machine" in said
    assert "without --local-files-only" in said


async def test_a_name_that_no_model_has_is_told_with_those_that_there_are() -> None:
    said = await refusal(model="smal-int8")
    assert "did you mean small-int8" in said
    assert "tiny.en, tiny, " in said
    assert "base-int8" in said


async def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert f"{str(tmp_path)!r} is a folder without a model.bin" in await refusal(model=str(tmp_path))


async def test_a_broken_model_is_told_at_the_start(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "broken")
    (tmp_path / "broken" / "model.bin").write_bytes(b"no model")
    said = await refusal(model=str(tmp_path / "broken"))
    assert f"cannot be loaded from {tmp_path}/broken" in said
    assert "delete that folder" in said


def test_a_model_in_the_cache_needs_no_hub(tmp_path: Path, tiny_model: Path) -> None:
    """And one whose download was broken off is none."""
    repository = tmp_path / "models--someone--tiny"
    snapshot = repository / "snapshots" / "1234"
    shutil.copytree(tiny_model, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1234")
    assert folder_of("someone/tiny", tmp_path, ()) == str(snapshot)
    (snapshot / "config.json").unlink()
    assert folder_of("someone/tiny", tmp_path, ()) is None


def test_a_model_is_looked_for_where_it_may_be(tmp_path: Path, tiny_model: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "mine")

    def chosen(**settings: Any) -> str:
        return whisper_options(SttSettings(data_dir=(tmp_path,), **settings)).model

    assert chosen(model="mine") == str(tmp_path / "mine")
    assert chosen(model="small-int8") == chosen(model="small.int8") == "rhasspy/faster-whisper-small-int8"
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


def test_the_trial_on_a_device_runs_the_model(tiny_model: Path) -> None:
    """What a missing library of CUDA makes fail; here it computes on the CPU."""
    ShortWindowModel(str(tiny_model), device="cpu", cpu_threads=1).try_out()


async def test_a_cpu_gets_one_hypothesis(whisper_settings: SttSettings, calls: list[dict[str, Any]]) -> None:
    async with running(whisper_settings) as server, connected(server.uri) as connection:
        assert (await ask(connection, clip("stop"))).text == SAID
    assert calls[-1]["beam_size"] == 1
