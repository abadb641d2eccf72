"""Comparing texts that have been through other programs: by their letters and digits alone.

What lies between the bridge and the loudspeaker may strip white space and markdown, change quotes, or compose accents
in another way; none of that makes it another text.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def normalized(text: str) -> str:
    """Return the letters and digits of a text, without case and accents; all but white space where it has none."""
    return _letters(text) or "".join(text.split())


def begins_with_words(text: str, beginning: str) -> bool:
    """Tell whether a text begins with all words of another one that has any."""
    wanted = _words(beginning)
    first = next(wanted, None)
    if first is None:
        return False
    pairs = itertools.zip_longest(itertools.chain([first], wanted), _words(text))
    return all(word == other for word, other in itertools.takewhile(lambda pair: pair[0] is not None, pairs))


def common_word_prefix(text: str, other: str) -> str:
    """Return the whole words of `text`, as written there, that `other` begins with too; empty if none."""
    if text.startswith(other) and not text[len(other) :][:1].strip():
        return other
    wanted = _letters(other)
    found = end = 0
    for word in re.finditer(r"\S+", text):
        letters = _letters(word.group())
        if found == len(wanted) or not wanted.startswith(letters, found):
            break
        found += len(letters)
        if letters:
            end = word.end()
    return text[:end]


def _words(text: str) -> Iterator[str]:
    """Yield the words that have a letter or a digit."""
    return (letters for word in text.split() if (letters := _letters(word)))


def _letters(text: str) -> str:
    # Accents become characters of their own, which are no letters.
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))
