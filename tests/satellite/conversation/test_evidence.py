"""Every record of a decision says what it was taken upon."""

from __future__ import annotations

from interject.satellite.turn.state import Phase
from tests.satellite.talk import Talk, phase_of


def test_what_ducks_and_pauses_a_reply_is_told_with_it() -> None:
    talk = Talk().speaking()
    talk.voice(0.5)
    (duck,), (pause,) = talk.trace.of("duck"), talk.trace.of("pause")
    assert duck["probability"] > 0.5
    assert not duck["is_echo"]
    assert duck["speech_ms"] < pause["speech_ms"]
    assert pause["speech_ms"] >= 192


def test_a_reply_goes_on_for_the_words_that_were_said() -> None:
    talk = Talk().speaking()
    talk.voice(0.5)
    talk.silence(0.5)
    talk.it.transcribed(1, "uh-huh")
    (resume,) = talk.trace.of("resume")
    assert resume["text"] == "uh-huh"
    (decided,) = talk.trace.of("decided")
    assert decided["rule"] == "backchannel"


def test_the_end_of_a_turn_tells_the_silence_that_ended_it() -> None:
    talk = Talk()
    talk.voice(0.5)
    talk.silence(1.0)
    assert phase_of(talk) is Phase.TRANSCRIBING
    ended = talk.trace.of("phase")[-1]
    assert ended["event"] in {"tick", "voice-window"}
    # The VAD goes on for two windows after a voice has ended.
    assert 500 <= ended["silent_ms"] <= 700
    assert ended["speech_ms"] >= 400
