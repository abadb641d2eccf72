"""The utterance tracker: is somebody speaking, from one VAD window to the next?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.satellite.turn.voice import Voice

if TYPE_CHECKING:
    from interject.satellite.turn.events import VoiceWindow
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import Phase


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
