"""What was known of an utterance when a decision was taken, for the record of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.turn.events import Partial, Transcribed, Typed

if TYPE_CHECKING:
    from interject.satellite.turn.events import Event, VoiceWindow
    from interject.satellite.turn.state import State

_WORD_END = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a decision.

    event: what tipped it. probability: of speech in the last window, by the VAD, 0 to 1. is_echo: the echo guard took
    that window for the loudspeaker. speech_ms: how much of the utterance is voiced. silent_ms: how long ago its last
    voice was. text: its stable words. side_speech: it is too soft to be meant for us.
    """

    event: str
    probability: float
    is_echo: bool
    speech_ms: float
    silent_ms: float
    text: str
    side_speech: bool


NO_EVIDENCE = Evidence("", 0.0, is_echo=False, speech_ms=0.0, silent_ms=0.0, text="", side_speech=False)


def evidence_of(before: State, after: State, event: Event, window: VoiceWindow, now: float) -> Evidence:
    """Put together what a step was taken upon; `now` in seconds of the device's clock, as the states have them."""
    segment = after.open_segment or before.open_segment or before.ending
    text = "" if segment is None else segment.text
    if isinstance(event, Partial | Transcribed | Typed):
        text = event.text
    # An utterance that is over is forgotten with the window that ended it.
    utterance = after.utterance if after.utterance.onset_s is not None else before.utterance
    return Evidence(
        event=_WORD_END.sub("-", type(event).__name__).lower(),
        probability=round(window.probability, 3),
        is_echo=window.is_echo,
        speech_ms=utterance.speech_ms if segment is None or utterance.onset_s is not None else segment.speech_ms,
        silent_ms=round(max(0.0, now - utterance.last_voice_s) * 1000, 1),
        text=text,
        side_speech=segment is not None and segment.side_speech,
    )
