from __future__ import annotations

import asyncio
import dataclasses
import json
from email.message import Message
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError

import pytest
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeVoice

from interject.servers.tts.engines import is_pipers, open_engine, piper_voices
from interject.servers.tts.engines.piper_voices import find_voices
from interject.servers.tts.errors import LastingError
from interject.wire.errors import PeerError, SettingError
from interject.wire.events import Interrupt
from tests.servers.tts.harness import check_marks, receive, receive_until, running, say
from tests.servers.tts.tiny_voice import FRAME_SAMPLES, FRAMES_PER_ID, RATE_HZ, write_voice

if TYPE_CHECKING:
    from interject.servers.tts.settings import TtsSettings


def files_in(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


ID_MS = FRAMES_PER_ID * FRAME_SAMPLES * 1000 / RATE_HZ
TEXT = "In the house it is 3.5 degrees, Dr. Smith said."


async def test_marks_come_from_the_alignments_of_the_phonemes(piper_settings: TtsSettings) -> None:
    async with running(piper_settings) as service, service.client() as client:
        heard = await say(client, TEXT)
    check_marks(TEXT, heard)
    assert heard.estimated == {False}
    # Every phoneme of the tiny voice lasts as long as every other, so all times are multiples of that.
    times = [time for mark in heard.marks for time in (mark.start_ms, mark.end_ms)]
    assert all(time % ID_MS == pytest.approx(0, abs=0.1) for time in times)
    spoken = {mark.text: mark.end_ms - mark.start_ms for mark in heard.marks}
    assert spoken["3.5"] > spoken["Smith"]
    # The beginning-of-sentence phoneme comes before the first word.
    assert heard.marks[0].start_ms > 0


async def test_without_alignments_the_marks_are_flagged_as_estimated(piper_settings: TtsSettings) -> None:
    async with (
        running(dataclasses.replace(piper_settings, voice="en_US-mute-low")) as service,
        service.client() as client,
    ):
        heard = await say(client, TEXT)
    check_marks(TEXT, heard)
    assert heard.estimated == {True}
    assert heard.marks[-1].end_ms == pytest.approx(heard.audio_ms, abs=1)


async def test_an_interrupt_ends_a_run_of_the_model_that_is_under_way(piper_settings: TtsSettings) -> None:
    async with (
        running(dataclasses.replace(piper_settings, voice="en_US-slow-low")) as service,
        service.client() as client,
        service.client() as other,
    ):
        await client.send(Synthesize(text="This takes very long.").event())
        await service.trace.wait_for("synthesis-started")
        await client.send(Interrupt(reason="speech", epoch=1).event())
        with pytest.raises(PeerError) as caught:
            await receive_until(client, "audio-stop")
        assert caught.value.code == "interrupted"
        # The one thread is free again, which the run by itself would keep busy for longer than this waits.
        check_marks("Now.", await say(other, "Now.", SynthesizeVoice(name="en_US-tiny-low")))


async def test_speakers_by_name_and_number_differ(piper_settings: TtsSettings) -> None:
    async with running(piper_settings) as service, service.client() as client:
        heard = {
            speaker: (await say(client, "Hello.", SynthesizeVoice(name="en_US-duo-low", speaker=speaker))).pcm
            for speaker in ("ann", "bob", "1")
        }
    assert heard["ann"] != heard["bob"]
    assert heard["bob"] == heard["1"]


async def test_length_scale_makes_speech_longer(piper_settings: TtsSettings) -> None:
    lengths = []
    for length_scale in (None, 2.0):
        changed = dataclasses.replace(piper_settings, length_scale=length_scale)
        async with running(changed) as service, service.client() as client:
            heard = await say(client, TEXT)
            check_marks(TEXT, heard)
            lengths.append(heard.audio_ms)
    assert lengths[1] == pytest.approx(2 * lengths[0], rel=0.01)


async def test_a_voice_can_be_named_by_its_file(piper_settings: TtsSettings, tmp_path: Path) -> None:
    model = write_voice(tmp_path / "elsewhere", "my voice")
    async with (
        running(dataclasses.replace(piper_settings, voice=str(model))) as service,
        service.client() as client,
    ):
        check_marks("Hello.", await say(client, "Hello."))
        # A client names voices, never files.
        with pytest.raises(PeerError) as caught:
            await say(client, "Hello.", SynthesizeVoice(name=str(model)))
        assert caught.value.code == "unknown-voice"


@pytest.mark.parametrize("voice", ["en_US-lessac-medium", "nonsense", "/nowhere/x.onnx"])
async def test_a_missing_voice_is_told_at_the_start(piper_settings: TtsSettings, voice: str) -> None:
    with pytest.raises(SettingError, match=voice):
        async with running(dataclasses.replace(piper_settings, voice=voice)):
            pass


async def test_local_files_only_is_named_as_the_reason(piper_settings: TtsSettings) -> None:
    with pytest.raises(SettingError, match="--local-files-only forbids"):
        async with running(dataclasses.replace(piper_settings, voice="en_US-lessac-medium")):
            pass


async def test_a_broken_model_is_told_to_who_asks_for_it(piper_settings: TtsSettings, tmp_path: Path) -> None:
    write_voice(tmp_path, "en_US-bad-low").write_bytes(b"no model")
    changed = dataclasses.replace(piper_settings, data_dir=(*piper_settings.data_dir, tmp_path))
    async with running(changed) as service, service.client() as client:
        with pytest.raises(PeerError, match=r"en_US-bad-low.*cannot be loaded") as caught:
            await say(client, "Hello.", SynthesizeVoice(name="en_US-bad-low"))
        assert caught.value.code == "voice-not-ready"
        # Mended, it is loaded at the next request.
        write_voice(tmp_path, "en_US-bad-low")
        check_marks("Hello.", await say(client, "Hello.", SynthesizeVoice(name="en_US-bad-low")))


async def test_more_voices_than_are_kept_loaded(piper_settings: TtsSettings, tmp_path: Path) -> None:
    names = [f"en_US-v{number}-low" for number in range(6)]
    for name in names:
        write_voice(tmp_path, name)
    changed = dataclasses.replace(piper_settings, data_dir=(*piper_settings.data_dir, tmp_path))
    async with running(changed) as service, service.client() as client:
        for name in [*names, names[0]]:
            check_marks("Hello.", await say(client, "Hello.", SynthesizeVoice(name=name)))


@pytest.mark.parametrize("allowed", ["en_GB-new-low", "all"])
async def test_a_voice_that_is_allowed_and_not_here_is_downloaded_by_the_first_request(
    piper_settings: TtsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: str
) -> None:
    asked: list[str] = []

    def download(name: str, directory: Path) -> None:
        asked.append(name)
        write_voice(directory, name)

    monkeypatch.setattr(piper_voices, "download_voice", download)
    changed = dataclasses.replace(
        piper_settings, local_files_only=False, allow_voice=(allowed,), download_dir=tmp_path / "new"
    )
    async with running(changed) as service, service.client() as client:
        for _ in range(2):
            check_marks("Hello.", await say(client, "Hello.", SynthesizeVoice(name="en_GB-new-low")))
        await client.send(Describe().event())
        (program,) = Info.from_event(await receive(client)).tts
    assert asked == ["en_GB-new-low"]
    assert "en_GB-new-low" in {voice.name for voice in program.voices if voice.installed}
    assert await asyncio.to_thread(files_in, tmp_path / "new") == {"en_GB-new-low.onnx", "en_GB-new-low.onnx.json"}


async def test_nobody_has_a_voice_downloaded_that_is_not_allowed(
    piper_settings: TtsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(piper_voices, "download_voice", lambda name, _: asked.append(name))
    changed = dataclasses.replace(
        piper_settings, local_files_only=False, allow_voice=("en_US-other-low",), download_dir=tmp_path
    )
    async with running(changed) as service, service.client() as client:
        with pytest.raises(PeerError, match=r"no voice 'en_GB-new-low' .*--allow-voice en_GB-new-low"):
            await say(client, "Hello.", SynthesizeVoice(name="en_GB-new-low"))
        check_marks("Hello.", await say(client, "Hello."))
    assert asked == []


async def test_a_download_that_breaks_off_leaves_no_voice_behind(
    piper_settings: TtsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(name: str, directory: Path) -> None:
        (directory / f"{name}.onnx").write_bytes(b"half")
        raise ConnectionResetError("the hub hung up")

    monkeypatch.setattr(piper_voices, "download_voice", download)
    changed = dataclasses.replace(piper_settings, local_files_only=False, allow_voice=("all",), download_dir=tmp_path)
    async with running(changed) as service, service.client() as client:
        with pytest.raises(PeerError, match="the hub hung up"):
            await say(client, "Hello.", SynthesizeVoice(name="en_GB-new-low"))
        check_marks("Hello.", await say(client, "Hello."))
    assert not await asyncio.to_thread(files_in, tmp_path)


async def test_a_voice_that_nobody_has_published_is_told_with_what_is_like_it(
    piper_settings: TtsSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(name: str, directory: Path) -> None:
        raise HTTPError("https://hub", 404, "Not Found", Message(), None)

    def published(directory: Path) -> None:
        entry = {"language": {"code": "en_US"}, "quality": "medium", "speaker_id_map": {}}
        (directory / "voices.json").write_text(json.dumps({"en_US-lessac-medium": entry}), encoding="utf-8")

    monkeypatch.setattr(piper_voices, "download_voice", download)
    monkeypatch.setattr(piper_voices, "fetch_catalogue", published)
    mistyped = dataclasses.replace(
        piper_settings, voice="en_US-lesac-medium", local_files_only=False, download_dir=tmp_path
    )
    engine = await open_engine(mistyped)
    with pytest.raises(LastingError, match=r"no voice 'en_US-lesac-medium'; did you mean en_US-lessac-medium\?"):
        await engine.keep()
    await engine.close()


def test_only_names_of_pipers_own_form_are_downloaded() -> None:
    assert is_pipers("en_US-lessac-medium")
    assert is_pipers("pt_BR-faber-x_low")
    assert not is_pipers("en_../../../tmp-x-y")
    assert not is_pipers("en_US-a/b-low")


async def test_broken_files_in_a_data_directory_are_passed_over(voices: Path, tmp_path: Path) -> None:
    (tmp_path / "lonely.onnx").write_bytes(b"")
    (tmp_path / "odd.onnx").write_bytes(b"")
    (tmp_path / "odd.onnx.json").write_text("[]", encoding="utf-8")
    (tmp_path / "voices.json").write_text("{", encoding="utf-8")
    found = await asyncio.to_thread(find_voices, [tmp_path, Path("/nowhere"), voices])
    assert set(found) == {"en_US-tiny-low", "en_US-duo-low", "en_US-mute-low", "en_US-slow-low"}
    assert found["en_US-duo-low"].speakers == {"ann": 0, "bob": 1}
    assert found["en_US-tiny-low"].description == "tiny (low)"


async def test_a_catalogue_lists_voices_that_are_not_here(tmp_path: Path) -> None:
    (tmp_path / "voices.json").write_text(
        '{"de_DE-eva_k-x_low": {"language": {"code": "de_DE", "name_english": "German", "country_english": "Germany"},'
        ' "quality": "x_low", "speaker_id_map": {}}}',
        encoding="utf-8",
    )
    entry = (await asyncio.to_thread(find_voices, [tmp_path]))["de_DE-eva_k-x_low"]
    assert (entry.model, entry.languages, entry.description) == (None, ("de_DE",), "eva k (x_low)")
