"""Which words of a growing hypothesis will stay: local agreement.

A word is stable once two successive hypotheses have it in the same place (LocalAgreement-2: Liu, Spanakis and Niehues,
"Low-latency sequence-to-sequence speech recognition and translation by partial hypothesis selection", Interspeech
2020). The last word is still growing ("light", "lighthouse"), so it must have ended a while ago as well. A word that
the engine is very sure of needs no second hypothesis.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

# Two words that overlap by less than this follow each other: engines move a word's edges by some frames.
_OVERLAP_S = 0.06
# Whisper tiny.en is as sure of a word of 54 of 99 sentences 0.45 s after their onset, of 47 with 0.8; with less, more
# beginnings of "oh, really" and "exactly" come as words.
_SURE = 0.75


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a hypothesis and where it lies in the utterance, in seconds.

    confidence: how likely it is, from 0 to 1, that it was said; None where the engine cannot tell.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What an engine makes of the first `heard_s` seconds; whether the voice has paused after them."""

    words: tuple[Word, ...]
    heard_s: float
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """The words that are stable, and the last hypothesis for those that follow."""

    stable: tuple[Word, ...] = ()
    pending: tuple[Word, ...] = ()

    def update(self, hypothesis: Hypothesis, settle_s: float) -> Agreement:
        """Take the next hypothesis; its last word must have ended `settle_s` seconds ago to be stable.

        Stable words are never taken back: of a hypothesis that contradicts them, only what lies after them counts. One
        that repeats them says anew how likely they are, as it knows how they go on.
        """
        fresh = self._after_stable(hypothesis.words)
        settled = len(fresh)
        if fresh and not hypothesis.paused and hypothesis.heard_s - fresh[-1].end_s < settle_s:
            settled -= 1
        agreed = 0
        for old, new in itertools.zip_longest(self.pending, fresh[:settled]):
            if new is None or not _is_agreed(old, new):
                break
            agreed += 1
        return Agreement(self._confirmed_by(hypothesis.words) + fresh[:agreed], fresh[agreed:])

    def _confirmed_by(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        return words[: len(self.stable)] if self._are_repeated_by(words) else self.stable

    def _are_repeated_by(self, words: tuple[Word, ...]) -> bool:
        return [word.text for word in words[: len(self.stable)]] == [word.text for word in self.stable]

    def _after_stable(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        """Return what follows the stable words: by their text if that still stands there, else by their time."""
        if self._are_repeated_by(words):
            return words[len(self.stable) :]
        return tuple(word for word in words if word.start_s >= self.stable[-1].end_s - _OVERLAP_S)

    def text(self) -> str:
        """Return the stable text."""
        return " ".join(word.text for word in self.stable)

    def confidence(self) -> float | None:
        """Return the mean of the stable words; None where the engine cannot tell.

        One word that was misheard says little of whether anything was said.
        """
        known = [word.confidence for word in self.stable if word.confidence is not None]
        return sum(known) / len(known) if known else None


def _is_agreed(old: Word | None, new: Word) -> bool:
    sure = new.confidence is not None and new.confidence >= _SURE
    return sure or (old is not None and old.text == new.text)
