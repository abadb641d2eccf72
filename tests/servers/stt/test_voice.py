"""What the VAD that faster-whisper ships makes of the clips."""

from __future__ import annotations

import pytest

from interject.servers.stt.engines.voice import Voice
from interject.servers.stt.engines.whisper_model import load_vad
from tests.servers.stt.harness import CHUNK_BYTES, clip, silence

LEAD_S = 0.5


@pytest.fixture
def voice() -> Voice:
    return Voice(load_vad())


def hear(voice: Voice, pcm: bytes) -> list[bool]:
    pauses = []
    for start in range(0, len(pcm), CHUNK_BYTES):
        voice.hear(pcm[start : start + CHUNK_BYTES])
        pauses.append(voice.pauses)
    return pauses


@pytest.mark.parametrize("name", ["turn_on_the_kitchen_light", "tell_me_a_story", "what_time_is_it", "stop"])
def test_a_voice_is_heard_and_its_end(voice: Voice, name: str) -> None:
    spoken = clip(name)
    assert not any(hear(voice, silence(LEAD_S) + spoken[: len(spoken) // 4 * 2]))
    assert hear(voice, spoken[len(spoken) // 4 * 2 :] + silence(0.4))[-1]
    assert voice.began_s is not None
    # A synthetic "s" is no voice to it.
    assert LEAD_S - 0.1 <= voice.began_s <= LEAD_S + 0.4
    assert voice.ended_s == pytest.approx(LEAD_S + len(spoken) / 32000, abs=0.3)


def test_silence_has_no_voice(voice: Voice) -> None:
    assert not any(hear(voice, silence(2.0)))
    assert voice.began_s is None


def test_it_pauses_no_more_when_the_voice_goes_on(voice: Voice) -> None:
    hear(voice, clip("tell_me_a_story") + silence(0.4))
    first_s = voice.ended_s
    assert not all(hear(voice, clip("tell_me_a_story")))
    assert voice.ended_s > first_s
