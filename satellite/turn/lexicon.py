"""What people say in a language to a voice that is speaking: words and phrases, from a file for each language.

A file of `lexicons/` is TOML: `language`, and for each field of `Lexicon` a text. Single words stand with spaces
between them, phrases with `|` or a line's end between them; case and punctuation do not matter.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# One sound to the ear, two words to some recognisers.
_SPLIT_SOUND = re.compile(r"\b(?:uh|m+)[\s-]+(?:huh|h+m+)\b")
_BETWEEN_PHRASES = re.compile(r"[|\n]")
_PHRASES = "_phrases"


def words_of(text: str) -> list[str]:
    """Split into lower-case words without punctuation; "uh-huh" and "uh huh" are one."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _WORD.findall(_SPLIT_SOUND.sub("mmhmm", plain))


class LexiconError(InterjectError):
    """A file of words cannot be used."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words of a language, as `words_of` writes them; phrases with single spaces.

    backchannels, backchannel_phrases: by which a listener means "go on". floor_takers: what begins so takes the floor,
    however short it is. objections: what begins so is meant, also where the recogniser is unsure. stop_phrases: silence
    the reply. hold_phrases: pause it. go_on_phrases: end the pause. cannot_hear_phrases: ask for the last sentence
    again. commands: with which people begin when they want something of a house, after words that are polite.
    invention_phrases: what recognisers write for what is no speech. unfinished: after which, as the last word so far,
    nobody has finished; numbers: after which they may not have.
    """

    language: str
    backchannels: frozenset[str]
    backchannel_phrases: frozenset[str]
    floor_takers: frozenset[str]
    objections: frozenset[str]
    stop_phrases: frozenset[str]
    hold_phrases: frozenset[str]
    go_on_phrases: frozenset[str]
    cannot_hear_phrases: frozenset[str]
    commands: frozenset[str]
    polite: frozenset[str]
    invention_phrases: frozenset[str]
    unfinished: frozenset[str]
    numbers: frozenset[str]


def read_lexicon(file: Traversable) -> Lexicon:
    """Read a file of words (blocking); raises LexiconError that says what is wrong with which field."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LexiconError(file.name, f"cannot be read: {error}") from error
    names = {field.name for field in fields(Lexicon)}
    if content.keys() != names:
        wrong = ", ".join(sorted(content.keys() ^ names))
        raise LexiconError(file.name, f"must have each of the fields {', '.join(sorted(names))}; check {wrong}")
    for name, text in content.items():
        if not isinstance(text, str) or not text.strip():
            raise LexiconError(file.name, f"{name} must be a text, it is {text!r}")
    language = content.pop("language")
    return Lexicon(language=language, **{name: _entries(file.name, name, text) for name, text in content.items()})


def _entries(file: str, name: str, text: str) -> frozenset[str]:
    written = _BETWEEN_PHRASES.split(text) if name.endswith(_PHRASES) else text.split()
    entries = [(entry, words_of(entry)) for entry in written if entry.strip()]
    for entry, words in entries:
        if not words or (len(words) > 1 and not name.endswith(_PHRASES)):
            raise LexiconError(file, f"{name} has {entry!r}, which is not one word")
    return frozenset(" ".join(words) for _, words in entries)


def known_languages() -> tuple[str, ...]:
    """Return the languages that there are files for, as their two letters."""
    return tuple(sorted(file.name.removesuffix(".toml") for file in _folder().iterdir() if file.name.endswith(".toml")))


def lexicon_for(language: str | None) -> Lexicon | None:
    """Return the words of a language such as "de" or "de-AT" (None: English); None where nobody wrote them down.

    Blocking.
    """
    if language is None:
        return ENGLISH
    primary = re.split(r"[-_]", language.lower())[0]
    file = _folder() / f"{primary}.toml"
    return read_lexicon(file) if primary.isalpha() and file.is_file() else None


def _folder() -> Traversable:
    return files("interject.satellite.turn").joinpath("lexicons")


ENGLISH = read_lexicon(_folder() / "en.toml")
