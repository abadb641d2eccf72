"""From a playback position to the words that the user heard."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.wire.events import WordMark

if TYPE_CHECKING:
    from collections.abc import Sequence

# How far apart text and marks may run at one place before the rest counts as unheard, in words.
RESYNC_WORDS = 8
# By how many words the text may run ahead of the marks at one place: more could claim words never heard.
TEXT_AHEAD_WORDS = 2
# A synthesizer's speaking rate, for audio whose length is not known yet: English and German voices of Piper and
# espeak-ng speak 14 to 17 characters a second; the estimate stays on the slow side, which claims less as heard.
CHARACTERS_PER_SECOND = 15.0
# A word boundary further back than this is not worth hearing twice.
REWIND_LIMIT_MS = 400.0

_NOT_WORD = re.compile(r"[\W_]+")
# Where a sentence is over, in the writing of the languages that there are lexicons for.
_SENTENCE_END = re.compile(r"[.!?\N{HORIZONTAL ELLIPSIS}]+[\"')\]\N{RIGHT DOUBLE QUOTATION MARK}]*\s+")


class Completeness(Enum):
    """Whether all audio of a text is there."""

    COMPLETE = "complete"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class _Token:
    """A written word without its punctuation, and where it ends in the text."""

    key: str
    end: int


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word that the marks know, and when it is over."""

    key: str
    end_ms: float


def heard_text(text: str, marks: Sequence[WordMark], position_ms: float) -> str:
    """Return the beginning of `text`, as written, up to the last word that was over at `position_ms`.

    Marks are matched to the words in order; where they differ, words are passed over rather than claimed as heard:
    the result may end early and never late. It grows with the position, and is empty where nothing is known.
    """
    end = 0
    for word_end, end_ms in _aligned(text, marks):
        if end_ms > position_ms:
            break
        end = word_end
    return text[:end]


def estimate_marks(text: str, audio_ms: float, complete: Completeness) -> tuple[WordMark, ...]:
    """Work out word times from the number of characters: for audio that came without marks.

    The words share `audio_ms` when the audio is complete; else each character takes 1/15 s, or the whole of the audio
    where that is longer. These are estimates: say so wherever they are reported.
    """
    words = list(re.finditer(r"\S+", text))
    if not words:
        return ()
    first, last = words[0].start(), words[-1].end()
    total_ms = audio_ms
    if complete is Completeness.PARTIAL:
        total_ms = max(audio_ms, (last - first) * 1000 / CHARACTERS_PER_SECOND)
    character_ms = total_ms / (last - first)
    return tuple(
        WordMark(word.group(), (word.start() - first) * character_ms, (word.end() - first) * character_ms)
        for word in words
    )


def rewind_ms(marks: Sequence[WordMark], position_ms: float, limit_ms: float = REWIND_LIMIT_MS) -> float:
    """Return how far back the word begins that sounds at `position_ms`: 0 to `limit_ms`, 0 between words or unknown."""
    for mark in reversed(marks):
        if mark.start_ms <= position_ms < mark.end_ms:
            return min(position_ms - mark.start_ms, limit_ms)
    return 0.0


def sentence_start_ms(text: str, marks: Sequence[WordMark], position_ms: float) -> float:
    """Return when the sentence begins of which the last word was heard at `position_ms`; 0 where nothing is known."""
    pairs = _aligned(text, marks)
    heard_end = max((end for end, end_ms in pairs if end_ms <= position_ms), default=0)
    begins = max((end.end() for end in _SENTENCE_END.finditer(text) if end.end() < heard_end), default=0)
    return max((end_ms for end, end_ms in pairs if end <= begins), default=0.0)


def _aligned(text: str, marks: Sequence[WordMark]) -> list[tuple[int, float]]:
    """Pair the words of the text with the marks: (end in the text, time it is over), in order of the text."""
    tokens = [_Token(_key(word.group()), word.end()) for word in re.finditer(r"\S+", text)]
    tokens = [token for token in tokens if token.key]
    spoken = [_Spoken(_key(word), mark.end_ms) for mark in marks for word in mark.text.split()]
    spoken = [word for word in spoken if word.key]
    pairs: list[tuple[int, float]] = []
    at_token = at_spoken = 0
    while at_token < len(tokens) and at_spoken < len(spoken):
        if tokens[at_token].key != spoken[at_spoken].key:
            gap = _resync(tokens[at_token:], spoken[at_spoken:])
            if gap is None:
                break
            skipped_tokens, skipped_spoken = gap
            if skipped_tokens == skipped_spoken:
                replaced = zip(tokens[at_token:], spoken[at_spoken : at_spoken + skipped_spoken], strict=False)
                pairs.extend((token.end, word.end_ms) for token, word in replaced)
            at_token += skipped_tokens
            at_spoken += skipped_spoken
        else:
            pairs.append((tokens[at_token].end, spoken[at_spoken].end_ms))
            at_token += 1
            at_spoken += 1
    return pairs


def _resync(tokens: Sequence[_Token], spoken: Sequence[_Spoken]) -> tuple[int, int] | None:
    """Return the smallest skip (words of the text, words of the marks) after which both agree again.

    Agreement is two words in a row, or one where either side ends with it. Among equal skips, the one that claims
    less of the text wins.
    """
    for total in range(1, 2 * RESYNC_WORDS + 1):
        for skipped_tokens in range(max(0, total - RESYNC_WORDS), min(total, RESYNC_WORDS) + 1):
            skipped_spoken = total - skipped_tokens
            if skipped_tokens > skipped_spoken + TEXT_AHEAD_WORDS:
                continue
            left = tokens[skipped_tokens : skipped_tokens + 2]
            right = spoken[skipped_spoken : skipped_spoken + 2]
            if left and right and all(a.key == b.key for a, b in zip(left, right, strict=False)):
                return skipped_tokens, skipped_spoken
    return None


def _key(word: str) -> str:
    """Return what makes a word the same word: letters and digits, whatever the case."""
    return _NOT_WORD.sub("", word).casefold()
