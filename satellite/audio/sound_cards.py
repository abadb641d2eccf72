"""Chooses a sound device by number or name from what PortAudio lists; pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from interject.satellite.audio.base import DeviceMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class SoundCard:
    """One device as PortAudio lists it."""

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    rate_hz: int


@dataclass(frozen=True, slots=True)
class SoundCards:
    """All devices, and the index of the default ones."""

    cards: tuple[SoundCard, ...]
    default_input: int | None
    default_output: int | None


class Direction(Enum):
    """What a device is wanted for."""

    MICROPHONE = "microphone"
    LOUDSPEAKER = "loudspeaker"


def choose(cards: SoundCards, wanted: str | None, direction: Direction) -> SoundCard:
    """Give the device of that index, of that name, or with that text in its name (in any case); None: the default.

    Raises DeviceMissingError that names what there is.
    """
    usable = [card for card in cards.cards if _channels(card, direction)]
    if wanted is None:
        default = cards.default_input if direction is Direction.MICROPHONE else cards.default_output
        matches = [card for card in usable if card.index == default]
    elif wanted.isdecimal():
        matches = [card for card in usable if card.index == int(wanted)]
    else:
        text = wanted.casefold()
        matches = [card for card in usable if text in card.name.casefold()]
        matches.sort(key=lambda card: card.name.casefold() != text)
    if not matches:
        asked = f"default {direction.value}" if wanted is None else f"{direction.value} {wanted!r}"
        raise DeviceMissingError(asked, [f"{card.index}: {card.name}" for card in usable])
    return matches[0]


def channel_counts(microphone: SoundCard, loudspeaker: SoundCard, channel: int | None) -> Sequence[int]:
    """Give the numbers of channels to try, best first.

    One stream has one number for both directions. Most devices give mono; some give exactly as many channels as they
    have.
    """
    least = 1 if channel is None else channel + 1
    wanted = (least, 2, loudspeaker.outputs, microphone.inputs)
    most = min(microphone.inputs, loudspeaker.outputs)
    return tuple(dict.fromkeys(count for count in wanted if least <= count <= most))


def table(cards: SoundCards) -> str:
    """Give a table of the devices for people."""
    if not cards.cards:
        return "There is no sound device on this machine."
    head = ("index", "in", "out", "rate", "system", "name")
    rows = [head, *(_row(card, cards) for card in cards.cards)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(card: SoundCard, cards: SoundCards) -> tuple[str, ...]:
    defaults = [
        what
        for what, index in (("microphone", cards.default_input), ("loudspeaker", cards.default_output))
        if card.index == index
    ]
    name = f"{card.name} (default {' and '.join(defaults)})" if defaults else card.name
    return str(card.index), str(card.inputs), str(card.outputs), str(card.rate_hz), card.host_api, name


def _channels(card: SoundCard, direction: Direction) -> int:
    return card.inputs if direction is Direction.MICROPHONE else card.outputs
