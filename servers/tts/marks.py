"""From an engine's word times to marks on the written words; pure.

Written words are the white-space separated tokens of a text. Engines report spoken words: several for one token (a
number, a URL, an emoji), or one for several tokens (espeak joins "in the"). So tokens are grouped: a group begins at a
token that a spoken word starts in, and goes on to the next such token. Groups keep the order and lose no token.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.wire.events import WordMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Token:
    """A written word and the index of its first character in the text."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class WordStart:
    """A spoken word starts: index of its first character in the text, and sample in the sentence's audio."""

    char: int
    sample: int


@dataclass(frozen=True, slots=True)
class Group:
    """Written words that are timed as one."""

    text: str
    start_sample: int


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the written words of a text."""
    return tuple(Token(match.group(), match.start()) for match in _TOKEN.finditer(text))


class WordGroups:
    """Groups the tokens of one sentence while word starts come in.

    Where a spoken word lies between two tokens it belongs to the earlier one: espeak reports the later words of an
    emoji behind it. Words that go back (espeak does within a number) start no group.
    """

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._starts = [token.start for token in self._tokens]
        self._first = 0
        self._current: int | None = None
        self._start_sample = 0

    def add(self, word: WordStart) -> Group | None:
        """Take the next word start; returns the group that it ends, if it ends one."""
        token = max(0, bisect.bisect_right(self._starts, word.char) - 1)
        if self._current is None:
            self._current, self._start_sample = token, word.sample
            return None
        if token <= self._current:
            return None
        ended = Group(self._joined(self._first, token), self._start_sample)
        self._first = self._current = token
        self._start_sample = max(word.sample, ended.start_sample)
        return ended

    def finish(self) -> Group | None:
        """Return the last group; None for a text without tokens."""
        if self._first >= len(self._tokens):
            return None
        return Group(self._joined(self._first, len(self._tokens)), self._start_sample)

    def _joined(self, first: int, end: int) -> str:
        return " ".join(token.text for token in self._tokens[first:end])


def group_all(text: str, words: Iterable[WordStart]) -> list[Group]:
    """Group the tokens of a sentence whose word starts are all known."""
    groups = WordGroups(text)
    ended = [groups.add(word) for word in words]
    return [group for group in (*ended, groups.finish()) if group is not None]


def mark(group: Group, end_sample: int, rate_hz: int) -> WordMark:
    """Time a group; it ends no earlier than it starts."""
    to_ms = 1000 / rate_hz
    return WordMark(
        group.text, round(group.start_sample * to_ms, 2), round(max(end_sample, group.start_sample) * to_ms, 2)
    )


def marks_until_next(groups: Sequence[Group], end_sample: int, rate_hz: int) -> tuple[WordMark, ...]:
    """Time groups of which only the starts are known: each ends where the next one starts."""
    starts = [group.start_sample for group in groups]
    ends = [*starts[1:], end_sample]
    return tuple(mark(group, ends[index], rate_hz) for index, group in enumerate(groups))


def estimated_groups(text: str, total_samples: int) -> list[Group]:
    """Guess where each token starts: in proportion to its characters."""
    tokens = tokens_of(text)
    characters = sum(len(token.text) for token in tokens)
    groups: list[Group] = []
    before = 0
    for token in tokens:
        groups.append(Group(token.text, total_samples * before // max(characters, 1)))
        before += len(token.text)
    return groups


def shifted(marks: Iterable[WordMark], offset_ms: float) -> tuple[WordMark, ...]:
    """Move marks from a sentence's own time to the reply's."""
    return tuple(
        WordMark(item.text, round(item.start_ms + offset_ms, 2), round(item.end_ms + offset_ms, 2)) for item in marks
    )
