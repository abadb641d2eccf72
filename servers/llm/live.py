"""Replies that are being generated: who asked for them, how many there may be, and how one is cut."""

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


class CutReason(Enum):
    """Why a generation was ended before its end."""

    INTERRUPT = "interrupt"
    # The client, or another one in the same conversation, asked anew.
    SUPERSEDED = "superseded"
    # The connection was closed, or the server stops.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Cut:
    """A generation was told to end; `heard` is what the user heard of it, `at` the event loop's time in s."""

    reason: CutReason
    heard: str
    at: float


@dataclass(eq=False, slots=True)
class LiveReply:
    """One reply being generated. `turn_id` is None until the question is stored; `host` is who has asked.

    `quiet_until`: the event loop's time before which nothing of it is sent. `outdated`: it has to be generated anew.
    """

    conversation_id: str
    speaker: Speaker
    epoch: int | None
    host: Hashable = None
    turn_id: int | None = None
    text: str = ""
    cut: Cut | None = None
    quiet_until: float = 0.0
    sent: bool = False
    outdated: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def generating(self) -> None:
        """Say that the current task generates from now on; until then a cut only leaves its mark."""
        self._task = asyncio.current_task()

    def stop(self, reason: CutReason, heard: str = "") -> None:
        """End the generation now, if nothing else has ended it before; only words that were written count as heard."""
        if self.cut is None:
            self.cut = Cut(reason, common_beginning(self.text, heard.strip()), asyncio.get_running_loop().time())
            if self._task is not None:
                self._task.cancel()

    def renew(self) -> None:
        """Have the reply generated anew, from a history that has just changed, unless some of it was sent."""
        if self.cut is None and not self.sent and not self.outdated:
            self.outdated = True
            # What it waited for has come.
            self.quiet_until = 0.0
            if self._task is not None:
                self._task.cancel()

    def begun_anew(self) -> bool:
        """Tell whether the cancellation that is being handled was by `renew`, and take it back if so."""
        task = asyncio.current_task()
        if not self.outdated or self.cut is not None or task is None:
            return False
        # Another cancellation may have come with it: the connection was closed.
        return task.uncancel() == 0


class LiveReplies:
    """All replies being generated."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._replies: set[LiveReply] = set()
        self._ended: OrderedDict[int, str] = OrderedDict()

    def __iter__(self) -> Iterator[LiveReply]:
        return iter(tuple(self._replies))

    def full_for(self, host: Hashable) -> int | None:
        """Return how many replies are the limit, where no other one may be generated for a host now; None if one may.

        A quarter is left to other hosts: one that asks and never reads has its places for as long as it stays.
        """
        wanted = [reply for reply in self._replies if reply.cut is None]
        share = self.limit - self.limit // 4
        if len(wanted) >= self.limit:
            return self.limit
        return share if sum(reply.host == host for reply in wanted) >= share else None

    def add(self, reply: LiveReply) -> None:
        """Count a reply."""
        self._replies.add(reply)

    def remove(self, reply: LiveReply) -> None:
        """Count a reply no more; removing it twice is allowed."""
        self._replies.discard(reply)
        reply.ended.set()
        if reply.turn_id is not None:
            self._ended[reply.turn_id] = reply.text
            while len(self._ended) > _MOST_ENDED or sum(map(len, self._ended.values())) > _MOST_CHARACTERS:
                self._ended.popitem(last=False)

    def written(self) -> dict[int, str]:
        """Return what was written of the newest replies, by their turn, whether it was heard or not."""
        return self._ended | {reply.turn_id: reply.text for reply in self if reply.turn_id is not None}


def agrees(reply: LiveReply, interruption: Interruption) -> bool:
    """Tell whether an interruption without a conversation may be meant for a reply, as far as it is written."""
    return bool(interruption.text.strip() and reply.text) and key_of(reply.text).startswith(key_of(interruption.text))


def is_cut_by(reply: LiveReply, speaker: Speaker, interruption: Interruption) -> bool:
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
