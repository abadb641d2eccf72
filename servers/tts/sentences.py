"""Cut a growing text into sentences, each as soon as it is complete, and the first one's first clause before; pure.

Our own code, although `sentence-stream` (1.3.0, Apache-2.0, what wyoming-piper uses) does the same work: it releases a
sentence only when the next one has begun with a capital letter, which costs a token of the language model before the
first sound; it strips white space and asterisks, so that words could no longer be found in the text; and it lets a run
without a full stop grow without bound.
"""

from __future__ import annotations

import re
from enum import Enum

# About 20 s of speech: no listener wants to wait longer for a first sound, whatever the punctuation.
SOFT_LIMIT_CHARS = 300
# A run without a space (an encoded blob, a language written without spaces) is cut anywhere after twice that.
HARD_LIMIT_CHARS = 600

# A reply begins with its first clause: a model that writes 12 words a second takes 1.5 s for "Once upon a time, an old
# keeper named Marta lived in a lighthouse at the edge of the sea." With fewer words the voice would have to wait for
# the rest, and "Well," alone is said otherwise than at the beginning of a sentence.
FIRST_CLAUSE_WORDS = 3

_CLOSERS = "\"')]}»”’›*_"  # noqa: RUF001
_CJK_CLOSERS = "」』）】》〉”’"  # noqa: RUF001
# Latin, Arabic, Urdu, Devanagari, Armenian, Ethiopic, Khmer, Burmese: these end a sentence before white space.
_STOPS = ".!?…؟۔।॥։።៕။"  # noqa: RUF001
# Chinese and Japanese: these end a sentence whatever follows.
_CJK_STOPS = "。！？｡"  # noqa: RUF001
_CANDIDATE = re.compile(
    rf"(?P<newline>\n)"
    rf"|[{_CJK_STOPS}]+[{_CJK_CLOSERS}]*(?P<cjk>)"
    rf"|(?P<stop>[{re.escape(_STOPS)}]+)(?P<closers>[{re.escape(_CLOSERS)}]*)(?P<space>\s)"
)
_SOFT_BREAK = re.compile(r"[,;:—–]\s|[，、；：]")  # noqa: RUF001
# A comma after a letter ends a clause whatever follows, and what follows may be a while in coming.
_CLAUSE_END = re.compile(rf"(?<=[^\W\d_])[,;]|{_SOFT_BREAK.pattern}")
_SPACE = re.compile(r"\s")

# A stop after these is no end of a sentence, whatever follows: titles and words that are followed by a name, a number
# or an example. Lower case, without the last stop.
_NEVER_LAST = frozenset(
    "dr mr mrs ms mx prof st sr jr gen col sgt capt lt maj rev hon gov sen rep fig vs cf approx dept est ca nr vgl bzw "
    "sog hr fr mme mlle sra srta dra ud uds mgr ing bd art op vol pp e.g i.e z.b d.h u.a z.t p.ej viz resp".split()
)
# A stop after these ends the sentence if a capital follows.
_OFTEN_LAST = frozenset("etc inc ltd co corp bros usw usf a.m p.m al".split())
# Languages that write ordinal numbers with a stop: "am 3. Mai".
_ORDINAL_STOP_LANGUAGES = frozenset("cs da de et fi hr hu is lb lt lv nb nn no pl sk sl sr tr".split())

_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ORDINAL = re.compile(r"\d{1,2}")
_OPENERS = "\"'([{«“‘‹*_"  # noqa: RUF001
# What must be looked at before a stop is the word that it ends; words are not longer than this.
_WORD_CHARS = 40


class _Verdict(Enum):
    CUT = "cut"
    GO_ON = "go on"
    WAIT = "wait"


