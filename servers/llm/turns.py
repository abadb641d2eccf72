"""Turns of a conversation: what the user said and what became of the reply; pure.

Keeping turns rather than messages gives every reply one place: an interruption that arrives late, twice, or before the
reply was stored still finds it. The messages that the model sees are a projection of the turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from interject.servers.llm.text_matching import begins_with_words

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED_MARK = "[INTERRUPTED]"
# The slow side of what synthesizers speak (14 to 17 characters a second).
_CHARACTERS_PER_S = 12.0


class Role(Enum):
    """The author of a message."""

    USER = "user"
    ASSISTANT = "assistant"


class ReplyState(Enum):
    """What became of a turn's reply."""

    # Being generated, or its connection was closed: nothing is known to have been heard.
    PENDING = "pending"
    # The model could not answer. The user was told, and asks again: the question is no part of the next one.
    FAILED = "failed"
    COMPLETE = "complete"
    # Cut off; `reply` is what was heard.
    INTERRUPTED = "interrupted"
    # Cut off before anything was heard, as the user went on speaking.
    UNHEARD = "unheard"
    # Cut off by a stop word before anything was heard: the user has done with this question.
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the model sees it. `epoch` is None where the client gave none; `created` in s since 1970."""

    role: Role
    content: str
    interrupted: bool
    epoch: int | None
    created: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request or an interruption comes from, as far as the client said."""

    conversation_id: str | None
    satellite_id: str | None
    device_id: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user said (`asked`, empty if unknown), and the reply. `turn_id` is None before it is stored.

    `created`: when it was asked; `ended`: when its reply was over, as far as is known; both in s since 1970. `engine`:
    what wrote the reply, empty if unknown.
    """

    turn_id: int | None
    epoch: int | None
    asked: str
    reply: str
    state: ReplyState
    created: float
    ended: float
    engine: str


def content_of(turn: Turn) -> str:
    """Return the assistant's message of a turn, empty when it has none."""
    if turn.state is ReplyState.COMPLETE:
        return turn.reply
    if turn.state is ReplyState.INTERRUPTED:
        return f"{turn.reply} {INTERRUPTED_MARK}"
    if turn.state is ReplyState.STOPPED:
        return INTERRUPTED_MARK
    return ""


def messages_of(turns: Sequence[Turn]) -> list[Message]:
    """Project turns to messages; user messages with no reply between them become one."""
    messages: list[Message] = []
    for turn in turns:
        if turn.asked and turn.state is not ReplyState.FAILED:
            asked = Message(Role.USER, turn.asked, interrupted=False, epoch=turn.epoch, created=turn.created)
            if messages and messages[-1].role is Role.USER:
                asked = replace(asked, content=_joined(messages.pop().content, asked.content))
            messages.append(asked)
        if content := content_of(turn):
            cut = turn.state is not ReplyState.COMPLETE
            messages.append(Message(Role.ASSISTANT, content, interrupted=cut, epoch=turn.epoch, created=turn.created))
    return messages


def since_pause(turns: Sequence[Turn], pause_s: float) -> Sequence[Turn]:
    """Return the turns since the last silence of more than `pause_s`: what came before was another conversation."""
    begins = (later for later in range(len(turns) - 1, 0, -1) if _silence_s(turns, later) > pause_s)
    return turns[next(begins, 0) :]


def _silence_s(turns: Sequence[Turn], later: int) -> float:
    return turns[later].created - turns[later - 1].ended


def recent(messages: Sequence[Message], most: int) -> Sequence[Message]:
    """Return the last messages, so many at most, beginning with one of the user's.

    Chat templates that demand a user's message first refuse the others: llama.cpp answers them with 500.
    """
    last = messages[-most:]
    first = next((number for number, message in enumerate(last) if message.role is Role.USER), len(last))
    return last[first:]


def speech_duration_s(text: str) -> float:
    """Return how long a text takes to be spoken, in s, rather too long than too short."""
    return len(text) / _CHARACTERS_PER_S


def completed(turn: Turn, reply: str, ended: float) -> Turn:
    """Return the turn with its whole reply; an interruption that came before stands."""
    if turn.state is not ReplyState.PENDING or not reply:
        return turn
    return replace(turn, reply=reply, state=ReplyState.COMPLETE, ended=ended)


def failed(turn: Turn, ended: float) -> Turn:
    """Return the turn whose reply could not be generated; an interruption that came before stands."""
    return replace(turn, state=ReplyState.FAILED, ended=ended) if turn.state is ReplyState.PENDING else turn


def _joined(unanswered: str, asked: str) -> str:
    """Return two user messages in a row as one.

    A satellite that cannot tell us of an interruption sends the audio of an unanswered question once more, in front of
    what followed it.
    """
    return asked if begins_with_words(asked, unanswered) else f"{unanswered} {asked}"
