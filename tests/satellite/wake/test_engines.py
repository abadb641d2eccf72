"""The real engines on small clips: what they hear, what they do not, and where they say that a word ends."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from interject.satellite.audio.wav import read_wav
from interject.satellite.settings.wake import WakeEngine
from interject.satellite.wake.base import RATE_HZ
from tests.satellite.frontend.speech import clip, to_float, voices, white_noise
from tests.satellite.wake.sound import PIECE, WORD_ENDS, ear, hear, names_of, silence, with_silence
from tools.testing.patience import PATIENCE_S

WORDS = {
    WakeEngine.MICRO: ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu"),
    WakeEngine.OPEN: ("alexa", "hey_jarvis", "hey_mycroft", "hey_rhasspy", "okay_nabu"),
}
engines = pytest.mark.parametrize("kind", list(WakeEngine))
# A clip of a command said at once after the word, for the engine whose model is sure of it.
JOINED = {
    WakeEngine.MICRO: ("okay_nabu", "okay_nabu_turn_on_the_light"),
    WakeEngine.OPEN: ("hey_jarvis", "hey_jarvis_turn_on_the_light"),
}
# pocketsphinx gets both clips right from there on; see tools/bench/wake.py for what it bears.
MOST_LEFT_S = 0.2
MOST_CUT_S = 0.12


@engines
def test_words_are_told_apart(kind: WakeEngine) -> None:
    said = ["hey_jarvis", "okay_nabu", "hey_jarvis"]
    listening = ear(kind, *WORDS[kind], refractory_s=1.0)
    assert names_of(hear(listening, with_silence(*said))) == said


@engines
def test_a_word_is_heard_from_the_first_sample_on(kind: WakeEngine) -> None:
    samples = np.concatenate([clip("hey_jarvis"), silence(0.8)])
    assert names_of(hear(ear(kind, "hey_jarvis"), samples)) == ["hey_jarvis"]


@engines
def test_speech_without_the_word_silence_and_noise_are_not_taken_for_it(kind: WakeEngine) -> None:
    said = with_silence("turn_on_the_kitchen_light", "tell_me_a_long_story", "cough", "stop", "count_to_twenty")
    noise = (white_noise(2 * RATE_HZ, -30.0) * 32767).astype(np.int16)
    assert hear(ear(kind, *WORDS[kind]), np.concatenate([noise, said])) == []


@engines
def test_recorded_voices_that_do_not_say_the_word_are_not_taken_for_it(kind: WakeEngine) -> None:
    listening = ear(kind, *WORDS[kind])
    first = 0
    for path in voices():
        samples = np.concatenate([silence(0.5), read_wav(path, RATE_HZ)])
        assert hear(listening, samples, first=first) == [], path.name
        first += len(samples)


@engines
@pytest.mark.parametrize("shift", [0, 37, 160, 531])
def test_a_command_said_at_once_after_the_word_begins_where_the_word_ends(kind: WakeEngine, shift: int) -> None:
    word, joined = JOINED[kind]
    start = RATE_HZ + shift
    (heard,) = hear(ear(kind, word), np.concatenate([silence(start / RATE_HZ), clip(joined), silence(1)]))
    assert heard.end_index is not None
    assert -MOST_LEFT_S <= (heard.end_index - start - WORD_ENDS[joined]) / RATE_HZ <= MOST_CUT_S


@pytest.mark.parametrize("size", [160, 320, PIECE, 1024, 16_000])
def test_how_the_samples_are_cut_changes_nothing(size: int) -> None:
    samples = with_silence("okay_nabu")
    cut = hear(ear(WakeEngine.MICRO, "okay_nabu"), samples, size)
    assert cut == hear(ear(WakeEngine.MICRO, "okay_nabu"), samples, PIECE)
    assert names_of(cut) == ["okay_nabu"]


def test_where_a_word_ends_is_counted_as_the_samples_are() -> None:
    samples = with_silence("okay_nabu")
    (early,) = hear(ear(WakeEngine.MICRO, "okay_nabu"), samples)
    (late,) = hear(ear(WakeEngine.MICRO, "okay_nabu"), samples, first=10**9)
    assert early.end_index is not None
    assert late.end_index == 10**9 + early.end_index


@engines
def test_a_threshold_that_no_probability_exceeds_hears_nothing(kind: WakeEngine) -> None:
    assert hear(ear(kind, "hey_jarvis", threshold=1.0), with_silence("hey_jarvis")) == []


def test_a_lower_threshold_hears_what_is_less_like_the_word() -> None:
    # "hey jarvis" is taken for "hey mycroft" with a probability of some 0.6.
    assert hear(ear(WakeEngine.MICRO, "hey_mycroft"), with_silence("hey_jarvis")) == []
    heard = hear(ear(WakeEngine.MICRO, "hey_mycroft", threshold=0.3), with_silence("hey_jarvis"))
    assert names_of(heard) == ["hey_mycroft"]


@pytest.mark.parametrize(("refractory_s", "times"), [(0.0, 3), (3.0, 2), (30.0, 1)])
def test_a_word_repeated_within_the_refractory_time_is_heard_once(refractory_s: float, times: int) -> None:
    # A word begins each 2.4 s.
    said = with_silence("okay_nabu", "okay_nabu", "okay_nabu")
    assert len(hear(ear(WakeEngine.MICRO, "okay_nabu", refractory_s=refractory_s), said)) == times


def test_the_refractory_time_of_a_word_is_not_that_of_another() -> None:
    said = with_silence("okay_nabu", "hey_jarvis")
    heard = hear(ear(WakeEngine.MICRO, "okay_nabu", "hey_jarvis", refractory_s=30.0), said)
    assert names_of(heard) == ["okay_nabu", "hey_jarvis"]


def test_a_quiet_word_is_heard() -> None:
    quiet = (to_float(with_silence("okay_nabu")) * 0.1 * 32767).astype(np.int16)
    assert names_of(hear(ear(WakeEngine.MICRO, "okay_nabu"), quiet)) == ["okay_nabu"]


def test_no_engine_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, interject.satellite.wake.choice as it; "
        "print([name for name in sys.modules if 'wakeword' in name or 'micro_features' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert done.stdout.strip() == "[]"
