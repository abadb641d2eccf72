"""Which turn an interruption cut, and what it makes of that turn: by epoch, words and room; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.servers.llm.text_matching import common_word_prefix, normalized
from interject.servers.llm.turns import ReplyState, content_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from interject.servers.llm.repository import StoredTurn
    from interject.servers.llm.turns import Origin, Turn

STOP_WORD = "stop-word"
# What Home Assistant calls a satellite: its domain, the name that the satellite gave itself, perhaps what it is.
_ENTITY = re.compile(r"assist_satellite\.(?P<name>.+?)(?:_assist_satellite)?")
_NOT_IN_ENTITY = re.compile(r"[^a-z0-9]+")


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
    heard = common_word_prefix(reply, claimed)
    changed = _cut(turn, heard, interruption.reason)
    overstated = normalized(heard) != normalized(claimed)
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
        return bool(interruption.text.strip()) and normalized(turn.reply).startswith(normalized(interruption.text))
    if turn.state is ReplyState.INTERRUPTED:
        return normalized(turn.reply) == normalized(interruption.heard)
    return False


def contradicts(turn: Turn, interruption: Interruption) -> bool:
    """Tell whether a turn has a whole reply that is not the one that was cut."""
    return turn.state is ReplyState.COMPLETE and bool(interruption.text) and not is_reply_of(turn, interruption)


def find_turn_by_words(
    newest_first: Sequence[StoredTurn], origin: Origin, interruption: Interruption, being_written: Collection[int]
) -> StoredTurn | None:
    """Return the turn that was cut off, for an origin that does not know its conversation; None if it cannot be told.

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
                not same_room(origin, item.origin),
                item.turn.turn_id not in being_written,
                normalized(item.turn.reply) != normalized(interruption.text),
            ),
        )
    here = [item for item in newest_first if same_room(origin, item.origin)]
    here = [item for item in here if item.conversation_id == here[0].conversation_id]
    turn = find_turn([item.turn for item in reversed(here)], interruption)
    if turn is None or contradicts(turn, interruption):
        return None
    return next(item for item in here if item.turn is turn)


def same_room(origin: Origin, other: Origin) -> bool:
    """Tell whether two are certainly the same satellite or device.

    Behind Home Assistant a satellite has another name than the one that it gives itself: "assist_satellite.kitchen" or
    "assist_satellite.kitchen_assist_satellite" for "Kitchen".
    """
    if origin.satellite_id is not None and other.satellite_id is not None:
        return other.satellite_id == origin.satellite_id or _entity_of(origin.satellite_id) == _name_in(
            other.satellite_id
        )
    return origin.device_id is not None and origin.device_id == other.device_id


def _entity_of(name: str) -> str:
    return _NOT_IN_ENTITY.sub("_", name.lower()).strip("_")


def _name_in(satellite_id: str) -> str | None:
    match = _ENTITY.fullmatch(satellite_id)
    return match["name"] if match is not None else None
