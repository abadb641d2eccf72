"""The replies being generated: who asked for them, how many there may be, and the messages that each can be sent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from interject.servers.llm.text_matching import common_word_prefix, normalized
from interject.servers.llm.turns import speech_duration_s

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from interject.servers.llm.interruptions import Interruption
    from interject.servers.llm.turns import Origin

# How many replies can still be told to have been cut off: more than a large house speaks in some minutes.
_MOST_ENDED = 200
_MOST_CHARACTERS = 1_000_000
# Synthesis and the way to the loudspeaker take up to this before the first word, and a reply may have been paused.
_PLAYBACK_MARGIN_S = 5.0
# More rooms than a house has; the one that is forgotten too soon loses nothing but the wait for its interruption.
_MOST_PLAYING = 256


class StopReason(Enum):
    """Why a generation was ended before its end."""

    INTERRUPT = "interrupt"
    # The client, or another one in the same conversation, asked anew.
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Stop:
    """A message to a reply: end now. `heard` is what the user heard of it, `at` the event loop's time in s."""

    reason: StopReason
    heard: str
    at: float


@dataclass(frozen=True, slots=True)
class HistoryCorrected:
    """A message to a reply: the conversation that it answers is another one now."""


@dataclass(frozen=True, slots=True)
class WritingEnded:
    """A message to a reply: a task that wrote it has ended."""

    task: asyncio.Task[None]


ReplyMessage = Stop | HistoryCorrected | WritingEnded


@dataclass(eq=False, slots=True)
class ActiveReply:
    """One reply being generated. `turn_id` is None until the question is stored; `host` is who has asked.

    `text`: what was written so far. `hold_until`: the event loop's time in s before which nothing of it is sent.
    `is_sent`: whether a client has got some of it. `ended`: set when nothing more of it will be sent.
    """

    conversation_id: str
    origin: Origin
    epoch: int | None
    host: Hashable = None
    turn_id: int | None = None
    text: str = ""
    hold_until: float = 0.0
    is_sent: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _stop: Stop | None = None
    # A message for each time that the history changes while one reply is generated, and two to end it.
    _mailbox: asyncio.Queue[ReplyMessage] = field(default_factory=asyncio.Queue)

    @property
    def stopped(self) -> Stop | None:
        """The message that ended the generation, or is about to; None if there was none."""
        return self._stop

    def stop(self, reason: StopReason, heard: str = "") -> None:
        """Tell the reply to end; the first who does counts. Only words that were written count as heard."""
        if self._stop is None:
            heard = common_word_prefix(self.text, heard.strip())
            self._stop = Stop(reason, heard, asyncio.get_running_loop().time())
            self._mailbox.put_nowait(self._stop)

    def history_corrected(self) -> None:
        """Tell the reply that its conversation has changed."""
        self._mailbox.put_nowait(HistoryCorrected())

    def writing_ended(self, task: asyncio.Task[None]) -> None:
        """Tell the reply that a task that wrote it has ended."""
        self._mailbox.put_nowait(WritingEnded(task))

    def agrees_with(self, interruption: Interruption) -> bool:
        """Tell whether an interruption without a conversation may be meant for this, as far as it is written."""
        told, written = normalized(interruption.text), normalized(self.text)
        return bool(told and written) and written.startswith(told)

    def is_cut_by(self, origin: Origin, interruption: Interruption) -> bool:
        """Tell from the epoch whether an interruption ends this; one for an older epoch does not.

        A reply whose client gave no epoch has to be found by its text, in the store.
        """
        if self.epoch is None or self.epoch > interruption.epoch:
            return False
        if origin.conversation_id is not None:
            return origin.conversation_id == self.conversation_id
        if origin.satellite_id is not None:
            return origin.satellite_id == self.origin.satellite_id
        return origin.device_id is not None and origin.device_id == self.origin.device_id

    async def receive(self) -> ReplyMessage:
        """Return the next message, in the order in which they were sent; waits for one."""
        return await self._mailbox.get()


class ActiveReplies:
    """All replies being generated."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._replies: set[ActiveReply] = set()
        self._ended: OrderedDict[int, str] = OrderedDict()

    def __iter__(self) -> Iterator[ActiveReply]:
        return iter(tuple(self._replies))

    def limit_reached_by(self, host: Hashable) -> int | None:
        """Return the number of replies that a host has reached as its limit; None if it may have another one now.

        A quarter is left to other hosts: one that asks and never reads has its places for as long as it stays.
        """
        wanted = [reply for reply in self._replies if reply.stopped is None]
        share = self.limit - self.limit // 4
        if len(wanted) >= self.limit:
            return self.limit
        return share if sum(reply.host == host for reply in wanted) >= share else None

    def add(self, reply: ActiveReply) -> None:
        """Begin to count a reply, and to show it to interruptions."""
        self._replies.add(reply)

    def remove(self, reply: ActiveReply) -> None:
        """Count a reply no more, and keep what was written of it for a while; removing it twice is allowed."""
        self._replies.discard(reply)
        if reply.turn_id is not None:
            self._ended[reply.turn_id] = reply.text
            while len(self._ended) > _MOST_ENDED or sum(map(len, self._ended.values())) > _MOST_CHARACTERS:
                self._ended.popitem(last=False)

    def written(self) -> dict[int, str]:
        """Return, by the id of the turn, the text of the newest replies as far as it was written, heard or not."""
        return self._ended | {reply.turn_id: reply.text for reply in self if reply.turn_id is not None}


class PlaybackEstimate:
    """Keeps until when the last reply of each conversation may be playing; times are the event loop's, in s."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def started(self, conversation_id: str, text: str, now: float) -> None:
        """Note that a whole reply was handed to a client that has it spoken."""
        self._until[conversation_id] = now + speech_duration_s(text) + _PLAYBACK_MARGIN_S
        self._until.move_to_end(conversation_id)
        while len(self._until) > _MOST_PLAYING:
            self._until.popitem(last=False)

    def ended(self, conversation_id: str) -> None:
        """Note that the reply is over: it was cut off, or another question has been asked."""
        self._until.pop(conversation_id, None)

    def may_be_playing(self, conversation_id: str, now: float) -> bool:
        """Tell whether the last reply may still be heard."""
        return self._until.get(conversation_id, now) > now
