"""How much noise suppression the detector wants in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.satellite.turn.settings import TurnSettings
from tools.bench.sweep.ears import TREATMENTS, Treatment
from tools.bench.sweep.rows import HEAD, OTHERS_HEAD, others, row
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import heard_percent, paused_percent, score
from tools.bench.sweep.table import table
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.sweep.listening import Listened


# The shipped one, and a stricter one.
_THRESHOLDS = (TurnSettings().speaking_threshold, 0.5)
_BY_NOISE = (Treatment(0), Treatment(1), Treatment(2), Treatment(3), Treatment(4))


def report(takes: Sequence[Listened]) -> str:
    """Give the tables."""
    return "".join(_treated(takes, threshold) for threshold in _THRESHOLDS) + table(
        "the same by what else is in the room, threshold as shipped; music and television have voices of their own",
        (
            "noise",
            "hours",
            *(f"{what} {each.name}" for each in _BY_NOISE for what in ("false/h", "heard %", "paused %")),
        ),
        [_noise_row(takes, noise) for noise in NoiseKind],
    )


def _treated(takes: Sequence[Listened], threshold: float) -> str:
    rows = []
    for treatment in TREATMENTS:
        scored = score(takes, Rule(guard=Guard.SHIPPED, treatment=treatment).with_turn(speaking_threshold=threshold))
        rows.append((*row(treatment.name, scored), *others(scored)))
    return table(
        f"noise suppression and gain before the detector, {threshold:g}, guard as shipped (other sounds: % that pause)",
        ("strength and gain", *HEAD, *OTHERS_HEAD),
        rows,
    )


def _noise_row(takes: Sequence[Listened], noise: NoiseKind) -> tuple[str | float, ...]:
    some = [take for take in takes if take.noise == noise.value]
    cells: list[str | float] = [noise.value]
    for treatment in _BY_NOISE:
        scored = score(some, Rule(guard=Guard.SHIPPED, treatment=treatment))
        hours = scored.hours + scored.babbling_hours
        if len(cells) == 1:
            cells.append(f"{hours:.2f}")
        real = [one for one in (*scored.outcomes, *scored.babbling_outcomes) if one.sound.kind in INTERRUPTIONS]
        false = len(scored.alarms) + len(scored.babbling_alarms)
        cells += [false / max(hours, 1e-9), heard_percent(real), paused_percent(real)]
    return tuple(cells)
