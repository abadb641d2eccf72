"""Conversations in SQLite, on a thread of their own so that no disk ever holds up the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from servers.llm.database import explained, open_database, open_existing
from servers.llm.errors import StoreError
from servers.llm.matching import Candidate, Speaker, find_cut
from servers.llm.sounding import speech_s
from servers.llm.turns import (
    Interruption,
    Message,
    ReplyState,
    Turn,
    completed,
    corrected,
    correction_of,
    failed,
    messages_of,
    since_pause,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

T = TypeVar("T")
_LOGGER = logging.getLogger(__name__)

# More turns than the largest --history-messages needs, and a bound for a client that talks without end.
_MAX_TURNS_READ = 500
# How many of the newest turns, of all conversations, are searched for an interrupted reply's text: more than a large
# house has in the time that follows.
_MAX_TURNS_SEARCHED = 200
# No reply is spoken for longer; what was said before that cannot be cut off any more.
_MAX_AGE_SEARCHED_S = 15 * 60.0

_COLUMNS = "id, epoch, asked, reply, state, created, ended, engine"


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
class Memory:
    """How long what was said is kept, and after how long a silence a conversation begins anew, in s."""

    life_s: float
    pause_s: float


class Store:
    """The conversations; every method's work is done in the order of the calls.

    That order is what lets an interruption win over the reply that was stored a moment before it. A write that was
    begun is done even when its caller is cancelled. What another engine answered is no part of a conversation: a model
    would take it for its own words, and go on in that manner.
    """

    def __init__(self, path: Path, memory: Memory, engine: str, clock: Callable[[], float] = time.time) -> None:
        """`engine` writes the replies; `clock` tells the time in seconds since 1970."""
        self.path = path
        self._memory = memory
        self._engine = engine
        self._clock = clock
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="conversations")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open or create the file; a damaged one is set aside. Raises StoreError."""
        try:
            await self._run(self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was asked for, and close the file."""
        await self._run(self._close)
        self._worker.shutdown(wait=False)

    async def begin(self, conversation_id: str, speaker: Speaker, epoch: int | None, asked: str) -> Begun:
        """Store what the user said; raises StoreError."""
        return await self._run(lambda: self._begin(conversation_id, speaker, epoch, asked))

    async def complete(self, turn_id: int, reply: str) -> None:
        """Store a reply that was generated to its end; raises StoreError."""
        await self._run(
            lambda: self._change(turn_id, lambda turn: completed(turn, reply, self._clock() + speech_s(reply)))
        )

    async def fail(self, turn_id: int) -> None:
        """Note that a reply could not be generated; raises StoreError."""
        await self._run(lambda: self._change(turn_id, lambda turn: failed(turn, self._clock())))

    async def interrupt(
        self,
        speaker: Speaker,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int] = (),
    ) -> Corrected:
        """Cut a reply to what was heard; raises StoreError.

        `written`: by the turn, the text of replies that may not be stored as a whole; `being_written`: the turns whose
        reply agrees with the interruption as far as it is written.
        """
        return await self._run(lambda: self._interrupt(speaker, interruption, written, being_written))

    async def messages(self, conversation_id: str) -> list[Message]:
        """Return a conversation as the model sees it, oldest message first; raises StoreError."""
        return await self._run(lambda: self._messages(conversation_id))

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._worker, work))
        except sqlite3.Error as error:
            raise explained(self.path, error) from None

    def _open(self) -> None:
        self._connection = open_database(self.path, self._clock())
        self._purge()
        (others,) = self._db.execute("SELECT COUNT(*) FROM turns WHERE engine != ?", (self._engine,)).fetchone()
        if others:
            _LOGGER.info("%d of the answers in %s are another engine's: this one is not shown them", others, self.path)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(self.path, "is closed", "restart the server")
        return self._connection

    def _begin(self, conversation_id: str, speaker: Speaker, epoch: int | None, asked: str) -> Begun:
        self._purge()
        now = self._clock()
        turn = Turn(None, epoch, asked, "", ReplyState.PENDING, now, now, self._engine)
        turn_id = self._insert(conversation_id, speaker, turn)
        return Begun(turn_id, self._messages(conversation_id))

    def _messages(self, conversation_id: str) -> list[Message]:
        turns = since_pause(self._turns(conversation_id), self._memory.pause_s)
        return messages_of([turn for turn in turns if turn.engine == self._engine])

    def _change(self, turn_id: int, change: Callable[[Turn], Turn]) -> None:
        for row in self._db.execute(f"SELECT {_COLUMNS} FROM turns WHERE id = ?", (turn_id,)).fetchall():  # noqa: S608 - a constant
            self._update(change(_turn(row)))

    def _interrupt(
        self,
        speaker: Speaker,
        interruption: Interruption,
        written: Mapping[int, str],
        being_written: Collection[int],
    ) -> Corrected:
        self._purge()
        conversation_id = speaker.conversation_id
        if conversation_id is not None:
            correction = corrected(self._turns(conversation_id), interruption, self._clock(), written)
        else:
            # Behind Home Assistant the satellite knows the words of the reply, and itself by another name.
            found = find_cut(self._candidates(), speaker, interruption, being_written)
            if found is None:
                return Corrected(None, None, "")
            conversation_id = found.conversation_id
            correction = correction_of(found.turn, interruption, self._clock(), written)
        if correction.turn is None:
            return Corrected(conversation_id, None, correction.content, correction.overstated)
        self._update(correction.turn)
        return Corrected(conversation_id, correction.turn.turn_id, correction.content, correction.overstated)

    def _candidates(self) -> list[Candidate]:
        """Return the turns whose replies may still be spoken, newest first."""
        rows = self._db.execute(
            f"SELECT conversation_id, satellite_id, device_id, {_COLUMNS} FROM turns "  # noqa: S608 - a constant
            "WHERE created > ? ORDER BY id DESC LIMIT ?",
            (self._clock() - _MAX_AGE_SEARCHED_S, _MAX_TURNS_SEARCHED),
        )
        return [
            Candidate(conversation_id, Speaker(conversation_id, satellite_id, device_id), _turn(row))
            for conversation_id, satellite_id, device_id, *row in rows.fetchall()
        ]

    def _turns(self, conversation_id: str) -> list[Turn]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM turns WHERE conversation_id = ? AND created > ? ORDER BY id DESC LIMIT ?",  # noqa: S608 - a constant
            (conversation_id, self._clock() - self._memory.life_s, _MAX_TURNS_READ),
        )
        return [_turn(row) for row in reversed(rows.fetchall())]

    def _insert(self, conversation_id: str, speaker: Speaker, turn: Turn) -> int:
        cursor = self._db.execute(
            "INSERT INTO turns "
            "(conversation_id, satellite_id, device_id, epoch, asked, reply, state, created, ended, engine) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                conversation_id,
                speaker.satellite_id,
                speaker.device_id,
                turn.epoch,
                turn.asked,
                turn.reply,
                turn.state.value,
                turn.created,
                turn.ended,
                turn.engine,
            ),
        )
        return int(cursor.lastrowid or 0)

    def _update(self, turn: Turn) -> None:
        self._db.execute(
            "UPDATE turns SET reply = ?, state = ?, ended = ? WHERE id = ?",
            (turn.reply, turn.state.value, turn.ended, turn.turn_id),
        )

    def _purge(self) -> None:
        self._db.execute("DELETE FROM turns WHERE created <= ?", (self._clock() - self._memory.life_s,))


def read_conversations(path: Path) -> dict[str, list[Message]]:
    """Read all that a store keeps of each conversation, also one in use; blocking. Raises StoreError."""
    try:
        with contextlib.closing(open_existing(path)) as connection:
            rows = connection.execute(f"SELECT conversation_id, {_COLUMNS} FROM turns ORDER BY id").fetchall()  # noqa: S608 - a constant
    except sqlite3.Error as error:
        raise explained(path, error) from None
    turns: dict[str, list[Turn]] = {}
    for conversation_id, *row in rows:
        turns.setdefault(conversation_id, []).append(_turn(row))
    return {conversation_id: messages_of(found) for conversation_id, found in turns.items()}


def _turn(row: tuple[object, ...] | list[object]) -> Turn:
    turn_id, epoch, asked, reply, state, created, ended, engine = row
    return Turn(
        turn_id=int(str(turn_id)),
        epoch=None if epoch is None else int(str(epoch)),
        asked=str(asked),
        reply=str(reply),
        state=ReplyState(state),
        created=float(str(created)),
        ended=float(str(ended)),
        engine=str(engine),
    )
