"""Whose speech a recording holds, and what of a clip reached STT."""

from __future__ import annotations

import numpy as np
import pytest

from interject.satellite.audio.wav import read_wav
from tools.harness.scenarios import CLIPS
from tools.home_assistant.evidence import Life
from tools.home_assistant.speech_match import Spoken, ends_whole, foreign_frames, missing_s, place_from

RATE_HZ = 16_000
CLIP = CLIPS / "what_time_is_it.wav"


def noise(seconds: float, seed: int, level: float = 1000.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.random.default_rng(seed).normal(0, level, round(seconds * RATE_HZ)).astype(np.int16)


def room_with(*parts: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Life:
    return Life(100.0, (), np.concatenate(parts), RATE_HZ)


SILENCE = np.zeros(RATE_HZ, np.int16)
OLD, NEW = Spoken(0, noise(5, 1)), Spoken(1, noise(5, 2))


def test_a_reply_is_found_where_it_begins_and_known_from_others() -> None:
    life = room_with(SILENCE, NEW.audio)
    place = place_from(life, 101.0, [OLD, NEW])
    assert place is not None
    assert (place.spoken, place.origin) == (NEW, RATE_HZ)


def test_what_was_put_into_a_reply_is_foreign() -> None:
    life = room_with(SILENCE, NEW.audio[:40_000], OLD.audio[:1000], NEW.audio[40_000:])
    place = place_from(life, 101.0, [NEW])
    assert place is not None
    assert foreign_frames(life, 101.0, life.end_mono, place) > 500


def test_what_was_put_over_a_reply_is_foreign() -> None:
    life = room_with(SILENCE, NEW.audio[:40_000], OLD.audio[:1000], NEW.audio[41_000:])
    place = place_from(life, 101.0, [NEW])
    assert place is not None
    assert foreign_frames(life, 101.0, life.end_mono, place) > 250


def test_what_sounds_before_a_reply_is_foreign() -> None:
    life = room_with(OLD.audio[:1000], SILENCE, NEW.audio)
    place = place_from(life, life.mono(1000 + RATE_HZ), [NEW])
    assert place is not None
    assert foreign_frames(life, 100.0, life.end_mono, place) > 900


def test_a_gap_a_fade_and_ducking_are_not() -> None:
    faded = (NEW.audio[:320] * np.linspace(0, 1, 320)).astype(np.int16)
    gap = np.zeros(573, np.int16)
    ducked = (NEW.audio[70_000:] * 0.25).astype(np.int16)
    life = room_with(SILENCE, faded, NEW.audio[320:20_000], gap, NEW.audio[20_000:70_000], ducked)
    place = place_from(life, 101.0, [NEW])
    assert place is not None
    assert foreign_frames(life, 100.5, life.end_mono, place) == 0


def test_a_gap_right_after_the_first_sound_is_not() -> None:
    life = room_with(SILENCE, NEW.audio[:1200], np.zeros(130, np.int16), NEW.audio[1200:])
    place = place_from(life, 101.0, [NEW])
    assert place is not None
    assert foreign_frames(life, 100.5, life.end_mono, place) == 0


def test_old_audio_right_before_a_reply_is_foreign() -> None:
    life = room_with(SILENCE, OLD.audio[:1200], np.zeros(130, np.int16), NEW.audio)
    place = place_from(life, 101.0, [NEW])
    assert place is not None
    assert foreign_frames(life, 100.5, life.end_mono, place) > 500


@pytest.mark.parametrize(("kept", "whole"), [(len(NEW.audio), True), (len(NEW.audio) - 4000, False)])
def test_a_reply_is_whole_only_with_its_end(kept: int, whole: bool) -> None:
    life = room_with(SILENCE, NEW.audio[:kept], SILENCE)
    place = place_from(life, 101.0, [NEW])
    last = life.last_sound(100.0)
    assert place is not None
    assert last is not None
    assert ends_whole(life, last, place, [NEW]) == whole


@pytest.mark.parametrize("lost_s", [0.1, 0.4])
def test_a_clip_without_its_beginning_is_told(lost_s: float) -> None:
    clip = read_wav(CLIP, RATE_HZ)
    onset = int(np.argmax(np.abs(clip) >= np.abs(clip).max() * 0.01))
    heard = clip[onset + round(lost_s * RATE_HZ) :] + noise(5, 3, 20.0)[: len(clip) - onset - round(lost_s * RATE_HZ)]
    assert missing_s(heard.tobytes(), CLIP) == pytest.approx(lost_s, abs=0.01)


def test_a_clip_after_other_sound_is_whole() -> None:
    heard = np.concatenate((noise(1, 4, 200.0), read_wav(CLIP, RATE_HZ) // 2, noise(1, 5, 200.0)))
    assert missing_s(heard.tobytes(), CLIP) == 0.0


def test_a_clip_that_is_not_there_is_not_found() -> None:
    assert missing_s(noise(3, 6).tobytes(), CLIP) is None
