"""Markdown and emoji, which a model writes although it is told not to: taken out of a text, or of a stream; pure.

A voice would say "asterisk asterisk". No library takes a stream apart: markdown-it and its like parse whole documents,
and a reply is spoken from its first clause on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_START = "\n"
# Pictographs, dingbats and flags (Unicode 16, emoji-data); what joins and colours them.
_PICTURE = "\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
_JOINS = "\ufe0f\u200d\U000e0020-\U000e007f"
_EMOJI = re.compile(rf"[{_PICTURE}][{_PICTURE}{_JOINS}]*[ \t]?|[\ufe0f\u20e3]")
# Headings, quotations and lists.
_PREFIX = re.compile(r"[ \t]*(?:(?:#{1,6}|>|[-*+])[ \t]+)*")
# A rule, a fence around code, what stands below the head of a table.
_RULE = r"([-*_])(?:[ \t]*\1){2,}"
_TABLE_RULE = r"\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?"
_EMPTY_LINE = re.compile(rf"[ \t]*(?:{_RULE}|```[^`]*|{_TABLE_RULE})[ \t]*")
_TABLE_ROW = re.compile(r"[ \t]*\|")
_PIPE = re.compile(r"[ \t]*\|[ \t]*")
_IN_BRACKETS, _IN_PARENTHESES = r"[^\]\n]{0,200}", r"[^)\n]{0,500}"
_LINK = re.compile(rf"(!?\[){_IN_BRACKETS}(\]\({_IN_PARENTHESES}\))")
_RUN = re.compile(r"\*+|_+|`+|~+")
_MARKS = "*_`~"
# A full stop behind a blank is said as "dot".
_STRANDED = re.compile(r"(?<=\w)([ \t]+)([.,;:!?…]+)(?=\s|$)")
# Where what follows decides: the end of a piece, and all of a line that has only begun.
_UNDECIDED = re.compile(rf"[{_PICTURE}{_JOINS}{_MARKS}!]*(?:\[{_IN_BRACKETS}(?:\](?:\({_IN_PARENTHESES})?)?)?$")
_UNDECIDED_LINE = re.compile(r"[ \t]*(?:[#>*+\-|_~:` \t]*|```[^`]*|\|.*)$")


@dataclass(frozen=True, slots=True)
class Edit:
    """What stands from `start` to `end` is markup; `text`, no longer than that, is said in its place."""

    start: int
    end: int
    text: str = ""


class MarkupFilter:
    """Takes a text as it arrives and gives it back without markup; how it was divided makes no difference.

    Held back is only what may be markup: a word is given at once.
    """

    def __init__(self) -> None:
        self._rest = ""
        self._before = _LINE_START

    def push(self, text: str) -> str:
        """Take more text; returns what is certain now."""
        self._rest += text
        whole, newline, begun = self._rest.rpartition("\n")
        given = self._give(whole + newline)
        if self._before == _LINE_START and _UNDECIDED_LINE.match(begun):
            self._rest = begun
            return given
        undecided = _UNDECIDED.search(begun)
        end = undecided.start() if undecided is not None else len(begun)
        given += self._give(begun[:end])
        self._rest = begun[end:]
        return given

    def finish(self) -> str:
        """End the text; returns what is left of it."""
        rest, self._rest = self._rest, ""
        return self._give(rest)

    def _give(self, text: str) -> str:
        given = without_markup(text, self._before)
        self._before = text[-1:] or self._before
        return given


def without_markup(text: str, before: str = _LINE_START) -> str:
    """Return a text as it is to be shown and said; `before` is the character before it."""
    return _applied(text, before, padded=False)


def blanked(text: str) -> str:
    """Return a text as it is to be said, of the same length, with each word in its place."""
    return _STRANDED.sub(r"\2\1", _applied(text, _LINE_START, padded=True))


def _applied(text: str, before: str, *, padded: bool) -> str:
    parts: list[str] = []
    position = 0
    for edit in _edits(text, before):
        parts += text[position : edit.start], edit.text.ljust(edit.end - edit.start if padded else 0)
        position = edit.end
    return "".join(parts) + text[position:]


def _edits(text: str, before: str) -> Iterator[Edit]:
    """Yield the markup of a text, in order."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin) + 1 or len(text)
        line = text[begin:end]
        for edit in _edits_of_line(line, text[begin - 1] if begin else before):
            yield Edit(begin + edit.start, begin + edit.end, edit.text)
        begin = end


def _edits_of_line(line: str, before: str) -> list[Edit]:
    body = line.removesuffix("\n")
    found: list[Edit] = []
    if before == _LINE_START:
        if _EMPTY_LINE.fullmatch(body):
            return [Edit(0, len(line))]
        found += _edits_of_row(body) if _TABLE_ROW.match(body) else _edits_of(_PREFIX, body)[:1]
    found += (Edit(*match.span(group)) for match in _LINK.finditer(body) for group in (1, 2))
    found += _edits_of(_EMOJI, body)
    found += (Edit(*match.span()) for match in _RUN.finditer(body) if _is_markup(match, body, before))
    return _without_overlaps(found)


def _edits_of(pattern: re.Pattern[str], body: str) -> list[Edit]:
    return [Edit(*match.span()) for match in pattern.finditer(body)]


def _edits_of_row(body: str) -> list[Edit]:
    """Say the cells of a table one after the other."""
    pipes = [match.span() for match in _PIPE.finditer(body)]
    last = len(body.rstrip())
    return [
        Edit(start, end, "" if number == 0 or end >= last else ", "[: end - start])
        for number, (start, end) in enumerate(pipes)
    ]


def _is_markup(run: re.Match[str], body: str, before: str) -> bool:
    """Tell a mark of emphasis or code from "2 * 3", "snake_case" and "~5"."""
    mark = run.group()[0]
    if mark == "`":
        return True
    if mark == "~":
        return len(run.group()) > 1
    previous = body[: run.start()].rstrip(_MARKS)[-1:] or before
    following = body[run.end() :].lstrip(_MARKS)[:1] or _LINE_START
    if previous.isspace() and following.isspace():
        return False
    if mark == "_":
        return not (previous.isalnum() and following.isalnum())
    return not (previous.isdigit() and following.isdigit())


def _without_overlaps(found: list[Edit]) -> list[Edit]:
    """Return edits in order, the first of those that overlap."""
    kept: list[Edit] = []
    for edit in sorted(found, key=lambda edit: edit.start):
        if edit.end > edit.start and (not kept or edit.start >= kept[-1].end):
            kept.append(edit)
    return kept
