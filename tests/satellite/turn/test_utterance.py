from __future__ import annotations

from interject.satellite.turn.events import VoiceWindow
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.satellite.turn.utterance import Utterance, update

SETTINGS = TurnSettings()


def after(
    probabilities: list[float], *, is_echo: bool = False, phase: Phase = Phase.IDLE, settings: TurnSettings = SETTINGS
) -> Utterance:
    utterance = Utterance()
    for number, probability in enumerate(probabilities, 1):
        utterance = update(utterance, VoiceWindow(probability, is_echo), number * 0.032, phase, settings)
    return utterance


def test_one_window_is_a_click_and_two_are_a_voice() -> None:
    assert not after([0.9]).active
    assert not after([0.9, 0.1, 0.9, 0.1]).active
    assert after([0.9, 0.9]).active


def test_what_makes_a_voice_depends_on_what_else_sounds() -> None:
    settings = TurnSettings(vad_threshold=0.3, speaking_threshold=0.8, speaking_trigger_windows=3)
    assert after([0.4, 0.4], settings=settings).active
    assert not after([0.7] * 9, phase=Phase.SPEAKING, settings=settings).active
    assert not after([0.9] * 2, phase=Phase.SPEAKING, settings=settings).active
    assert after([0.9] * 3, phase=Phase.SPEAKING, settings=settings).active


def test_within_a_voice_a_weaker_window_still_counts() -> None:
    assert after([0.9, 0.3, 0.26]).speech_ms == 96
    assert after([0.3, 0.3, 0.3]).speech_ms == 0


def test_speech_is_confirmed_by_its_density() -> None:
    """pipecat/livekit: so much speech within so much time; the same spread over a second is no more than a flicker."""
    assert after([0.9] * 6).confirmed
    assert not after([0.9] * 5).confirmed
    assert after([0.9] * 3 + [0.1] * 2 + [0.9] * 3).confirmed
    assert not after(([0.9] * 2 + [0.1] * 4) * 8).confirmed


def test_an_utterance_ends_with_a_gap_and_the_next_one_starts_from_nothing() -> None:
    """agents-js#3515: "yeah" ... "ok" ... do not add up."""
    gap = [0.02] * 8
    utterance = after([0.9] * 5 + gap)
    assert utterance.onset_s is None
    assert utterance.speech_ms == 0
    assert after([0.9] * 5 + gap + [0.9] * 5).speech_ms == 5 * 32
    assert not after([0.9] * 5 + gap + [0.9] * 5).confirmed


def test_the_closure_of_a_consonant_does_not_end_an_utterance() -> None:
    assert after([0.9] * 4 + [0.02] * 6 + [0.9] * 4).speech_ms == 8 * 32


def test_what_the_echo_guard_knows_as_ours_is_no_voice() -> None:
    assert after([0.95] * 20, is_echo=True) == Utterance(recent=(False,) * 9)
