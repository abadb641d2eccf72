"""The built-in responder: rules, no model, no network; honest about being that."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject import package_version
from interject.servers.llm.engines.base import EngineInfo
from interject.servers.llm.engines.spoken import (
    LARGEST_NUMBER,
    date_words,
    number_words,
    parse_number,
    time_words,
    weekday_words,
)
from interject.servers.llm.turns import INTERRUPTED_MARK, Role

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from interject.servers.llm.settings import LlmSettings
    from interject.servers.llm.turns import Message


_MS_PER_S = 1000.0
# Enough of a cut reply's end to recognise where it stopped, short enough to listen to.
_QUOTED_WORDS = 12
# A sentence of a count: a natural place to breathe, and for speech synthesis to begin before all is written.
_COUNTED_IN_A_SENTENCE = 10

_WHO = "I am the built-in offline responder of this voice assistant. I am a handful of rules, not a language model."
_CAN = (
    "I can tell you the time, the day and the date. I can count, and I can tell a story about a lighthouse. "
    "You can cut me off at any time, and then ask what I said, or tell me to go on."
)
# A voice says "U R L" of these flags by itself.
_CONNECT = (
    "To talk to a real language model, give script/run its address with --llm-base-url, or the bridge with --base-url."
)
_NOTHING_SAID = "I have not said anything yet."
_NOTHING_ASKED = "You have not said anything before this."


STORY = (
    "Once upon a time, an old keeper named Marta lived in a lighthouse at the edge of the sea. "
    "Every evening she climbed the two hundred steps and lit the lamp. "
    "Her only company was a grey dog who was afraid of seagulls. "
    "One winter night a great storm rolled in from the west. "
    "The wind shook the windows, and the waves reached halfway up the tower. "
    "Just before midnight the lamp flickered and went out. "
    "Marta searched every shelf, but there was no oil left. "
    "Far away, between two black waves, she saw the small red light of a fishing boat. "
    "It was coming straight towards the rocks. "
    "So she carried her chairs up the stairs, and her table, and at last her own bed. "
    "She broke them to pieces and burned them one by one. "
    "The fire was bright, and the boat turned away in time. "
    "In the morning six fishermen knocked on her door. "
    "They did not say much, for fishermen seldom do. "
    "But they came back on Sunday with a new table, six chairs, and the softest bed on the whole coast. "
    "The dog slept on it before she could. "
    "And from that night on, whenever the wind came from the west, there was always oil in the lamp."
)
# What the story is about, so that a wish for another subject gets an honest word before it.
SUBJECTS = ("lighthouse", "keeper", "sea", "ocean", "storm", "dog", "boat", "fishermen", "marta", "coast")
PREFACE = "I know only one story by heart, and it is about a lighthouse. Here it is. "


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to answer: what matched, everything said before, and the time."""

    match: re.Match[str]
    text: str
    before: Sequence[Message]
    now: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """Words to look for and the answer to them."""

    pattern: re.Pattern[str]
    answer: Callable[[Asked], str]


async def open_engine(settings: LlmSettings) -> OfflineResponder:
    """Make the responder, with the clock of this machine."""
    return OfflineResponder(
        words_per_second=settings.offline_words_per_second,
        think_s=settings.offline_think_ms / _MS_PER_S,
        clock=lambda: datetime.now(UTC).astimezone(),
    )


class OfflineResponder:
    """Replies by rules, at the pace of a model that writes, so that interrupting it is real."""

    def __init__(self, words_per_second: float, think_s: float, clock: Callable[[], datetime]) -> None:
        """`clock` tells the local time."""
        self._words_per_second = words_per_second
        self._think_s = think_s
        self._clock = clock

    @property
    def info(self) -> EngineInfo:
        """What a client is told of the engine."""
        return EngineInfo(
            model="offline-responder",
            description="Built-in offline responder: rules for time, date, counting and one story; no language model",
            author="Interject",
            url="",
            version=package_version(),
            languages=("en",),
        )

    async def check(self) -> None:
        """Have nothing to check."""

    async def close(self) -> None:
        """Hold nothing, give back nothing."""

    async def reply(
        self,
        messages: Sequence[Message],
        language: str | None,  # noqa: ARG002 - it knows one language and says so in its info
    ) -> AsyncGenerator[str, None]:
        """Write the reply word by word; the pieces joined are the reply."""
        loop = asyncio.get_running_loop()
        start = loop.time() + self._think_s
        for count, word in enumerate(re.findall(r"\S+\s*", answer(messages, self._clock()))):
            await asyncio.sleep(start + count / self._words_per_second - loop.time())
            yield word


