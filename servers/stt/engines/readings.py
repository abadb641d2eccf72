"""Which of two readings of one utterance counts: the grammar's or the open language model's.

The grammar makes anything into one of its sentences, so its reading counts only where it sounds like the open one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.servers.stt.confidence import Calibration
from interject.servers.stt.grammar import LISTENING_SOUNDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from interject.servers.stt.agreement import Word


# Normalised phone edit distance up to which the grammar may be right: 0 of 58 false accepts on recorded speech.
_AGREE = 0.5
# The same for a sound of listening. The open model has no such sounds and makes words of them: an "uh-huh" in the noise
# of a room becomes "the head" (0.6) or "i have" (0.75). Up to this, 40 of 40 were right rather than 32, and none of 180
# commands and 240 short words in noise became one; a barking dog did, which is no question either.
_AGREE_LISTENING = 0.75
# What is longer is no such sound: the words made of an "uh-huh" take 0.2 to 0.45 s. Each tenth more would let the first
# words of real interruptions be stable later, by 0.02 s on average.
_BRIEF_S = 0.5
# A cough or a click becomes one short word, such as "at" or "that": alone it means nothing unless the grammar has it.
_NOISE_PHONES = 3
# `pace`: seconds a phone; laughter and coughs stretch what they are taken for.
_TEXT = Calibration(
    {"grammar": 1.59, "phone_distance": -1.53, "single_word": 1.33, "phones": 0.026, "pace": -18.8}, 3.2
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one decoder makes of the audio: its words, and their phones."""

    words: tuple[Word, ...]
    phones: tuple[str, ...]

    @property
    def brief(self) -> bool:
        """Whether the words take so short that they may be a sound of listening."""
        return not self.words or self.words[-1].end_s - self.words[0].start_s <= _BRIEF_S


def choose(expected: Reading | None, heard: Reading) -> tuple[Word, ...]:
    """Return the words of the grammar's reading, `expected`, if it sounds like the open one, `heard`, else of that."""
    if expected is not None and _sounds_like(expected, heard):
        return expected.words
    return () if len(heard.words) == 1 and len(heard.phones) <= _NOISE_PHONES else heard.words


def figures(expected: Reading | None, heard: Reading) -> Mapping[str, float]:
    """Return how well both readings agree, and whether people speak so; nothing where there are no words."""
    words = choose(expected, heard)
    if not words or not heard.phones:
        return {}
    in_grammar = expected is not None and words == expected.words
    voiced_s = sum(word.end_s - word.start_s for word in heard.words)
    both = expected is not None and bool(expected.phones)
    return {
        "grammar": float(in_grammar),
        "phone_distance": phone_distance(expected.phones, heard.phones) if expected is not None and both else 1.0,
        "single_word": float(len(words) == 1),
        "phones": float(len(heard.phones)),
        "pace": voiced_s / len(heard.phones),
    }


def confidence(measured: Mapping[str, float]) -> float | None:
    """Return how likely it is, from 0 to 1, that the words were said; None where there are none."""
    return _TEXT.probability(measured) if measured else None


def choose_so_far(expected: Reading, heard: Reading) -> tuple[Word, ...]:
    """Return the same for an utterance that goes on: open words only when there are enough for no sound of listening.

    Clients act on stable words at once, and the first word that the open model makes of an "uh-huh" looks like an
    interruption. Words of the grammar, such as "stop", do not wait.
    """
    if heard.brief and not _sounds_like(expected, heard):
        return ()
    return choose(expected, heard)


def _sounds_like(expected: Reading, heard: Reading) -> bool:
    if not expected.phones or not heard.phones:
        return False
    listening = heard.brief and all(word.text in LISTENING_SOUNDS for word in expected.words)
    return phone_distance(expected.phones, heard.phones) <= (_AGREE_LISTENING if listening else _AGREE)


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """Count the phones to insert, delete or replace to make one of the other (Levenshtein)."""
    row = list(range(len(right) + 1))
    for i, one in enumerate(left, start=1):
        above = row
        row = [i]
        for j, other in enumerate(right, start=1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (one != other)))
    return row[-1]


def phone_distance(left: Sequence[str], right: Sequence[str]) -> float:
    """Return the edit distance divided by the longer length: 0 the same, 1 nothing in common; two silences are 0."""
    longer = max(len(left), len(right))
    return edit_distance(left, right) / longer if longer else 0.0
