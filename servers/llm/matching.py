"""Which reply was cut off, where the client knows only its words, and perhaps the room: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.servers.llm.turns import contradicts, find_turn, is_reply_of
from interject.servers.llm.words import key_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from interject.servers.llm.repository import StoredTurn
    from interject.servers.llm.turns import Interruption

# What Home Assistant calls a satellite: its domain, the name that the satellite gave itself, perhaps what it is.
_ENTITY = re.compile(r"assist_satellite\.(?P<name>.+?)(?:_assist_satellite)?")
_NOT_IN_ENTITY = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Where a request or an interruption comes from, as far as the client said."""

    conversation_id: str | None
    satellite_id: str | None
    device_id: str | None


def find_cut(
    newest_first: Sequence[StoredTurn], speaker: Speaker, interruption: Interruption, being_written: Collection[int]
) -> StoredTurn | None:
    """Return the turn that was cut off, for a speaker that does not know its conversation; None if it cannot be told.

    By the words of the reply: in the same room, then one that is being written (`being_written`: ids of turns whose
    text agrees so far), then the whole of a reply rather than its beginning, then the newest. Where no words agree, by
    the room alone: its newest conversation.
    """
    agreeing = [
        item for item in newest_first if item.turn.turn_id in being_written or is_reply_of(item.turn, interruption)
    ]
    if agreeing:
        return min(
            agreeing,
            key=lambda item: (
                not same_room(speaker, item.speaker),
                item.turn.turn_id not in being_written,
                key_of(item.turn.reply) != key_of(interruption.text),
            ),
        )
    here = [item for item in newest_first if same_room(speaker, item.speaker)]
    here = [item for item in here if item.conversation_id == here[0].conversation_id]
    turn = find_turn([item.turn for item in reversed(here)], interruption)
    if turn is None or contradicts(turn, interruption):
        return None
    return next(item for item in here if item.turn is turn)


def same_room(speaker: Speaker, other: Speaker) -> bool:
    """Tell whether two are certainly the same satellite or device.

    Behind Home Assistant a satellite has another name than the one that it gives itself: "assist_satellite.kitchen" or
    "assist_satellite.kitchen_assist_satellite" for "Kitchen".
    """
    if speaker.satellite_id is not None and other.satellite_id is not None:
        return other.satellite_id == speaker.satellite_id or _entity_of(speaker.satellite_id) == _name_in(
            other.satellite_id
        )
    return speaker.device_id is not None and speaker.device_id == other.device_id


def _entity_of(name: str) -> str:
    return _NOT_IN_ENTITY.sub("_", name.lower()).strip("_")


def _name_in(satellite_id: str) -> str | None:
    match = _ENTITY.fullmatch(satellite_id)
    return match["name"] if match is not None else None
