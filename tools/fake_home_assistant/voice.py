"""The voice activity detection: it ends the user's turn, slowly, and says that speech began about a second late.

Measured with Home Assistant 2026.11.0 and 2026.2.3: `voice-started` came about 1 s after the voice (its detector wants
some 0.3 s of speech and is itself behind), `voice-stopped` after 0.7 s of silence, 15 s without a turn ended in
`stt-no-text-recognized`. It counts audio, not time, and rests where STT wants none (`requires_external_vad: false`).
"""

from __future__ import annotations

import array
from dataclasses import dataclass
from enum import Enum

from tools.fake_home_assistant.script import HEARING_RATE_HZ, WIDTH

# A twentieth of full scale is speech, here; tests send tones and silence.
_LOUD = 1600


@dataclass(frozen=True, slots=True)
class VoiceTimes:
    """Seconds of audio."""

    started_after: float = 1.0
    silence: float = 0.7
    timeout: float = 15.0


VOICE_TIMES = VoiceTimes()


class Heard(Enum):
    """What a chunk of audio changed."""

    NOTHING = "nothing"
    STARTED = "voice-started"
    STOPPED = "voice-stopped"
    TIMED_OUT = "nothing was said"


class VoiceActivity:
    """Follows the audio of one run."""

    def __init__(self, times: VoiceTimes) -> None:
        self._times = times
        self._all_s = 0.0
        self._speech_s = 0.0
        self._silence_s = 0.0
        self._started = False

    @property
    def timestamp_ms(self) -> int:
        """How much audio there was."""
        return round(self._all_s * 1000)

    def hear(self, audio: bytes) -> Heard:
        """Take the next audio."""
        seconds = len(audio) / (HEARING_RATE_HZ * WIDTH)
        self._all_s += seconds
        if max(map(abs, array.array("h", audio)), default=0) >= _LOUD:
            self._speech_s += seconds
            self._silence_s = 0.0
        elif self._speech_s:
            self._silence_s += seconds
        if self._all_s >= self._times.timeout:
            return Heard.TIMED_OUT
        if not self._started and self._speech_s and self._speech_s + self._silence_s >= self._times.started_after:
            self._started = True
            return Heard.STARTED
        if self._started and self._silence_s >= self._times.silence:
            return Heard.STOPPED
        return Heard.NOTHING
