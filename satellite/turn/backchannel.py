"""Is this "uh-huh", "stop", or something to answer?"""

from __future__ import annotations

import re
from enum import Enum

MAX_BACKCHANNEL_WORDS = 3

# Sounds and words by which a listener says "go on" (Yngve 1970 called them back channels).
_BACKCHANNELS = frozenset(
    "ah aha alright cool fine great haha hm hmm huh interesting mhm mhmm mm mmhm mmhmm mmm nice oh ok okay really "
    "right sure uh uhhuh uhuh um umhm wow yeah yep yes yup".split()
)
_BACKCHANNEL_PHRASES = ("i see", "go on", "of course", "all right", "got it", "i know", "makes sense")
# An utterance that begins so takes the floor, however short it is.
_FLOOR_TAKERS = frozenset("but no wait stop so i hold actually excuse".split())
_STOP_PHRASES = frozenset(
    {
        "be quiet", "cancel", "cancel that", "enough", "hush", "never mind", "nevermind", "okay stop", "ok stop",
        "please stop", "quiet", "shut up", "silence", "stop", "stop it", "stop now", "stop please", "stop stop",
        "stop talking", "that's enough", "thats enough",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# One sound to the ear, two words to some recognisers.
_SPLIT_SOUND = re.compile(r"\b(?:uh|m+)[\s-]+(?:huh|h+m+)\b")


class Verdict(Enum):
    """What an utterance is to a reply under way."""

    EMPTY = "empty"
    BACKCHANNEL = "backchannel"
    STOP = "stop"
    SPEECH = "speech"


def words_of(text: str) -> list[str]:
    """Split into lower-case words without punctuation; "uh-huh" and "uh huh" are one."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _WORD.findall(_SPLIT_SOUND.sub("mmhmm", plain))


def judge_so_far(text: str, *, answers_question: bool = False) -> Verdict:
    """Judge an utterance that may go on: "I" may yet become "I see"."""
    words = words_of(text)
    begins = any(phrase.split()[: len(words)] == words for phrase in _BACKCHANNEL_PHRASES)
    if words and begins and not answers_question:
        return Verdict.BACKCHANNEL
    return judge(text, answers_question=answers_question)


def judge(text: str, *, answers_question: bool = False) -> Verdict:
    """Judge an utterance; with `answers_question` a "yes" is an answer, not a backchannel."""
    words = words_of(text)
    if not words:
        return Verdict.EMPTY
    phrase = " ".join(words)
    if phrase in _STOP_PHRASES:
        return Verdict.STOP
    if answers_question or len(words) > MAX_BACKCHANNEL_WORDS:
        return Verdict.SPEECH
    if phrase in _BACKCHANNEL_PHRASES:
        return Verdict.BACKCHANNEL
    if words[0] in _FLOOR_TAKERS:
        return Verdict.SPEECH
    known = sum(word in _BACKCHANNELS for word in words)
    return Verdict.BACKCHANNEL if known * 2 > len(words) else Verdict.SPEECH
