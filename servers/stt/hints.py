"""The words that a request says may well occur: checked, and as many of them as an engine can take."""

from __future__ import annotations

from dataclasses import dataclass

from interject.servers.stt.grammar import words_of
from interject.wire.errors import RequestError

# Names and terms come over the network and grow the grammar: more than a large house has.
_MAX_PHRASES = 1000
_MAX_PHRASE_CHARACTERS = 100
# PocketSphinx builds a grammar of a thousand words in a third of a second, in which nobody else is heard, and the time
# grows with their square; a house of 300 things of three words each is as large.
MOST_WORDS = 1000


@dataclass(frozen=True, slots=True)
class Hints:
    """Names and terms of at most MOST_WORDS words together, and how many phrases were over that."""

    names: tuple[str, ...]
    terms: tuple[str, ...]
    dropped: int


def hints_of(names: object, terms: object) -> Hints:
    """Check what a request names, names first where there are too many words; raises RequestError."""
    checked = (_phrases("transcript_names", names), _phrases("transcript_terms", terms))
    left = MOST_WORDS
    kept: list[tuple[str, ...]] = []
    for phrases in checked:
        fitting = []
        for phrase in phrases:
            words = len(words_of(phrase))
            if words > left:
                break
            left -= words
            fitting.append(phrase)
        kept.append(tuple(fitting))
    return Hints(kept[0], kept[1], sum(map(len, checked)) - sum(map(len, kept)))


def _phrases(field: str, value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise RequestError("bad-event", f"{field} is {value!r}, not a list of strings")
    if len(value) > _MAX_PHRASES or any(len(item) > _MAX_PHRASE_CHARACTERS for item in value):
        raise RequestError(
            "bad-event", f"{field} may have {_MAX_PHRASES} entries of {_MAX_PHRASE_CHARACTERS} characters each"
        )
    return tuple(value)