def answer(messages: Sequence[Message], now: datetime) -> str:
    """Return the reply to a conversation whose last message is the user's.

    Where a message asks for several things, as one merged from several does, the last of them is answered.
    """
    text = messages[-1].content
    found = [(match, rule) for rule in _RULES for match in rule.pattern.finditer(text)]
    if not found:
        return f"I am the built-in offline responder, so I cannot help with that. I understood: {text} {_CONNECT}"
    # The last to end counts; of two that end together, the longer one says more precisely what is meant.
    match, rule = max(found, key=lambda pair: (pair[0].end(), pair[0].end() - pair[0].start()))
    return rule.answer(Asked(match, text, messages[:-1], now))


def _heard(message: Message) -> str:
    """Return what the user heard of one of our messages."""
    return message.content.removesuffix(INTERRUPTED_MARK).strip() if message.interrupted else message.content


def _last_reply(before: Sequence[Message]) -> Message | None:
    return next((message for message in reversed(before) if message.role is Role.ASSISTANT), None)


def _what_was_asked(asked: Asked) -> str:
    said = [message.content for message in asked.before if message.role is Role.USER]
    return f"You said: {said[-1]}" if said else _NOTHING_ASKED


def _what_was_said(asked: Asked) -> str:
    last = _last_reply(asked.before)
    if last is None:
        return _NOTHING_SAID
    heard = _heard(last)
    if not last.interrupted:
        return f"I said: {heard}"
    if not heard:
        return "You stopped me before you could hear a word."
    words = heard.split()
    quoted = " ".join(words[-_QUOTED_WORDS:]).rstrip(".,;:!?")
    return f"You cut me off after the words: {quoted}. Say go on, and I will."


def _go_on(asked: Asked) -> str:
    cut = [index for index, message in enumerate(asked.before) if message.interrupted]
    if not cut:
        return "There is nothing to go on with, as nobody has cut me off."
    heard = _heard(asked.before[cut[-1]])
    question = asked.before[: cut[-1]]
    if not question or question[-1].role is not Role.USER:
        return f"I cannot go on, as I no longer know the question. The last you heard was: {heard}"
    whole = answer(question, asked.now)
    if not whole.startswith(heard):
        return f"I cannot take that up again where I stopped. From the beginning: {whole}"
    return whole[len(heard) :].strip() or "That was already the end."


def _count(asked: Asked) -> str:
    first = parse_number(asked.match["first"] or "one")
    last = parse_number(asked.match["last"])
    if first is None or last is None:
        return f"I can only count between zero and {number_words(LARGEST_NUMBER)}."
    if asked.match["down"]:
        first, last = (last, 1) if asked.match["first"] is None else (first, last)
    step = 1 if last >= first else -1
    words = [number_words(number) for number in range(first, last + step, step)]
    sentences = [
        ", ".join(words[start : start + _COUNTED_IN_A_SENTENCE]).capitalize() + "."
        for start in range(0, len(words), _COUNTED_IN_A_SENTENCE)
    ]
    return " ".join(sentences)


def _rule(pattern: str, reply: Callable[[Asked], str] | str) -> Rule:
    compiled = re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)
    return Rule(compiled, (lambda _: reply) if isinstance(reply, str) else reply)


_NUMBER = r"(?:\d+|(?:a )?hundred|one hundred|[a-z]+(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?)"
_RULES = (
    _rule(r"hello|hi|hey|good (?:morning|afternoon|evening)", "Hello. What can I do for you?"),
    _rule(r"thanks|thank you", "You are welcome."),
    _rule(r"good ?bye|good night", "Goodbye."),
    _rule(r"who are you|what are you|what is your name|what's your name", f"{_WHO} {_CONNECT}"),
    _rule(r"what can you do|help", _CAN),
    _rule(r"what time|the time", lambda asked: f"It is {time_words(asked.now)}."),
    _rule(r"(?:what|which) day|day is it|what's today", lambda asked: f"It is {weekday_words(asked.now)}."),
    _rule(r"(?:the|what|today's) date|date is it", lambda asked: f"It is {date_words(asked.now)}."),
    _rule(
        rf"count (?P<down>down |backwards )?(?:from (?P<first>{_NUMBER}) )?(?:up |down )?"
        rf"(?:to|from) (?P<last>{_NUMBER})",
        _count,
    ),
    _rule(
        r"(?:story|tale)(?: about (?:an? |the |my |some )?(?P<subject>\w+))?|about (?:an? |the )?lighthouse",
        lambda asked: story_about(asked.match["subject"]),
    ),
    _rule(r"what did i (?:just )?(?:say|ask)|what have i (?:said|asked)|what was my question", _what_was_asked),
    _rule(
        r"what did you (?:just )?(?:say|tell me)|what were you saying|where did you stop|where were (?:you|we)"
        r"|repeat that|say that again",
        _what_was_said,
    ),
    _rule(
        r"(?:go on|carry on|continue|keep going|finish)(?: (?:with )?(?:the|that|your) (?:story|tale|count|counting))?",
        _go_on,
    ),
)


def story_about(subject: str | None) -> str:
    """Return the story, with an honest word before it where another subject was wished for."""
    if subject is None or any(known in subject.lower() for known in SUBJECTS):
        return STORY
    return PREFACE + STORY
