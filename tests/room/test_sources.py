"""What sounds in the room: the loudspeaker, voices, noise; and the responses from where they are."""

from __future__ import annotations

import json
import sys
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.pcm import to_int16
from tools.room.linearity import measured
from tools.simulator import noises
from tools.simulator.convolution import convolve
from tools.simulator.corpus import CLIP_DBFS, Corpus, SpeechFolderError, built_in, flite, recorded
from tools.simulator.effort import Effort, speak_with
from tools.simulator.impulse import PRE_FRAMES, RoomToolMissingError, Shell, Source, responses
from tools.simulator.levels import RATE_HZ, Signal, level_dbfs, rms_dbfs, scaled, scaled_to
from tools.simulator.lines import Line
from tools.simulator.loudspeaker import Distortion, Driver, Loudspeaker, distortion_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHELL = Shell((5.2, 4.1, 2.6), 0.4)
MICROPHONE = (2.0, 0.5, 0.9)
USER = (3.0, 2.8, 1.5)


def test_a_level_is_that_of_the_speech_and_not_of_its_pauses() -> None:
    tone = np.sin(np.arange(RATE_HZ) * 0.3).astype(np.float32)
    with_pauses = np.concatenate([tone, np.zeros(3 * RATE_HZ, np.float32)])
    assert level_dbfs(with_pauses) == pytest.approx(-3.01, abs=0.05)
    assert rms_dbfs(with_pauses) == pytest.approx(-9.03, abs=0.05)
    assert level_dbfs(scaled_to(with_pauses, -31)) == pytest.approx(-31, abs=0.01)
    assert not scaled_to(np.zeros(999, np.float32), -31).any()


def test_a_loudspeaker_has_its_band_and_no_delay() -> None:
    response = Loudspeaker(low_hz=200, high_hz=6_000).response()
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(response, RATE_HZ)))
    assert np.argmax(np.abs(response)) <= 2
    assert spectrum[[200, 6_000]] == pytest.approx([-3, -3], abs=0.3)
    assert spectrum[1_000] == pytest.approx(0, abs=0.1)
    assert spectrum[50] < -20


def test_a_loudspeaker_bends_what_is_loud_and_leaves_what_is_soft() -> None:
    speaker = Driver(Loudspeaker(knee=0.5, asymmetry=0.05), Distortion())
    loud = np.linspace(-1, 1, 101, dtype=np.float32)
    assert np.abs(speaker.process(loud)).max() < 0.5
    assert speaker.process(loud * np.float32(0.01)) == pytest.approx(loud * 0.01, abs=1e-5)


def reply_of(corpus: Corpus, seconds: float) -> Signal:
    said = [clip.samples for clip in corpus.of(Line.REPLY)]
    return scaled_to(np.concatenate(said)[: round(seconds * RATE_HZ)], -20)


def left_linear_db(speaker: Loudspeaker, distortion: Distortion, reply: Signal) -> float:
    """Return what the best linear filter in hindsight takes out of what the loudspeaker plays."""
    played = convolve(Driver(speaker, distortion).process(reply), speaker.response())[: len(reply)]
    everywhere = np.ones(len(reply), np.bool_)
    return measured("", played.astype(np.float64), reply.astype(np.float64), everywhere).linear_db


@pytest.mark.parametrize(("linear_db", "resonance_hz"), [(5.0, 200.0), (10.0, 400.0), (20.0, 300.0)])
def test_a_loudspeaker_is_as_linear_as_it_is_said_to_be(corpus: Corpus, linear_db: float, resonance_hz: float) -> None:
    speaker = Loudspeaker(linear_db=linear_db, resonance_hz=resonance_hz)
    reply = reply_of(corpus, 8.0)
    distortion = distortion_for(speaker, reply)
    assert left_linear_db(speaker, distortion, reply) == pytest.approx(linear_db, abs=1.5)
    # A duck, or a knob turned down, makes it play better.
    assert left_linear_db(speaker, distortion, scaled(reply, -12)) > linear_db + 6


def test_a_cone_is_where_it_was_between_two_pieces(corpus: Corpus) -> None:
    speaker, reply = Loudspeaker(linear_db=6.0), reply_of(corpus, 2.0)
    distortion = distortion_for(speaker, reply)
    whole, piecewise = Driver(speaker, distortion), Driver(speaker, distortion)
    pieces = [piecewise.process(piece) for piece in reply.reshape(-1, 160)]
    assert np.concatenate(pieces) == pytest.approx(whole.process(reply), abs=1e-5)


def test_a_response_begins_with_the_direct_sound_and_rings_as_long_as_the_room(corpus: Corpus) -> None:
    near, user = responses(SHELL, MICROPHONE, [Source((2.07, 0.5, 0.9)), Source(USER, MICROPHONE)])
    for response in (near, user):
        assert np.flatnonzero(np.abs(response) > 0.3 * np.abs(response).max())[0] in range(
            PRE_FRAMES - 1, PRE_FRAMES + 2
        )
    decay = 10 * np.log10(np.cumsum(user[::-1] ** 2)[::-1] / np.sum(user**2) + 1e-12)
    rt60_s = 3 * (np.argmax(decay < -25) - np.argmax(decay < -5)) / RATE_HZ
    assert rt60_s == pytest.approx(SHELL.rt60_s, rel=0.25)


