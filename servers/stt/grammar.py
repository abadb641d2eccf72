"""The grammar of things said at home, extended by the names and terms of a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Words of our grammar that the dictionary of PocketSphinx lacks, or says in one way only (CMU phones).
EXTRA_PRONUNCIATIONS = (
    ("mm-hmm", "M HH M"),
    ("mm-hmm(2)", "AH M HH AH M"),
    ("uh-huh(2)", "AH HH AA"),
    ("uh-huh(3)", "AH HH AH N"),
    ("yeah(2)", "Y EH"),
    ("yeah(3)", "Y EH AH"),
)
# The asides of our grammar that are no words: what people hum while they listen.
LISTENING_SOUNDS = frozenset({"uh-huh", "mm-hmm", "mhm", "mm", "hmm"})
# Stands in the grammar by itself, so that it adds nothing.
_NOTHING_GIVEN = "everything"
# The dictionary's words; anything else could not be said, and could break the grammar's syntax.
_WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*")
_SEPARATORS = re.compile(r"[\s_,.;:!?()/\"]+")


@dataclass(frozen=True, slots=True)
class Phrases:
    """The phrases that a grammar can take, and those that it cannot, because no one knows how they sound."""

    known: tuple[str, ...]
    unknown: tuple[str, ...]


def home_grammar() -> str:
    """Read the grammar that comes with the server (JSGF); it lacks the rule <given>."""
    return files("interject.servers.stt.engines").joinpath("home.gram").read_text(encoding="utf-8")


def words_of(phrase: str) -> list[str]:
    """Return the words of a phrase, in small letters."""
    return [word for word in _SEPARATORS.split(phrase.lower()) if word]


def sort_phrases(phrases: Iterable[str], pronounceable: Callable[[str], bool]) -> Phrases:
    """Write phrases as the dictionary does, in their order, once each."""
    known: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for phrase in phrases:
        words = words_of(phrase)
        if words and all(_WORD.fullmatch(word) and pronounceable(word) for word in words):
            known[" ".join(words)] = None
        else:
            unknown[phrase] = None
    return Phrases(tuple(known), tuple(unknown))


def extend(grammar: str, known: Iterable[str]) -> str:
    """Add the rule <given>."""
    # JSGF's <VOID> would be the rule that nothing matches, but PocketSphinx drops every rule that mentions it.
    return f"{grammar}\n<given> = {' | '.join(known) or _NOTHING_GIVEN};\n"
