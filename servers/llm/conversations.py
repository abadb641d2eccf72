"""Conversations: turns are begun, completed, failed and corrected, whatever repository keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.servers.llm.interruptions import Interruption, corrected, correction_of, find_turn_by_words
from interject.servers.llm.turns import (
    Message,
    ReplyState,
    Turn,
    completed,
    failed,
    messages_of,
    since_pause,
    speech_duration_s,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from interject.servers.llm.repository import StoredTurn, TurnRepository
    from interject.servers.llm.turns import Origin

# More turns than the largest --history-messages needs, and a bound for a client that talks without end.
_MAX_TURNS_READ = 500
# How many of the newest turns, of all conversations, are searched for an interrupted reply's text: more than a large
# house has in the time that follows.
_MAX_TURNS_SEARCHED = 200
# No reply is spoken for longer; what was said before that cannot be cut off any more.
_MAX_AGE_SEARCHED_S = 15 * 60.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A turn that was begun: its id, and all messages of its conversation so far, its own last."""

    turn_id: int
    messages: list[Message]


@dataclass(frozen=True, slots=True)
class Corrected:
    """What an interruption did: the conversation and the turn (None if none was found), and the new content.

    `overstated`: words were said to be heard that the reply does not have.
    """

    conversation_id: str | None
    turn_id: int | None
    content: str
    overstated: bool = False


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what was said is kept, and after how long a silence a conversation begins anew, in s."""

    life_s: float
    pause_s: float


class Conversations:
    """All conversations that a repository keeps. Every method blocks, and raises StoreError.

    What another engine answered is no part of a conversation: a model would take it for its own words, and go on in
    that manner.
    """

    def __init__(
        self, repository: TurnRepository, retention: Retention, engine: str, clock: Callable[[], float]
    ) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970."""
        self._repository = repository
        self._retention = retention
        self._engine = engine
        self._clock = clock

    def begin(self, conversation_id: str, origin: Origin, epoch: int | None, asked: str) -> Begun:
        """Store what the user said; returns the new turn, and the conversation with it."""
        now = self._clock()
        turn = Turn(None, epoch, asked, "", ReplyState.PENDING, now, now, self._engine)
        turn_id = self._repository.add(conversation_id, origin, turn)
        return Begun(turn_id, self.messages(conversation_id))

    def complete(self, turn_id: int, reply: str) -> int:
        """Store a reply that was generated to its end; returns the turn."""
        return self._change(turn_id, lambda turn: completed(turn, reply, self._clock() + speech_duration_s(reply)))

    def fail(self, turn_id: int) -> int:
        """Note that a reply could not be generated; returns the turn."""
        return self._change(turn_id, lambda turn: failed(turn, self._clock()))

    def interrupt(
        self,
        origin: Origin,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int],
    ) -> Corrected:
        """Cut a reply to what was heard; see Store.interrupt."""
        conversation_id = origin.conversation_id
        if conversation_id is not None:
            correction = corrected(self._turns(conversation_id), interruption, self._clock(), written)
        else:
            # Behind Home Assistant the satellite knows the words of the reply, and itself by another name.
            found = find_turn_by_words(self._candidates(), origin, interruption, being_written)
            if found is None:
                return Corrected(None, None, "")
            conversation_id = found.conversation_id
            correction = correction_of(found.turn, interruption, self._clock(), written)
        if correction.turn is None:
            return Corrected(conversation_id, None, correction.content, correction.overstated)
        self._repository.update(correction.turn)
        return Corrected(conversation_id, correction.turn.turn_id, correction.content, correction.overstated)

    def messages(self, conversation_id: str) -> list[Message]:
        """Return a conversation as the model sees it, oldest message first."""
        turns = since_pause(self._turns(conversation_id), self._retention.pause_s)
        return messages_of([turn for turn in turns if turn.engine == self._engine])

    def expire(self) -> None:
        """Delete what is older than its life."""
        self._repository.purge(self._clock() - self._retention.life_s)

    def _candidates(self) -> list[StoredTurn]:
        """Return the turns whose replies may still be spoken, newest first."""
        return self._repository.newest(_MAX_TURNS_SEARCHED, self._clock() - _MAX_AGE_SEARCHED_S)

    def _turns(self, conversation_id: str) -> list[Turn]:
        return self._repository.turns(conversation_id, self._clock() - self._retention.life_s, _MAX_TURNS_READ)

    def _change(self, turn_id: int, change: Callable[[Turn], Turn]) -> int:
        turn = self._repository.find(turn_id)
        if turn is not None:
            self._repository.update(change(turn))
        return turn_id


def all_messages(repository: TurnRepository) -> dict[str, list[Message]]:
    """Return all that is kept of each conversation, whoever answered; blocking. Raises StoreError."""
    turns: dict[str, list[Turn]] = {}
    for kept in reversed(repository.newest()):
        turns.setdefault(kept.conversation_id, []).append(kept.turn)
    return {conversation_id: messages_of(found) for conversation_id, found in turns.items()}