def test_who_turns_away_is_heard_by_the_walls(corpus: Corpus) -> None:
    turned_to, turned_away = responses(SHELL, MICROPHONE, [Source(USER, MICROPHONE), Source(USER, (4.0, 5.1, 1.5))])

    def direct_share(response: Signal) -> float:
        return float(np.sum(response[: 3 * PRE_FRAMES] ** 2) / np.sum(response**2))

    assert direct_share(turned_away) < 0.5 * direct_share(turned_to)


def test_what_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    with pytest.raises(RoomToolMissingError, match=r"pyroomacoustics.*script/setup --dev"):
        responses(SHELL, MICROPHONE, [Source(USER)])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RoomToolMissingError, match="apt-get install flite"):
        flite()


def test_the_same_is_said_every_time(corpus: Corpus) -> None:
    again = built_in()
    assert [clip.name for clip in corpus.clips] == [clip.name for clip in again.clips]
    for clip, other in zip(corpus.clips, again.clips, strict=True):
        assert np.array_equal(clip.samples, other.samples), clip.name


def test_there_is_something_of_everything_in_several_voices(corpus: Corpus) -> None:
    for line in Line:
        assert len({clip.voice for clip in corpus.of(line)}) >= (1 if line is Line.COUGH else 3)
        assert len({clip.samples.tobytes() for clip in corpus.of(line)}) >= 10
    for clip in corpus.clips:
        loudest = np.abs(clip.samples).max()
        assert min(abs(clip.samples[0]), abs(clip.samples[-1])) >= 0.0099 * loudest
        assert level_dbfs(clip.samples) == pytest.approx(CLIP_DBFS, abs=0.01)


def test_recordings_are_cut_out_of_their_own_noise(tmp_path: Path, corpus: Corpus) -> None:
    spoken = scaled_to(next(clip for clip in corpus.of(Line.WORD) if clip.text == "enough").samples, -20)
    recording = np.pad(spoken, RATE_HZ)
    recording += scaled(np.random.default_rng(1).standard_normal(len(recording), np.float32), -55)
    with wave.open(str(tmp_path / "word.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(to_int16(recording).tobytes())
    entries = [
        {"file": "word.wav", "transcript": "enough", "speaker": "me"},
        {"file": "dog.wav", "transcript": None, "speaker": "dog"},
        {"file": "street.wav", "words": "traffic", "kind": "room", "speaker": None},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    (clip,) = recorded(tmp_path)
    assert (clip.line, clip.voice, clip.text) == (Line.WORD, "recorded-me", "enough")
    # The soft sounds at its ends drown in the noise; of two seconds of noise nothing is left.
    assert 0.8 * len(spoken) < len(clip.samples) <= len(spoken)


@pytest.mark.parametrize("manifest", [None, "no JSON", '[{"file": "a.wav"}]', '[{"file": "a.wav", "transcript": "a"}]'])
def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(SpeechFolderError, match=str(tmp_path)):
        recorded(tmp_path)


def pitch_strength(samples: Signal) -> float:
    """Median of the highest autocorrelation at the lags of voices, in the loud half of the frames."""
    frames = samples[: len(samples) // 640 * 640].reshape(-1, 640).astype(float)
    loud = frames[np.sum(frames**2, axis=1) >= np.median(np.sum(frames**2, axis=1))]
    strengths = [np.correlate(frame, frame, "full")[639:][53:200].max() / (frame @ frame) for frame in loud]
    return float(np.median(strengths))


def brightness(samples: Signal) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    half = round(1_500 / (RATE_HZ / 2) * len(power))
    return float(power[half:].sum() / power[:half].sum())


def test_voices_change_with_their_effort_and_keep_their_onset(corpus: Corpus) -> None:
    clip = next(clip for clip in corpus.of(Line.REQUEST) if clip.voice == "gmw/en-US+m5").samples
    said = {effort: speak_with(effort, clip, np.random.default_rng(1)) for effort in Effort}
    assert pitch_strength(said[Effort.WHISPER]) < 0.6 * pitch_strength(clip)
    assert brightness(said[Effort.WHISPER]) > 2 * brightness(clip)
    assert brightness(said[Effort.SHOUT]) > 1.5 * brightness(clip)
    assert brightness(said[Effort.AWAY]) < 0.7 * brightness(clip)
    assert len(said[Effort.SHOUT]) < len(clip) == len(said[Effort.WHISPER]) == len(said[Effort.AWAY])


@pytest.mark.parametrize("make", [noises.quiet, noises.fan, noises.hum, noises.kitchen, noises.music])
def test_noises_come_from_their_seed_and_have_no_seam(make: Callable[[np.random.Generator], Signal]) -> None:
    first, again, other = (make(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(first) == noises.LOOP_FRAMES
    steps = np.abs(np.diff(first))
    assert abs(first[0] - first[-1]) <= steps.max()
