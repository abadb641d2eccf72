"""When the stop word search listens, and which of its findings count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.conversation.echo_words import say_word
from interject.satellite.records.conversation import StopWordFound
from interject.satellite.turn.lexicon import words_of
from interject.satellite.turn.settings import BargeIn
from interject.satellite.turn.state import Origin
from interject.satellite.turn.utterance import Utterance, update

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.conversation.playback import Playback
    from interject.satellite.frontend.preroll import PreRoll
    from interject.satellite.turn.events import VoiceWindow
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import State
    from interject.satellite.wake.stop_search import StopFound, StopWordSearch
    from interject.wire.trace import Record

_RATE_HZ = 16_000
# What a device and a room delay our voice by, and what marks of words are wrong by.
_AROUND_MS = 500.0
_SENTENCE_WORDS = 2
_BEFORE_IT_WORDS = 4


class StopWords:
    """Lets a search hear the beginning of each utterance into what sounds, and judges what it finds."""

    def __init__(self, search: StopWordSearch, emit: Callable[[Record], None]) -> None:
        self._search = search
        self._emit = emit
        self._utterance = Utterance()
        # How much of the utterance that is searched, or was last, is voiced.
        self._speech_ms = 0.0
        self._onset: int | None = None
        self._noted: dict[int, str] = {}

    async def run(self, heard: Callable[[StopFound], None]) -> None:
        """Work until cancelled; calls `heard` on the event loop."""
        await self._search.run(heard)

    def take(self, window: VoiceWindow, now: float, state: State, settings: TurnSettings) -> None:
        """Take a window that ends at `now`, with the guard's verdict whatever else the window counts for."""
        self._utterance = update(self._utterance, window, now, state.phase, settings)
        if self._utterance.onset_s is not None:
            self._speech_ms = self._utterance.speech_ms

    def listen(self, ring: PreRoll, state: State, settings: TurnSettings) -> None:
        """Listen on, where a stop word matters."""
        if not state.live and state.origin is Origin.SILENCE:
            self._onset = None
        elif state.live and self._utterance.onset_s is not None and _may_stop(state, settings):
            self._onset = round(self._utterance.onset_s * _RATE_HZ)
        self._search.follow(ring, self._onset)

    def counts(self, found: StopFound, ring_end: int, playback: Playback, least_ms: float) -> bool:
        """Tell whether it was not the echo that said it, and as much of a voice as pauses a reply (`least_ms`).

        Records what was found, and why it does not count.
        """
        since_onset_ms = (ring_end - found.onset_index) * 1000 / _RATE_HZ
        position_ms = playback.position_ms()
        begin_ms, end_ms = position_ms - since_onset_ms - _AROUND_MS, position_ms + _AROUND_MS
        reason = None
        if say_word(playback.record, begin_ms, end_ms, found.phrase.key):
            reason = "own-word"
        elif self._speech_ms < least_ms:
            # What is left of the echo, and a breath on it, has a voiced window or two.
            reason = "too-short"
        self._emit(
            StopWordFound(
                phrase=found.phrase.text,
                verdict="taken" if reason is None else "refused",
                reason=reason,
                speech_ms=self._speech_ms,
                stood_ms=found.stood_ms,
                heard_ms=(found.heard_index - found.onset_index) * 1000 / _RATE_HZ,
                told_ms=since_onset_ms,
                position_ms=position_ms,
            )
        )
        return reason is None

    def note(self, stream: int, text: str) -> None:
        """A recogniser's stream begins with a stop word."""
        self._noted = {stream: text}

    def settle(self, stream: int, text: str) -> str:
        """Return what a stream says: the stop word found in it, unless the recogniser hears a sentence.

        A single "stop" comes as "stuff" or "bye", or as nothing, from some recognisers; "stop the timer" is a question.
        """
        noted, words = self._noted.get(stream), words_of(text)
        if noted is None:
            return text
        # Before it there may be what is left of the echo: "I can stop."
        last = len(words) <= _BEFORE_IT_WORDS and words[-1:] == [noted]
        return noted if last or len(words) < _SENTENCE_WORDS else text


def _may_stop(state: State, settings: TurnSettings) -> bool:
    return state.rings or settings.barge_in is not BargeIn.OFF
