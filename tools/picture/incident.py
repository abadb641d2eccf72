"""Somebody speaks into a reply: what became of it, and which of its words were heard, from a demo's evidence."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.harness.checks import Evidence

# How much is shown before the user's first sound, and after the last thing that the satellite did about it: what of
# the rest came of it, and room for its name.
_LEAD_S, _TRAIL_S, _TRAIL_SHARE = 0.3, 0.5, 0.25
_SHORTEST_S, _LONGEST_S = 1.2, 5.0
_DOES = ("duck", "unduck", "pause", "resume", "interrupt")
_HOLDS = ("pause", "interrupt")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a reply: when it begins to sound in the room, or would have, and whether it was heard to its end."""

    text: str
    start_s: float
    heard: bool


@dataclass(frozen=True, slots=True)
class Deed:
    """What the satellite did to its reply: duck, unduck, pause, resume or interrupt."""

    kind: str
    at_s: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """The first that became of a reply as somebody spoke, in seconds of the room, and the stretch to look at.

    heard, unheard: the text of the reply as far as it was synthesised.
    """

    onset_s: float
    deeds: Sequence[Deed]
    words: Sequence[Word]
    start_s: float
    end_s: float
    heard: str
    unheard: str


def incident_of(evidence: Evidence) -> Incident | None:
    """Return the first incident; None where the satellite left all its replies as they were."""
    started = evidence.of("satellite", "reply-started")
    deeds = [event for event in evidence.events if event["source"] == "satellite" and event["type"] in _DOES]
    started = [event for event in started if deeds and event["t"] < deeds[-1]["t"]]
    if not started:
        return None
    epoch, begun_s = started[0]["epoch"], started[0]["t"]
    deeds = [event for event in deeds if event["t"] >= begun_s]
    spoke = [event["onset_t"] for event in evidence.of("room", "user-speaks") if event["onset_t"] > begun_s]
    onset_s = min([*spoke, deeds[0]["t"]]) if not spoke or spoke[0] > deeds[-1]["t"] else spoke[0]
    deeds = [event for event in deeds if event["t"] >= onset_s]
    start_s = onset_s - _LEAD_S
    lasted_s = deeds[-1]["t"] - start_s
    end_s = start_s + min(max(lasted_s + max(_TRAIL_S, _TRAIL_SHARE * lasted_s), _SHORTEST_S), _LONGEST_S)
    told = [event for event in evidence.of("satellite", "word-marks") if event["epoch"] == epoch]
    marks = [mark for event in told for mark in event["marks"]]
    cut = next((event for event in deeds if event["type"] == "interrupt"), None)
    heard_ms = float("inf") if cut is None else cut["heard_ms"]
    return Incident(
        onset_s,
        [Deed(event["type"], event["t"], event.get("reason", "")) for event in deeds],
        list(_words(marks, [_anchor(event) for event in (started[0], *deeds)], heard_ms)),
        start_s,
        end_s,
        " ".join(text for text, _, _ in marks) if cut is None else cut["heard"],
        " ".join(text for text, _, end_ms in marks if end_ms > heard_ms),
    )


@dataclass(frozen=True, slots=True)
class _Anchor:
    """From a moment on, a reply goes on at a position, or is held there."""

    at_s: float
    position_ms: float
    held: bool


def _anchor(event: dict[str, Any]) -> _Anchor:
    position_ms = event.get("position_ms", event.get("heard_ms", 0.0)) - event.get("rewound_ms", 0.0)
    return _Anchor(event["t"], position_ms, event["type"] in _HOLDS)


def _words(marks: Sequence[Any], anchors: Sequence[_Anchor], heard_ms: float) -> Iterator[Word]:
    """Put the words where they sounded; after what ended the reply, where they would have."""
    for anchor, following in itertools.pairwise(anchors):
        if anchor.held:
            continue
        # Counted back from where it was then: a reply may have waited for more audio in between.
        from_ms, to_ms = anchor.position_ms, following.position_ms
        for text, start_ms, end_ms in marks:
            if from_ms <= start_ms < to_ms:
                yield Word(text, following.at_s - (to_ms - start_ms) / 1000, end_ms <= heard_ms)
    # What was held for good would have gone on from there.
    last = anchors[-2] if anchors[-1].held and anchors[-2].held else anchors[-1]
    for text, start_ms, end_ms in marks:
        if start_ms >= last.position_ms:
            yield Word(text, last.at_s + (start_ms - last.position_ms) / 1000, end_ms <= heard_ms)
