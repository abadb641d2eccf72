"""What each engine costs, cancels, and lets through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Convergence
from tools.bench.sweep.listening import CONVERGENCES
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import heard_percent, ms, of_kind, paused_percent, score
from tools.bench.sweep.table import slashed, table
from tools.simulator.casting import ECHO_LEVELS_DB
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.bench.sweep.listening import Listened
    from tools.bench.sweep.takes import Engine

_CONVERGED = CONVERGENCES.index(Convergence.CONVERGED)
# ONNX Runtime and NumPy make their buffers in the first two seconds.
_WARM_UP_BLOCKS = 100
_THROUGH = (
    *("engine", "hours", "false/h", "pauses/h", "heard %", "by level", "long/short/word/double", "paused %"),
    *("P50 ms", "P90", "P99", "pause P50", "P90"),
)
_CANCELLED = (
    *("engine", "ERLE dB by level", "user dB by level", "converged after s P50", "P90", "recovered after s P50", "P90"),
    *("CPU ms/s mean", "P50", "P90", "P99"),
)


def report(heard: Mapping[Engine, Sequence[Listened]]) -> str:
    """Give the tables."""
    return table(
        "what the guard as shipped lets through (levels: echo 0/5/10/15/20 dB over the user)",
        _THROUGH,
        [_through(engine.value, takes) for engine, takes in heard.items()],
    ) + table(
        "what is cancelled, and what it costs (ERLE: microphone over what is left of it, noise included)",
        _CANCELLED,
        [_cancelled(engine.value, takes) for engine, takes in heard.items()],
    )


def _through(name: str, takes: Sequence[Listened]) -> tuple[str | float, ...]:
    scored = score(takes, Rule(guard=Guard.SHIPPED))
    real = scored.interruptions()
    levels = [heard_percent([one for one in real if one.listened.take.echo_db == level]) for level in ECHO_LEVELS_DB]
    kinds = [heard_percent(of_kind(real, kind)) for kind in (Kind.LONG, Kind.SHORT, Kind.WORD, Kind.DOUBLE_TALK)]
    triggers, confirms = [one.trigger_s for one in real], [one.confirm_s for one in real]
    return (
        name,
        f"{scored.hours:.2f}",
        scored.triggers_per_hour(),
        scored.pauses_per_hour(),
        heard_percent(real),
        slashed(levels),
        slashed(kinds),
        paused_percent(real),
        *(ms(triggers, at) for at in (50, 90, 99)),
        *(ms(confirms, at) for at in (50, 90)),
    )


def _cancelled(name: str, takes: Sequence[Listened]) -> tuple[str | float, ...]:
    by_level = [[take for take in takes if take.take.echo_db == level] for level in ECHO_LEVELS_DB]
    starts = [converged_after(take, take.reply_from) for take in takes]
    recoveries = [converged_after(take, take.change_at) for take in takes if take.change_at is not None]
    us = np.concatenate([take.tracks["block-us"][_WARM_UP_BLOCKS:] for take in takes])
    return (
        name,
        slashed([float(np.nanmedian([one.erle_db for one in some])) if some else float("nan") for some in by_level]),
        slashed([_median([one.user_db for one in some]) for some in by_level], 1),
        *(ms(starts, at) / 1000 for at in (50, 90)),
        *(ms(recoveries, at) / 1000 for at in (50, 90)),
        # Blocks of 20 ms in microseconds: a twentieth of it is milliseconds a second.
        float(us.mean() / 20),
        *(float(np.percentile(us, at) / 20) for at in (50, 90, 99)),
    )


def _median(values: Sequence[float]) -> float:
    finite = [value for value in values if np.isfinite(value)]
    return float(np.median(finite)) if finite else float("nan")


def converged_after(take: Listened, since: int) -> float:
    """Give the seconds from a frame until the filter is believed, and goes on being so to the end of the take."""
    ends, believed = take.tracks["end"], take.tracks["convergence"] == _CONVERGED
    doubted = np.flatnonzero(~believed & (ends > since))
    if not len(doubted):
        return 0.0
    last = int(doubted[-1])
    return float("inf") if last + 1 == len(ends) else float(ends[last + 1] - since) / RATE_HZ
