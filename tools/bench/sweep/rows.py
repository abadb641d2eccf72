"""The columns that most tables have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.bench.sweep.score import heard_percent, ms, of_kind, paused_percent
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from tools.bench.sweep.score import Score
    from tools.bench.sweep.table import Cell

HEAD = (
    *("false/h", "pauses/h", "heard %", "word %", "at 20 dB %", "P50 ms", "P90", "P99"),
    *("paused %", "word %", "pause P50", "P90"),
)
_LOUDEST_DB = 20.0
OTHERS = (Kind.BACKCHANNEL, Kind.COUGH, Kind.SIDE_TALK, Kind.TV)
OTHERS_HEAD = ("backchannel", "cough", "side talk", "TV")


def row(name: str, scored: Score) -> tuple[Cell, ...]:
    """Give what becomes of the reply and of who interrupts it."""
    real = scored.interruptions()
    words = of_kind(real, Kind.WORD)
    triggers, confirms = [one.trigger_s for one in real], [one.confirm_s for one in real]
    return (
        name,
        scored.triggers_per_hour(),
        scored.pauses_per_hour(),
        heard_percent(real),
        heard_percent(words),
        heard_percent([one for one in real if one.listened.take.echo_db == _LOUDEST_DB]),
        *(ms(triggers, at) for at in (50, 90, 99)),
        paused_percent(real),
        paused_percent(words),
        *(ms(confirms, at) for at in (50, 90)),
    )


def others(scored: Score) -> tuple[Cell, ...]:
    """Give the share of other sounds that pause the reply, in percent."""
    return tuple(paused_percent(of_kind(scored.outcomes, kind)) for kind in OTHERS)
