"""The first seconds of the first playback, when nothing is known of the echo: what a loud onset tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES, Convergence
from tools.bench.sweep.listening import CONVERGENCES
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import heard_percent, ms, paused_percent, score
from tools.bench.sweep.table import table
from tools.simulator.effort import Effort
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tools.bench.sweep.listening import Listened

_ONSETS_DB = (3.0, 6.0, 9.0, 12.0)
_LISTEN_MS = (200.0, 400.0, 800.0)
_CONVERGED = CONVERGENCES.index(Convergence.CONVERGED)
_BLOCK_MS = 20.0
# As the guard looks: about a window of the detector, and the longest way from the reference with the room's tail.
_HEARD_BLOCKS, _PLAYED_BLOCKS = 2, 18
_FORGET = 10 ** (-0.01 / 10)
_LEAST_PLAYED = 10 ** (-50 / 10)
_HEAD = (
    *("rule", "starts", "converged s P50", "P90", "false triggers/start", "pauses/start", "trials", "heard %"),
    *("paused %", "P50 ms", "P90", "shouts", "heard %"),
)


def report(late: Sequence[Listened]) -> str:
    """Give the table, from takes in which somebody speaks soon after the reply began."""
    rules = [("as shipped", late), ("nothing before converged", _judged(late, np.inf, 0.0))]
    for onset_db, listen_ms in product(_ONSETS_DB, _LISTEN_MS):
        rules.append((f"{onset_db:g} dB, {listen_ms:g} ms", _judged(late, onset_db, listen_ms)))
    return table(
        "before the filter has converged: what is so many dB over the loudest echo is heard, after so much playback",
        _HEAD,
        [_row(name, takes) for name, takes in rules],
    )


def _row(name: str, takes: Sequence[Listened]) -> tuple[str | float, ...]:
    scored = score(takes, Rule(guard=Guard.SHIPPED))
    known = {id(take): _known_at(take) for take in takes}
    blind_s = [(at - take.reply_from) / RATE_HZ for take, at in zip(takes, known.values(), strict=True)]
    early = [one for one in scored.interruptions() if one.sound.start < known[id(one.listened)]]
    alarms = [one for one in scored.alarms if (one.utterance.trigger or 0) <= known[id(one.listened)]]
    normal = [one for one in early if one.sound.effort is Effort.NORMAL]
    shouts = [one for one in early if one.sound.effort is Effort.SHOUT]
    return (
        name,
        float(len(takes)),
        *(float(np.percentile(blind_s, at)) for at in (50, 90)),
        f"{len(alarms) / len(takes):.3f}",
        f"{sum(one.utterance.confirm is not None for one in alarms) / len(takes):.3f}",
        float(len(normal)),
        heard_percent(normal),
        paused_percent(normal),
        *(ms([one.trigger_s for one in normal], at) for at in (50, 90)),
        float(len(shouts)),
        heard_percent(shouts),
    )


def _known_at(take: Listened) -> int:
    """Give the frame at which the filter is believed for the first time."""
    believed = take.tracks["end"][take.tracks["convergence"] == _CONVERGED]
    return int(believed[0]) if len(believed) else take.frames


def _judged(takes: Sequence[Listened], onset_db: float, listen_ms: float) -> list[Listened]:
    """Give the takes with the guard's verdict by loudness wherever the filter is not believed."""
    return [replace(take, tracks=take.tracks | {"explains": _explains(take, onset_db, listen_ms)}) for take in takes]


def _explains(take: Listened, onset_db: float, listen_ms: float) -> NDArray[np.float32]:
    loud = _loud(take.tracks["block-mic"].tolist(), take.tracks["block-played"].tolist(), onset_db, listen_ms)
    blind = (take.tracks["playing"] > 0) & (take.tracks["convergence"] != _CONVERGED)
    at_end = loud[(take.tracks["end"] / BLOCK_SAMPLES).astype(np.intp) - 1]
    return np.where(blind, ~at_end, take.tracks["explains"]).astype(np.float32)


def _loud(mic: Sequence[float], played: Sequence[float], onset_db: float, listen_ms: float) -> NDArray[np.bool_]:
    """Tell for each block whether it is louder than any echo so far by so much."""
    above = 10 ** (onset_db / 10)
    bound = listened_ms = 0.0
    found = np.zeros(len(mic), np.bool_)
    for at in range(len(mic)):
        heard = sum(mic[max(0, at - _HEARD_BLOCKS + 1) : at + 1]) / _HEARD_BLOCKS
        loudest = max(played[max(0, at - _PLAYED_BLOCKS + 1) : at + 1])
        if loudest >= _LEAST_PLAYED:
            listened_ms += _BLOCK_MS
            bound *= _FORGET
        found[at] = listened_ms >= listen_ms and heard > above * bound * loudest
        if loudest >= _LEAST_PLAYED and not found[at]:
            bound = max(bound, heard / loudest)
    return found
