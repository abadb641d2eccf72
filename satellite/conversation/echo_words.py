"""Removes words of the reply from what STT heard while it played, where no canceller keeps them out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from interject.satellite.turn.lexicon import words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.satellite.conversation.playback import ReplyRecord

# Before a stream begins: its pre-roll, the echo's delay and the word that was under way; what comes next may sound
# before its position is told.
_BEFORE_MS = 3000.0
_AHEAD_MS = 1000.0
# Of older streams nothing is awaited any more.
_KEPT_STREAMS = 8


class EchoWords:
    """Knows for each stream of a recogniser which words of ours it may hold."""

    def __init__(self) -> None:
        self._begin_ms: dict[int, float] = {}
        self._ours: dict[int, Counter[str]] = {}

    def opened(self, stream: int, position_ms: float) -> None:
        """A stream was opened when so much of the reply had been heard."""
        self._begin_ms[stream] = position_ms
        for old in sorted(self._begin_ms)[:-_KEPT_STREAMS]:
            del self._begin_ms[old]
            self._ours.pop(old, None)

    def follow(self, stream: int, record: ReplyRecord, position_ms: float) -> None:
        """The reply has been heard up to a position while the stream took audio, or its text was awaited."""
        begin_ms = self._begin_ms.get(stream)
        if begin_ms is not None:
            around = _words_between(record, begin_ms - _BEFORE_MS, position_ms + _AHEAD_MS)
            self._ours[stream] = Counter(around)

    def without_ours(self, stream: int, text: str) -> str:
        """Return a stream's text without the words of ours, each as often as it was said; unchanged if there is none.

        What is not ours comes in lower case and without punctuation. A user's word that was ours too is lost: rather
        one stop word unheard than a reply that stops itself.
        """
        ours = self._ours.get(stream)
        if not ours:
            return text
        words = words_of(text)
        theirs = _less(words, ours)
        return text if len(theirs) == len(words) else " ".join(theirs)


def say_word(record: ReplyRecord, start_ms: float, end_ms: float, word: str) -> bool:
    """Tell whether we say a word between two positions, or one that begins with it: "stopped" holds a "stop"."""
    return any(ours.startswith(word) for ours in _words_between(record, start_ms, end_ms))


def _words_between(record: ReplyRecord, start_ms: float, end_ms: float) -> Iterable[str]:
    for mark in record.known_marks():
        if mark.end_ms > start_ms and mark.start_ms < end_ms:
            yield from words_of(mark.text)


def _less(words: Sequence[str], ours: Counter[str]) -> list[str]:
    """Drop each word as often as it is among ours, the first ones first."""
    left = Counter(ours)
    theirs: list[str] = []
    for word in words:
        if left[word] > 0:
            left[word] -= 1
        else:
            theirs.append(word)
    return theirs
