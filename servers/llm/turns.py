"""What a conversation's history says, decided by pure functions.

A turn is what the user said and what became of the reply. Keeping turns rather than messages gives every reply one
place: an interruption that arrives late, twice, or before the reply was stored still finds it. What the model sees is
a projection of the turns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from interject.servers.llm.words import common_beginning, key_of, repeats

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INTERRUPTED_MARK = "[INTERRUPTED]"
STOP_WORD = "stop-word"


class Role(Enum):
    """Who a message is from."""

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


@dataclass(frozen=True, slots=True)
class Interruption:
    """What a client said of a reply that was cut off: `text` is all it knew of the reply, `heard` what was heard."""

    reason: str
    epoch: int
    text: str
    heard: str


@dataclass(frozen=True, slots=True)
class Correction:
    """What to write: the turn as it is now; None if nothing has to change.

    `content` is the assistant's message as the model will see it, empty when there is none. `overstated`: words were
    said to be heard that the reply does not have.
    """

    turn: Turn | None
    content: str
    overstated: bool = False


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


def completed(turn: Turn, reply: str, ended: float) -> Turn:
    """Return the turn with its whole reply; an interruption that came before stands."""
    if turn.state is not ReplyState.PENDING or not reply:
        return turn
    return replace(turn, reply=reply, state=ReplyState.COMPLETE, ended=ended)


def failed(turn: Turn, ended: float) -> Turn:
    """Return the turn whose reply could not be generated; an interruption that came before stands."""
    return replace(turn, state=ReplyState.FAILED, ended=ended) if turn.state is ReplyState.PENDING else turn


def corrected(turns: Sequence[Turn], interruption: Interruption, now: float, written: Mapping[int, str]) -> Correction:
    """Decide what an interruption makes of the history; see `correction_of`."""
    turn = find_turn(turns, interruption)
    return Correction(None, "") if turn is None else correction_of(turn, interruption, now, written)


def correction_of(turn: Turn, interruption: Interruption, now: float, written: Mapping[int, str]) -> Correction:
    """Decide what an interruption makes of the turn that it cut; applying it twice is the same as once.

    Only words of the reply count as heard. `written`: by the turn's id, what was written of replies that the turns do
    not have, or no longer have, as a whole.
    """
    claimed = interruption.heard.strip()
    reply = turn.reply if turn.turn_id is None else written.get(turn.turn_id, turn.reply)
    heard = common_beginning(reply, claimed)
    changed = _cut(turn, heard, interruption.reason)
    overstated = key_of(heard) != key_of(claimed)
    return Correction(None if changed == turn else replace(changed, ended=now), content_of(changed), overstated)


def find_turn(turns: Sequence[Turn], interruption: Interruption) -> Turn | None:
    """Return the turn whose reply was cut: by epoch, else by the reply's text, else one still without a reply.

    The newest match counts, and an older one only if its text agrees, as a satellite that starts anew counts its
    epochs from the beginning again.
    """
    newest_first = turns[::-1]
    for turn in newest_first:
        if turn.epoch == interruption.epoch and (turn is turns[-1] or not contradicts(turn, interruption)):
            return turn
    for turn in newest_first:
        if is_reply_of(turn, interruption):
            return turn
    # A standard client gives no epoch; the reply that its satellite cuts can then only be the newest one's.
    if turns and turns[-1].epoch is None and turns[-1].state is ReplyState.PENDING:
        return turns[-1]
    return None


def _cut(turn: Turn, heard: str, reason: str) -> Turn:
    if turn.state is ReplyState.INTERRUPTED and len(turn.reply) >= len(heard):
        # Told before: what is known to have been heard stays heard.
        return turn
    if heard:
        return replace(turn, reply=heard, state=ReplyState.INTERRUPTED)
    stopped = turn.state is ReplyState.STOPPED or reason == STOP_WORD
    return replace(turn, reply="", state=ReplyState.STOPPED if stopped else ReplyState.UNHEARD)


def is_reply_of(turn: Turn, interruption: Interruption) -> bool:
    """Tell by the words alone whether it was this turn's reply that was cut."""
    if turn.state is ReplyState.COMPLETE:
        # The client may know less than all of the reply, never more.
        return bool(interruption.text.strip()) and key_of(turn.reply).startswith(key_of(interruption.text))
    if turn.state is ReplyState.INTERRUPTED:
        return key_of(turn.reply) == key_of(interruption.heard)
    return False


def contradicts(turn: Turn, interruption: Interruption) -> bool:
    """Tell whether a turn has a whole reply that is not the one that was cut."""
    return turn.state is ReplyState.COMPLETE and bool(interruption.text) and not is_reply_of(turn, interruption)


def _joined(unanswered: str, asked: str) -> str:
    """Return what the user asked in two goes.

    A satellite that cannot tell us of an interruption sends the audio of an unanswered question once more, in front of
    what followed it.
    """
    return asked if repeats(asked, unanswered) else f"{unanswered} {asked}"
