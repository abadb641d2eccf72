"""Utterance tracker: is somebody speaking, from one VAD window to the next?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.satellite.turn.voice import Voice

if TYPE_CHECKING:
    from interject.satellite.turn.events import VoiceWindow
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import Phase


@dataclass(frozen=True, slots=True)
class Evidence:
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


def update(evidence: Evidence, window: VoiceWindow, now: float, phase: Phase, settings: TurnSettings) -> Evidence:
    """Take in the window that ends at `now`."""
    vad = settings.vad(phase)
    threshold = vad.threshold - (vad.hysteresis if evidence.run else 0.0)
    voiced = window.probability >= threshold and not window.is_echo
    kept = int(settings.confirm_within_ms / settings.window_ms) + 1
    recent = (*evidence.recent, voiced)[-kept:]
    if not voiced:
        unchanged = not evidence.run and recent == evidence.recent
        quiet = evidence if unchanged else replace(evidence, recent=recent, run=0)
        return Evidence(last_voice_s=evidence.last_voice_s) if over(quiet, now, settings) else quiet
    run = evidence.run + 1
    return replace(
        evidence,
        recent=recent,
        run=run,
        speech_ms=evidence.speech_ms + settings.window_ms,
        voice=evidence.voice.with_window(window),
        onset_s=now - settings.window_ms / 1000 if evidence.onset_s is None else evidence.onset_s,
        last_voice_s=now,
        triggered=evidence.triggered or run >= vad.windows,
        confirmed=evidence.confirmed or sum(recent) * settings.window_ms >= settings.confirm_speech_ms,
    )


def spend(evidence: Evidence) -> Evidence:
    """Let the utterance that is going on, if there is one, trigger nothing more."""
    return evidence if evidence.onset_s is None else replace(evidence, spent=True)


def over(evidence: Evidence, now: float, settings: TurnSettings) -> bool:
    """Whether an utterance began and has been followed by its gap of silence."""
    return evidence.onset_s is not None and now - evidence.last_voice_s >= settings.utterance_gap_ms / 1000
