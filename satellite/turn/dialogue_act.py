"""What an utterance is to a reply under way: "uh-huh", "stop", "wait", "what?", laughter, or something to answer."""

from __future__ import annotations

import itertools
import re
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.turn.lexicon import ENGLISH, words_of

if TYPE_CHECKING:
    from interject.satellite.turn.lexicon import Lexicon

MAX_BACKCHANNEL_WORDS = 3

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


class DialogueAct(Enum):
    """What an utterance is to a reply under way."""

    EMPTY = "empty"
    BACKCHANNEL = "backchannel"
    SOUND = "sound"
    STOP = "stop"
    # "Wait": be silent until "go on".
    HOLD = "hold"
    GO_ON = "go-on"
    # "What?": say the last sentence again.
    CANNOT_HEAR = "cannot-hear"
    SPEECH = "speech"


def dialogue_act_so_far(text: str, *, answers_question: bool = False, lexicon: Lexicon = ENGLISH) -> DialogueAct:
    """Judge an utterance that may go on: "I" may yet become "I see", and "What" "What time is it"."""
    words = words_of(text)
    may_become = (lexicon.hold_phrases, lexicon.go_on_phrases, lexicon.cannot_hear_phrases)
    if words and not answers_question and any(_begins(words, phrases) for phrases in may_become):
        return DialogueAct.BACKCHANNEL
    murmurs = list(itertools.takewhile(lexicon.backchannels.__contains__, words))
    rest = words[len(murmurs) :]
    if rest and _begins(rest, lexicon.backchannel_phrases) and not answers_question:
        return DialogueAct.BACKCHANNEL
    return dialogue_act(text, answers_question=answers_question, lexicon=lexicon)


def _begins(words: list[str], phrases: frozenset[str]) -> bool:
    return any(phrase.split()[: len(words)] == words for phrase in phrases)


def dialogue_act(text: str, *, answers_question: bool = False, lexicon: Lexicon = ENGLISH) -> DialogueAct:
    """Judge an utterance; with `answers_question` a "yes" is an answer, not a backchannel, and so is "continue"."""
    words = words_of(text)
    if not words:
        return DialogueAct.EMPTY
    about_reply = _act_about_reply(words, lexicon)
    if about_reply is not None and not (about_reply is DialogueAct.GO_ON and answers_question):
        return about_reply
    if _is_sound(words, lexicon):
        return DialogueAct.SOUND
    return DialogueAct.SPEECH if answers_question else _act_unasked(words, lexicon)


def _act_about_reply(words: list[str], lexicon: Lexicon) -> DialogueAct | None:
    """Return what is wanted of the reply itself, by a whole phrase: that it stops, waits, goes on, is said again."""
    phrase = " ".join(words)
    if phrase in lexicon.stop_phrases or (len(set(words)) == 1 and words[0] in lexicon.stop_phrases):
        return DialogueAct.STOP
    of_phrases = {
        DialogueAct.HOLD: lexicon.hold_phrases,
        DialogueAct.GO_ON: lexicon.go_on_phrases,
        DialogueAct.CANNOT_HEAR: lexicon.cannot_hear_phrases,
    }
    return next((act for act, phrases in of_phrases.items() if phrase in phrases), None)


def _act_unasked(words: list[str], lexicon: Lexicon) -> DialogueAct:
    if not _murmurs(words, lexicon) and all(_SPELLED.fullmatch(word) or _SOUND.fullmatch(word) for word in words):
        return DialogueAct.SOUND
    if len(words) > MAX_BACKCHANNEL_WORDS:
        return DialogueAct.SPEECH
    if " ".join(words) in lexicon.backchannel_phrases:
        return DialogueAct.BACKCHANNEL
    if words[0] in lexicon.floor_takers:
        return DialogueAct.SPEECH
    known = sum(word in lexicon.backchannels for word in words)
    return DialogueAct.BACKCHANNEL if known * 2 > len(words) else DialogueAct.SPEECH


def _is_sound(words: list[str], lexicon: Lexicon) -> bool:
    """Tell laughter and the like, where it is no backchannel; recognisers also write one word over and over for it."""
    if (len(words) >= _LOOP_WORDS and len(set(words)) == 1) or _times_invented(words, lexicon) > _MOST_TIMES_SAID:
        return True
    return not _murmurs(words, lexicon) and all(_SOUND.fullmatch(word) for word in words)


def _times_invented(words: list[str], lexicon: Lexicon) -> float:
    """Return how often all of the words say one of the inventions, the last time perhaps in part."""
    phrases = (words[:length] for length in range(1, len(words) + 1))
    inventions = [phrase for phrase in phrases if " ".join(phrase) in lexicon.invention_phrases]
    return max((len(words) / len(each) for each in inventions if _is_cycle(words, len(each))), default=0.0)


def _is_cycle(words: list[str], length: int) -> bool:
    return all(word == before for word, before in zip(words[length:], words, strict=False))


def _murmurs(words: list[str], lexicon: Lexicon) -> bool:
    return len(words) <= MAX_BACKCHANNEL_WORDS and any(word in lexicon.backchannels for word in words)


def is_invention(text: str, lexicon: Lexicon = ENGLISH) -> bool:
    """Tell what recognisers make of sounds that are no speech, such as "Thank you.", said once or over and over."""
    return _times_invented(words_of(text), lexicon) > 0


def is_objection(text: str, lexicon: Lexicon = ENGLISH) -> bool:
    """Tell by how it begins whether somebody objects to what is being said."""
    return not lexicon.objections.isdisjoint(words_of(text)[:1])


def is_command(text: str, lexicon: Lexicon = ENGLISH) -> bool:
    """Tell by how it begins whether somebody wants something of a house."""
    words = words_of(text)
    while words and words[0] in lexicon.polite:
        words = words[1:]
    return bool(words) and words[0] in lexicon.commands
