"""Is this "uh-huh", "stop", laughter, or something to answer?"""

from __future__ import annotations

import itertools
import re
from enum import Enum

MAX_BACKCHANNEL_WORDS = 3

# Sounds and words by which a listener says "go on" (Yngve 1970 called them back channels).
_BACKCHANNELS = frozenset(
    "ah aha alright cool fine great haha hm hmm huh interesting mhm mhmm mm mmhm mmhmm mmm nice oh ok okay really "
    "right sure uh uhhuh uhuh um umhm wow yeah yep yes yup".split()
)
_BACKCHANNEL_PHRASES = (
    "absolutely", "all right", "exactly", "go on", "got it", "i bet", "i guess", "i guess so", "i know", "i see",
    "is that right", "it is", "makes sense", "of course", "that makes sense", "that's good", "that's great",
    "that's nice", "that's right", "that's true", "true", "very nice",
)  # fmt: skip
_OBJECTIONS = frozenset("hold no wait".split())
# An utterance that begins so takes the floor, however short it is.
_FLOOR_TAKERS = frozenset("but no wait stop so i hold actually excuse".split())
_STOP_PHRASES = frozenset(
    {
        "be quiet", "cancel", "cancel that", "enough", "hush", "never mind", "nevermind", "okay stop", "ok stop",
        "please stop", "quiet", "shut up", "silence", "stop", "stop it", "stop now", "stop please", "stop stop",
        "stop talking", "that's enough", "thats enough",
    }
)  # fmt: skip
# Laughter, a cough, a throat: what recognisers write for sounds, mostly over and over.
_SOUND = re.compile(
    r"(?:[hk][aeiou]+h*){2,}|ha+h*|he+h+|a+h+|ee+|e+u*h+|o+h+|u+[hm]+|h*m+|h+|aw+|a+t?choo+|ahem|phew|ugh+"
)
# A letter, "pfft", "shh": where we asked for nothing, nobody spells. Not all without a vowel: "BBC", and Czech "vlk".
_SPELLED = re.compile(r"[b-hj-z]|p+f+t*|s{2,}|s+h+|t+s+k*|p+s+t+|[bg]r{2,}")
# Nobody says a word so often; a recogniser that lost its way does.
_LOOP_WORDS = 6
# "Bye bye" and "Sorry, sorry" are said; "I'm so sorry. I'm so sorry. I'm so" is what laughter came as.
_MOST_TIMES_SAID = 2
# Written for what is no speech at all; recordings with subtitles, which recognisers learn from, end so.
_INVENTIONS = frozenset(
    {
        "bye", "bye bye", "goodbye", "i'm sorry", "i'm so sorry", "sorry", "thank you", "thank you for watching",
        "thank you so much", "thank you very much", "thanks", "thanks for watching", "you",
    }
)  # fmt: skip
# With what people begin when they want something of a house: Home Assistant's own sentences, and questions.
_COMMANDS = frozenset(
    "add brighten call cancel change close decrease dim find good how increase is lock lower make mute next open pause "
    "play previous raise remind remove repeat resume set show skip start stop switch tell turn unlock unmute volume "
    "wake what what's when when's where where's which who who's why".split()
)
_POLITE = frozenset("actually and can could hey just no now oh okay please so then wait will would you".split())
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
# One sound to the ear, two words to some recognisers.
_SPLIT_SOUND = re.compile(r"\b(?:uh|m+)[\s-]+(?:huh|h+m+)\b")


class DialogueAct(Enum):
    """What an utterance is to a reply under way."""

    EMPTY = "empty"
    BACKCHANNEL = "backchannel"
    SOUND = "sound"
    STOP = "stop"
    SPEECH = "speech"


def words_of(text: str) -> list[str]:
    """Split into lower-case words without punctuation; "uh-huh" and "uh huh" are one."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return _WORD.findall(_SPLIT_SOUND.sub("mmhmm", plain))


def dialogue_act_so_far(text: str, *, answers_question: bool = False) -> DialogueAct:
    """Judge an utterance that may go on: "I" may yet become "I see", and "Oh, that's" "Oh, that's nice"."""
    words = words_of(text)
    murmurs = list(itertools.takewhile(_BACKCHANNELS.__contains__, words))
    rest = words[len(murmurs) :]
    begins = any(phrase.split()[: len(rest)] == rest for phrase in _BACKCHANNEL_PHRASES)
    if rest and begins and not answers_question:
        return DialogueAct.BACKCHANNEL
    return dialogue_act(text, answers_question=answers_question)


def dialogue_act(text: str, *, answers_question: bool = False) -> DialogueAct:
    """Judge an utterance; with `answers_question` a "yes" is an answer, not a backchannel."""
    words = words_of(text)
    if not words:
        return DialogueAct.EMPTY
    if " ".join(words) in _STOP_PHRASES or set(words) == {"stop"}:
        return DialogueAct.STOP
    if _is_sound(words):
        return DialogueAct.SOUND
    return DialogueAct.SPEECH if answers_question else _act_unasked(words)


def _act_unasked(words: list[str]) -> DialogueAct:
    if not _murmurs(words) and all(_SPELLED.fullmatch(word) or _SOUND.fullmatch(word) for word in words):
        return DialogueAct.SOUND
    if len(words) > MAX_BACKCHANNEL_WORDS:
        return DialogueAct.SPEECH
    phrase = " ".join(words)
    if phrase in _BACKCHANNEL_PHRASES:
        return DialogueAct.BACKCHANNEL
    if words[0] in _FLOOR_TAKERS:
        return DialogueAct.SPEECH
    known = sum(word in _BACKCHANNELS for word in words)
    return DialogueAct.BACKCHANNEL if known * 2 > len(words) else DialogueAct.SPEECH


def _is_sound(words: list[str]) -> bool:
    """Tell laughter and the like, where it is no backchannel; recognisers also write one word over and over for it."""
    if (len(words) >= _LOOP_WORDS and len(set(words)) == 1) or _times_invented(words) > _MOST_TIMES_SAID:
        return True
    return not _murmurs(words) and all(_SOUND.fullmatch(word) for word in words)


def _times_invented(words: list[str]) -> float:
    """Return how often all of the words say one of the inventions, the last time perhaps in part."""
    phrases = (words[:length] for length in range(1, len(words) + 1))
    inventions = [phrase for phrase in phrases if " ".join(phrase) in _INVENTIONS]
    return max((len(words) / len(each) for each in inventions if _is_cycle(words, len(each))), default=0.0)


def _is_cycle(words: list[str], length: int) -> bool:
    return all(word == before for word, before in zip(words[length:], words, strict=False))


def _murmurs(words: list[str]) -> bool:
    return len(words) <= MAX_BACKCHANNEL_WORDS and any(word in _BACKCHANNELS for word in words)


def is_invention(text: str) -> bool:
    """Tell what recognisers make of sounds that are no speech, such as "Thank you.", said once or over and over."""
    return _times_invented(words_of(text)) > 0


def is_objection(text: str) -> bool:
    """Tell by how it begins whether somebody objects to what is being said."""
    return not _OBJECTIONS.isdisjoint(words_of(text)[:1])


def is_command(text: str) -> bool:
    """Tell by how it begins whether somebody wants something of a house."""
    words = words_of(text)
    while words and words[0] in _POLITE:
        words = words[1:]
    return bool(words) and words[0] in _COMMANDS