class SentenceSplitter:
    """Takes text as it arrives and gives back whole sentences.

    The first sentence is given in two where it has a clause of three words and more at its beginning. The pieces, put
    together, are exactly the text: white space goes with the sentence before it. How the text was divided on arrival
    makes no difference. `language` is a tag such as de-DE.
    """

    def __init__(self, language: str = "") -> None:
        self._ordinals = re.split("[-_]", language.lower())[0] in _ORDINAL_STOP_LANGUAGES
        self._rest = ""
        self._begun = False

    def push(self, text: str) -> list[str]:
        """Take more text; returns the sentences that are complete now."""
        self._rest += text
        sentences: list[str] = []
        begin = 0
        while (size := self._next_cut(self._rest[begin : begin + HARD_LIMIT_CHARS + 1])) is not None:
            sentences.append(self._rest[begin : begin + size])
            begin += size
            self._begun = True
        self._rest = self._rest[begin:]
        return sentences

    def finish(self) -> list[str]:
        """End the text; returns what is left of it."""
        rest, self._rest = self._rest, ""
        return [rest] if rest else []

    def _next_cut(self, window: str) -> int | None:
        """Return the length of the first sentence, None if there is none yet.

        Below the soft limit only what stands there decides, so that text that is already here ahead of its time
        changes nothing.
        """
        cut = self._sentence_end(window[: SOFT_LIMIT_CHARS + 1])
        clause = None if self._begun else _first_clause(window[: SOFT_LIMIT_CHARS + 1])
        if clause is not None and (cut is None or clause < cut):
            return clause
        if cut is not None and cut <= SOFT_LIMIT_CHARS:
            return cut
        if len(window) <= SOFT_LIMIT_CHARS:
            return None
        cut = _soft_cut(window[:SOFT_LIMIT_CHARS])
        if cut is not None:
            return cut
        space = _SPACE.search(window, SOFT_LIMIT_CHARS)
        cuts = [self._sentence_end(window), space.end() if space else None]
        found = [cut for cut in cuts if cut is not None and window[:cut].strip()]
        if found:
            return min(found)
        return HARD_LIMIT_CHARS if len(window) > HARD_LIMIT_CHARS else None

    def _sentence_end(self, window: str) -> int | None:
        for match in _CANDIDATE.finditer(window):
            if not window[: match.end()].strip():
                continue
            verdict = self._judge(window, match)
            if verdict is _Verdict.CUT:
                return match.end()
            if verdict is _Verdict.WAIT:
                return None
        return None

    def _judge(self, window: str, match: re.Match[str]) -> _Verdict:
        if match["newline"]:
            return _Verdict.CUT
        if match["cjk"] is not None:
            # One more stop or a closing quote may follow.
            return _Verdict.WAIT if match.end() == len(window) else _Verdict.CUT
        if match["space"] == "\n":
            return _Verdict.CUT
        stop = match["stop"]
        if stop == ".":
            return self._judge_full_stop(window, match)
        if "…" in stop or stop.startswith(".."):
            return _by_what_follows(window, match.end())
        # An exclamation may stand inside a sentence when it is quoted: "Stop!" he said.
        return _by_what_follows(window, match.end()) if match["closers"] else _Verdict.CUT

    def _judge_full_stop(self, window: str, match: re.Match[str]) -> _Verdict:
        before = window[max(0, match.start() - _WORD_CHARS) : match.start()]
        word = (before.split() or [""])[-1].lstrip(_OPENERS)
        lower = word.lower()
        if lower in _OFTEN_LAST:
            return _by_what_follows(window, match.end())
        if lower in _NEVER_LAST or _INITIALS.fullmatch(word):
            return _Verdict.GO_ON
        if _ORDINAL.fullmatch(word):
            starts_list = not window[: match.start()].rstrip().removesuffix(word).strip()
            return _Verdict.GO_ON if self._ordinals or starts_list else _Verdict.CUT
        return _Verdict.CUT


def _by_what_follows(window: str, start: int) -> _Verdict:
    following = window[start:].lstrip()
    if "\n" in window[start : len(window) - len(following)]:
        return _Verdict.CUT
    following = following.lstrip(_OPENERS)
    if not following:
        return _Verdict.WAIT
    return _Verdict.GO_ON if following[0].islower() else _Verdict.CUT


def _first_clause(text: str) -> int | None:
    """Return the end of the first clause that is long enough to be said by itself."""
    ends = (match for match in _CLAUSE_END.finditer(text) if len(text[: match.start()].split()) >= FIRST_CLAUSE_WORDS)
    return next((match.end() for match in ends), None)


def _soft_cut(text: str) -> int | None:
    """Return the end of the last clause or, if it has none, of the last word that is followed by a space."""
    for pattern in (_SOFT_BREAK, _SPACE):
        ends = [match.end() for match in pattern.finditer(text) if text[: match.start() + 1].strip()]
        if ends:
            return ends[-1]
    return None


def is_whole(sentence: str) -> bool:
    """Tell whether a piece ends as a sentence does, rather than having been cut because of its length."""
    stripped = sentence.rstrip()
    if "\n" in sentence[len(stripped) :]:
        return True
    return stripped.rstrip(_CLOSERS + _CJK_CLOSERS).endswith(tuple(_STOPS + _CJK_STOPS))
