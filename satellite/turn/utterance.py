"""The utterance tracker: is somebody speaking, from one VAD window to the next?"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.satellite.turn.events import VoiceWindow
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import Phase


_TINY = 1e-12
# Less of a voice than this is in no band: what keeps ratios of bands finite, however soft the voice.
_LEAST_SHARE = 1e-4
_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Voice:
    """Mean squares (full scale 1) summed over voiced windows, in all and above 1.5 kHz; of none if none is known."""

    windows: int = 0
    power: float = 0.0
    bright: float = 0.0

    @property
    def known(self) -> bool:
        """Whether anybody measured it."""
        return self.windows > 0

    @property
    def usual(self) -> float:
        """The mean square of a window; 0 where it is not known."""
        return self.power / self.windows if self.windows else 0.0

    @property
    def tilt_db(self) -> float:
        """What lies above 1.5 kHz against what lies below."""
        tiny = _TINY + _LEAST_SHARE * self.power
        return 10 * math.log10((self.bright + tiny) / (self.power - self.bright + tiny))

    def with_window(self, window: VoiceWindow) -> Voice:
        """Take in one more voiced window."""
        if window.level_db is None:
            return self
        power = 10 ** (window.level_db / 10)
        return Voice(self.windows + 1, self.power + power, self.bright + power * window.bright_share)

    def with_voice(self, other: Voice) -> Voice:
        """Take in what else was said."""
        return Voice(self.windows + other.windows, self.power + other.power, self.bright + other.bright)

    def softer_db(self, than: Voice) -> float:
        """Return how much softer it is."""
        return 10 * math.log10((than.usual + _TINY) / (self.usual + _TINY))

    def brighter_db(self, than: Voice) -> float:
        """Return how much more of it lies above 1.5 kHz, against what lies below."""
        return self.tilt_db - than.tilt_db

    def towards(self, spoken: Voice) -> Voice:
        """Return a usual voice after one more turn: a quarter of the way in dB, as one shout is not what is usual."""
        if not self.known or not spoken.known:
            return spoken if spoken.known else self
        bright = _between(self.bright / self.windows, spoken.bright / spoken.windows)
        return Voice(1, _between(self.usual, spoken.usual), bright)


def _between(before: float, after: float) -> float:
    return float((before + _TINY) ** (1 - _SHARE) * (after + _TINY) ** _SHARE)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One utterance so far: it begins with a voiced window and ends with a gap of silence.

    `recent` says of each of the last windows whether it was voiced, `run` counts voiced windows in a row, `speech_ms`
    is the voiced time of this utterance alone, and `voice` what its voiced windows are like. `spent` marks
    an utterance that must not trigger anything any more, `deaf` one whose STT stream failed.
    """

    recent: tuple[bool, ...] = ()
    run: int = 0
    speech_ms: float = 0.0
    voice: Voice = field(default_factory=Voice)
    onset_s: float | None = None
    last_voice_s: float = 0.0
    triggered: bool = False
    confirmed: bool = False
    spent: bool = False
    deaf: bool = False

    @property
    def active(self) -> bool:
        """Whether an utterance that triggered is going on."""
        return self.triggered and not self.spent


def update(utterance: Utterance, window: VoiceWindow, now: float, phase: Phase, settings: TurnSettings) -> Utterance:
    """Take in the window that ends at `now`."""
    vad = settings.vad(phase)
    threshold = vad.threshold - (vad.hysteresis if utterance.run else 0.0)
    voiced = window.probability >= threshold and not window.is_echo
    kept = int(settings.confirm_within_ms / settings.window_ms) + 1
    recent = (*utterance.recent, voiced)[-kept:]
    if not voiced:
        unchanged = not utterance.run and recent == utterance.recent
        quiet = utterance if unchanged else replace(utterance, recent=recent, run=0)
        return Utterance(last_voice_s=utterance.last_voice_s) if over(quiet, now, settings) else quiet
    run = utterance.run + 1
    return replace(
        utterance,
        recent=recent,
        run=run,
        speech_ms=utterance.speech_ms + settings.window_ms,
        voice=utterance.voice.with_window(window),
        onset_s=now - settings.window_ms / 1000 if utterance.onset_s is None else utterance.onset_s,
        last_voice_s=now,
        triggered=utterance.triggered or run >= vad.windows,
        confirmed=utterance.confirmed or sum(recent) * settings.window_ms >= settings.confirm_speech_ms,
    )


def spend(utterance: Utterance) -> Utterance:
    """Let the utterance that is going on, if there is one, trigger nothing more."""
    return utterance if utterance.onset_s is None else replace(utterance, spent=True)


def over(utterance: Utterance, now: float, settings: TurnSettings) -> bool:
    """Whether an utterance began and has been followed by its gap of silence."""
    return utterance.onset_s is not None and now - utterance.last_voice_s >= settings.utterance_gap_ms / 1000
