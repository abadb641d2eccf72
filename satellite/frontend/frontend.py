"""The microphone's way from the device to clean 16 kHz speech and its probability."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from webrtc_noise_gain import AudioProcessor

from interject.satellite.aec.base import BLOCK_SAMPLES
from interject.satellite.audio.pcm import scalar
from interject.satellite.audio.resampling import RATE_HZ, CaptureResampler
from interject.satellite.errors import NoiseGainError
from interject.satellite.frontend.preroll import DEFAULT_SECONDS, PreRoll
from interject.satellite.frontend.vad import WINDOW_SAMPLES, Rest, VadGain
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoControl, EchoReport
    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.vad import VoiceDetector


# WebRTC's processing knows no other frame than 10 ms.
_FRAME_SAMPLES = 160
NOISE_SUPPRESSION_MAX = 4
_LOWEST, _HIGHEST = scalar(-32768), scalar(32767)
AUTO_GAIN_MAX_DBFS = 31


# With more, a quiet room's own noise, at -65 dBFS, would be as loud as speech.
VAD_GAIN_MAX_DB = 40
# Far below the last bit of 16-bit audio: the logarithm of digital silence.
_SILENCE = 1e-12
_FULL_SCALE = scalar(1 / 32768)
# No setting takes less for a voice.
_MAY_BE_VOICED = 0.01
# Of a rate that is no multiple of 16 kHz a block of the device gives a sample more or less.
_UNEVEN_SAMPLES = 2
# The band of voices, 200 Hz to 5 kHz, and where it becomes bright, at 1.5 kHz: a head that turns away shadows what
# lies above, and a whisper has little else.
_VOICE = slice(200 * WINDOW_SAMPLES // RATE_HZ, 5_000 * WINDOW_SAMPLES // RATE_HZ)
_BRIGHT_FROM = (1_500 - 200) * WINDOW_SAMPLES // RATE_HZ


@dataclass(frozen=True, slots=True)
class CleaningSettings:
    """How to clean: raises SettingError for a value out of range.

    noise_suppression: 0 (off) to 4 (strongest); it delays the signal by 6 ms.
    auto_gain: target level in dBFS below full scale, 1 to 31; 0 is off.
    volume_multiplier: plain gain before both.
    """

    noise_suppression: int = 0
    auto_gain: int = 0
    volume_multiplier: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.noise_suppression <= NOISE_SUPPRESSION_MAX:
            raise SettingError("noise_suppression", f"{self.noise_suppression} is not in 0..{NOISE_SUPPRESSION_MAX}")
        if not 0 <= self.auto_gain <= AUTO_GAIN_MAX_DBFS:
            raise SettingError("auto_gain", f"{self.auto_gain} is not in 0..{AUTO_GAIN_MAX_DBFS}")
        if not self.volume_multiplier > 0:
            raise SettingError("volume_multiplier", f"{self.volume_multiplier} is not above 0")


class Cleaner:
    """Clean one stream, in blocks of a multiple of 10 ms."""

    def __init__(self, settings: CleaningSettings) -> None:
        self._scale = scalar(32768 * settings.volume_multiplier)
        self._processor: AudioProcessor | None = None
        if settings.noise_suppression or settings.auto_gain:
            self._processor = AudioProcessor(settings.auto_gain, settings.noise_suppression)

    def process(self, block: NDArray[np.float32]) -> Samples:
        """Take the next samples (16 kHz, -1 to 1), return as many int16; NoiseGainError if the library fails."""
        scaled = block * self._scale
        np.rint(scaled, out=scaled)
        # Two bounds one after the other: np.clip takes twice as long for so few samples.
        np.minimum(scaled, _HIGHEST, out=scaled)
        np.maximum(scaled, _LOWEST, out=scaled)
        samples: Samples = scaled.astype(np.int16)
        if self._processor is None:
            return samples
        frames = []
        for start in range(0, len(samples), _FRAME_SAMPLES):
            given = samples[start : start + _FRAME_SAMPLES].tobytes()
            cleaned = self._processor.Process10ms(given)
            got = b"" if cleaned is None else cleaned.audio
            if len(got) != len(given):
                raise NoiseGainError(len(given), len(got))
            frames.append(got)
        return np.frombuffer(b"".join(frames), np.int16)


@dataclass(frozen=True, slots=True)
class HearingSettings:
    """How the microphone's signal is treated: raises SettingError for a value out of range.

    noise_suppression (0 to 4), auto_gain (0 to 31 dBFS) and volume_multiplier make what is kept and goes to speech
    recognition. The voice activity detector gets the same gains and at least `vad_noise_suppression`, which finds
    more of quiet speech, and before them, while we play, as much gain as a quiet voice needs: up to `vad_gain_db` (0 to
    40).
    """

    noise_suppression: int = 0
    auto_gain: int = 0
    volume_multiplier: float = 1.0
    vad_noise_suppression: int = 2
    vad_gain_db: float = 20.0
    preroll_s: float = DEFAULT_SECONDS

    def __post_init__(self) -> None:
        if not 0 <= self.vad_gain_db <= VAD_GAIN_MAX_DB:
            raise SettingError("vad_gain_db", f"{self.vad_gain_db} is not in 0..{VAD_GAIN_MAX_DB}")
        self.for_speech()
        self.for_vad()

    def for_speech(self) -> CleaningSettings:
        """Return how to clean what is kept."""
        return CleaningSettings(self.noise_suppression, self.auto_gain, self.volume_multiplier)

    def for_vad(self) -> CleaningSettings:
        """Return how to clean what the voice activity detector hears."""
        strength = max(self.noise_suppression, self.vad_noise_suppression)
        return CleaningSettings(strength, self.auto_gain, self.volume_multiplier)


@dataclass(frozen=True, slots=True)
class Window:
    """32 ms of what was heard.

    probability is that of speech; is_echo: what was heard may be echo alone; end_index is the 16 kHz index
    one past the window's last sample, the index that `FrontEnd.ring` uses; level_db is in dBFS without the volume
    multiplier, as the levels of the echo are; bright_share: of its power between 200 Hz and 5 kHz, what lies above
    1.5 kHz.
    """

    probability: float
    is_echo: bool
    end_index: int
    level_db: float
    bright_share: float = 0.0


class FrontEnd:
    """Turn the device's blocks into 16 kHz speech (`ring`) and a probability of speech every 32 ms.

    Sample i of the ring is what the microphone heard at device frame i * rate_hz / 16000, counted from the first
    frame pushed (6 ms later where noise suppression is on): no drift, however long it runs.
    """

    def __init__(self, rate_hz: int, settings: HearingSettings, vad: VoiceDetector, echo: EchoControl) -> None:
        self.ring = PreRoll(RATE_HZ, settings.preroll_s)
        self._rate_hz = rate_hz
        self._vad = vad
        self._echo = echo
        self._mic_in = CaptureResampler(rate_hz)
        self._played_in = CaptureResampler(rate_hz)
        self._mic = np.zeros(0, np.float32)
        self._played = np.zeros(0, np.float32)
        # As much silence in front of the first sample as the resampler holds back: so blocks end with the device's.
        self._in_front: int | None = None
        self._cleaner = Cleaner(settings.for_speech())
        self._vad_gain = VadGain(settings.vad_gain_db)
        self._vad_cleaner = Cleaner(settings.for_vad())
        self._gain_db = 20 * math.log10(settings.volume_multiplier)
        self._rest = Rest()
        self._window = np.zeros(WINDOW_SAMPLES, np.float32)
        self._in_window = 0
        self._ended_windows = 0

    @property
    def echo(self) -> EchoReport:
        """What is known of the echo at the microphone."""
        return self._echo.report

    def push(self, block_mic: Samples, block_played: Samples) -> list[Window]:
        """Take what was captured and what was played in the same frames, return the windows that became complete.

        Raises HearingError when a library fails, ValueError when the two differ in length.
        """
        if len(block_mic) != len(block_played):
            raise ValueError(f"{len(block_mic)} captured and {len(block_played)} played samples in one block")
        mic, played = self._mic_in.process(block_mic), self._played_in.process(block_played)
        if self._in_front is None:
            held_back = len(block_mic) * RATE_HZ // self._rate_hz - len(mic)
            self._in_front = held_back + (_UNEVEN_SAMPLES if self._rate_hz % RATE_HZ else 0)
            self._mic = self._played = np.zeros(self._in_front, np.float32)
        if len(self._mic):
            mic, played = np.concatenate([self._mic, mic]), np.concatenate([self._played, played])
        self._mic, self._played = mic, played
        ready = len(self._mic) // BLOCK_SAMPLES * BLOCK_SAMPLES
        windows: list[Window] = []
        for start in range(0, ready, BLOCK_SAMPLES):
            block = slice(start, start + BLOCK_SAMPLES)
            windows.extend(self._hear(self._echo.process(self._mic[block], self._played[block])))
        self._mic, self._played = self._mic[ready:], self._played[ready:]
        return windows

    def lose(self, frames: int) -> list[Window]:
        """Take note that the device lost so many frames: silence stands in for them, and indices stay true."""
        silence = np.zeros(frames, np.int16)
        return self.push(silence, silence)

    def _hear(self, cancelled: Cancelled) -> list[Window]:
        kept = self._cleaner.process(cancelled.kept)
        for_vad = self._vad_cleaner.process(self._vad_gain.process(cancelled))
        if self._in_front:
            kept, for_vad = kept[self._in_front :], for_vad[self._in_front :]
            self._in_front -= BLOCK_SAMPLES - len(kept)
        self.ring.append(kept)
        until_full = min(len(for_vad), WINDOW_SAMPLES - self._in_window)
        self._fill_window(for_vad[:until_full])
        if self._in_window < WINDOW_SAMPLES:
            return []
        self._ended_windows += 1
        probability = self._judge()
        power = float(self._window.dot(self._window)) / WINDOW_SAMPLES
        level_db = 10 * math.log10(power + _SILENCE) - self._gain_db - self._vad_gain.db
        bright_share = _bright_share(self._window) if probability >= _MAY_BE_VOICED else 0.0
        end_index = self._ended_windows * WINDOW_SAMPLES
        window = Window(probability, self._echo.is_echo(), end_index, level_db, bright_share)
        self._in_window = 0
        self._fill_window(for_vad[until_full:])
        return [window]

    def _judge(self) -> float:
        # What a canceller leaves of us is quieter than any room, and so is a user in it.
        if self._rest.may_skip(self._window) and not self._echo.report.playing:
            self._vad.skip(self._window)
            return 0.0
        probability = self._vad.process(self._window)
        self._rest.judged(probability)
        return probability

    def _fill_window(self, samples: Samples) -> None:
        end = self._in_window + len(samples)
        np.multiply(samples, _FULL_SCALE, out=self._window[self._in_window : end])
        self._in_window = end


def _bright_share(window: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(window)[_VOICE])
    dark, bright = spectrum[:_BRIGHT_FROM], spectrum[_BRIGHT_FROM:]
    bright_power = float(bright.dot(bright))
    return bright_power / (float(dark.dot(dark)) + bright_power + _SILENCE)
