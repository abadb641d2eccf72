"""A trace cut into stretches of speaking and into what the satellite did to itself meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from interject.satellite.turn.events import CancelReason
from interject.satellite.turn.floor import Rule
from interject.satellite.turn.state import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Who takes the floor by voice; the other reasons are not the room's.
_BY_VOICE = frozenset((CancelReason.SPEECH.value, CancelReason.STOP_WORD.value))
# What is asked of the reply itself, and done, is no less than the floor: "wait" is silent, "what?" says it again.
_OBEYED = frozenset((Rule.HOLD.value, Rule.SAY_AGAIN.value))
_UNDER_WAY = frozenset((Phase.SPEAKING.value, Phase.INTERRUPTED.value))


@dataclass(frozen=True, slots=True)
class Episode:
    """From the first doubt to going on or to giving way; seconds."""

    began_s: float
    paused_s: float | None = None
    resumed_s: float | None = None
    committed_s: float | None = None

    @property
    def stopped_s(self) -> float | None:
        """When the loudspeaker was told to fall silent."""
        return self.committed_s if self.paused_s is None else self.paused_s

    @property
    def hole_s(self) -> float:
        """The silence of a pause that ended in going on."""
        return 0.0 if self.paused_s is None or self.resumed_s is None else self.resumed_s - self.paused_s


@dataclass(frozen=True, slots=True)
class Stretch:
    """Seconds, half-open."""

    start_s: float
    end_s: float

    def has(self, at_s: float) -> bool:
        """Whether a time is in it."""
        return self.start_s <= at_s < self.end_s


def speaking(records: Iterable[Mapping[str, Any]], until_s: float) -> tuple[Stretch, ...]:
    """Give the stretches in which a reply was under way and not paused."""
    return _in_phases(records, frozenset((Phase.SPEAKING.value,)), until_s)


def episodes(records: Sequence[Mapping[str, Any]], until_s: float) -> tuple[Episode, ...]:
    """Give the episodes that began while a reply was under way, in their order."""
    found: list[Episode] = []
    current: Episode | None = None
    for record in records:
        at_s, kind = record["t"], record["type"]
        doubted = current or Episode(at_s)
        match kind:
            case "duck":
                current = doubted
            case "pause":
                current = replace(doubted, paused_s=at_s)
            case "unduck" | "resume" if current is not None:
                found.append(replace(current, resumed_s=at_s))
                current = None
            case "decided" if record["rule"] in _OBEYED:
                found.append(replace(doubted, committed_s=at_s))
                current = None
            case "interrupt" if record["reason"] in _BY_VOICE:
                found.append(replace(doubted, committed_s=at_s))
                current = None
    if current is not None:
        found.append(current)
    under_way = _in_phases(records, _UNDER_WAY, until_s)
    return tuple(
        episode
        for episode in found
        if any(stretch.start_s <= episode.began_s <= stretch.end_s for stretch in under_way)
    )


def _in_phases(records: Iterable[Mapping[str, Any]], phases: frozenset[str], until_s: float) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    since_s: float | None = None
    for record in records:
        if record["type"] != "phase":
            continue
        if record["phase"] in phases:
            since_s = record["t"] if since_s is None else since_s
        elif since_s is not None:
            found.append(Stretch(since_s, record["t"]))
            since_s = None
    if since_s is not None:
        found.append(Stretch(since_s, until_s))
    return tuple(found)
