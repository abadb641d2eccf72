"""The replies being generated: who asked for them, how many there may be, and the messages that each can be sent."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from interject.servers.llm.words import common_beginning, key_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from interject.servers.llm.matching import Speaker
    from interject.servers.llm.turns import Interruption

# How many replies can still be told to have been cut off: more than a large house speaks in some minutes.
_MOST_ENDED = 200
_MOST_CHARACTERS = 1_000_000


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
    speaker: Speaker
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
            heard = common_beginning(self.text, heard.strip())
            self._stop = Stop(reason, heard, asyncio.get_running_loop().time())
            self._mailbox.put_nowait(self._stop)

    def history_corrected(self) -> None:
        """Tell the reply that its conversation has changed."""
        self._mailbox.put_nowait(HistoryCorrected())

    def writing_ended(self, task: asyncio.Task[None]) -> None:
        """Tell the reply that a task that wrote it has ended."""
        self._mailbox.put_nowait(WritingEnded(task))

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

    def full_for(self, host: Hashable) -> int | None:
        """Return how many replies are the limit, where no other one may be generated for a host now; None if one may.

        A quarter is left to other hosts: one that asks and never reads has its places for as long as it stays.
        """
        wanted = [reply for reply in self._replies if reply.stopped is None]
        share = self.limit - self.limit // 4
        if len(wanted) >= self.limit:
            return self.limit
        return share if sum(reply.host == host for reply in wanted) >= share else None

    def add(self, reply: ActiveReply) -> None:
        """Count a reply."""
        self._replies.add(reply)

    def remove(self, reply: ActiveReply) -> None:
        """Count a reply no more; removing it twice is allowed."""
        self._replies.discard(reply)
        if reply.turn_id is not None:
            self._ended[reply.turn_id] = reply.text
            while len(self._ended) > _MOST_ENDED or sum(map(len, self._ended.values())) > _MOST_CHARACTERS:
                self._ended.popitem(last=False)

    def written(self) -> dict[int, str]:
        """Return what was written of the newest replies, by their turn, whether it was heard or not."""
        return self._ended | {reply.turn_id: reply.text for reply in self if reply.turn_id is not None}


def agrees(reply: ActiveReply, interruption: Interruption) -> bool:
    """Tell whether an interruption without a conversation may be meant for a reply, as far as it is written."""
    return bool(interruption.text.strip() and reply.text) and key_of(reply.text).startswith(key_of(interruption.text))


def is_cut_by(reply: ActiveReply, speaker: Speaker, interruption: Interruption) -> bool:
    """Tell from the epoch whether an interruption ends a reply; one for an older epoch does not.

    A reply whose client gave no epoch has to be found by its text, in the store.
    """
    if reply.epoch is None or reply.epoch > interruption.epoch:
        return False
    if speaker.conversation_id is not None:
        return speaker.conversation_id == reply.conversation_id
    if speaker.satellite_id is not None:
        return speaker.satellite_id == reply.speaker.satellite_id
    return speaker.device_id is not None and speaker.device_id == reply.speaker.device_id
