"""The lengths of turn-taking: how long sounds are, when to pause and when their length alone decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tools.bench.sweep.rows import HEAD, OTHERS_HEAD, others, row
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import NEVER, Outcome, heard_percent, ms, of_kind, percent, score
from tools.bench.sweep.table import table
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.sweep.listening import Listened

_KINDS = (Kind.COUGH, Kind.BACKCHANNEL, Kind.WORD, Kind.SHORT, Kind.LONG, Kind.DOUBLE_TALK, Kind.SIDE_TALK, Kind.TV)
_GAPS_MS = (128.0, 192.0, 250.0, 320.0, 400.0)
_CONFIRMS_MS = (
    (96.0, 160.0),
    (128.0, 192.0),
    (160.0, 224.0),
    (192.0, 256.0),
    (192.0, 320.0),
    (224.0, 320.0),
    (250.0, 350.0),
    (288.0, 384.0),
    (320.0, 448.0),
    (384.0, 512.0),
)
_VOICED_MS = (96, 128, 160, 192, 256, 320, 384, 448, 512, 576, 640, 768, 896, 1024, 1280)


def report(takes: Sequence[Listened]) -> str:
    """Give the tables."""
    base = Rule(guard=Guard.SHIPPED)
    scored = score(takes, base)
    return (
        table(
            "voiced time of the longest utterance in a sound, rule as shipped, ms; and utterances a sound",
            ("sound", "trials", "P5", "P25", "P50", "P75", "P95", "most", "triggers %", "utterances"),
            [_length_row(kind, of_kind(scored.outcomes, kind)) for kind in _KINDS],
        )
        + table(
            "sounds with at least so much voiced time, %",
            ("ms", *(kind.value for kind in _KINDS)),
            [(str(least), *(_longer(scored.outcomes, kind, least) for kind in _KINDS)) for least in _VOICED_MS],
        )
        + table(
            "gap of silence that ends an utterance: utterances a sound, and the voiced time of the longest (P50)",
            ("ms", *(f"{kind.value}{what}" for kind in _KINDS[:5] for what in ("", " ms"))),
            [_gap_row(takes, base, gap_ms) for gap_ms in _GAPS_MS],
        )
        + table(
            "pause: so much speech within so much time (other sounds: % that pause)",
            ("ms within ms", *HEAD, *OTHERS_HEAD),
            [_confirm_row(takes, base, *pair) for pair in _CONFIRMS_MS],
        )
        + table(
            "from the onset to so much voiced time: when a commit by length comes, ms",
            ("ms", "P50", "P90", "P99"),
            [(str(least), *_reached(scored.interruptions(), least)) for least in (500, 640, 768, 896, 1024)],
        )
    )


def _length_row(kind: Kind, outcomes: Sequence[Outcome]) -> tuple[str | float, ...]:
    lengths = [one.voiced_ms for one in outcomes]
    if not lengths:
        return (kind.value, 0.0, *[float("nan")] * 8)
    return (
        kind.value,
        float(len(lengths)),
        *(float(np.percentile(lengths, at)) for at in (5, 25, 50, 75, 95, 100)),
        heard_percent(outcomes),
        f"{np.mean([len(one.utterances) for one in outcomes]):.2f}",
    )


def _longer(outcomes: Sequence[Outcome], kind: Kind, least_ms: float) -> float:
    return percent([one.voiced_ms >= least_ms for one in of_kind(outcomes, kind)])


def _gap_row(takes: Sequence[Listened], base: Rule, gap_ms: float) -> tuple[str | float, ...]:
    scored = score(takes, base.with_turn(utterance_gap_ms=gap_ms))
    cells: list[str | float] = [f"{gap_ms:g}"]
    for kind in _KINDS[:5]:
        some = of_kind(scored.outcomes, kind)
        cells.append(f"{np.mean([len(one.utterances) for one in some]):.2f}" if some else "-")
        cells.append(float(np.median([one.voiced_ms for one in some])) if some else float("nan"))
    return tuple(cells)


def _confirm_row(takes: Sequence[Listened], base: Rule, speech_ms: float, within_ms: float) -> tuple[str | float, ...]:
    scored = score(takes, base.with_turn(confirm_speech_ms=speech_ms, confirm_within_ms=within_ms))
    return (*row(f"{speech_ms:g} within {within_ms:g}", scored), *others(scored))


def _reached(outcomes: Sequence[Outcome], least_ms: float) -> tuple[float, ...]:
    count = int(np.ceil(least_ms / 32))
    times = []
    for one in outcomes:
        ends = [each.voiced_ends[count - 1] for each in one.utterances if len(each.voiced_ends) >= count]
        times.append((min(ends) - one.sound.start) / RATE_HZ if ends else NEVER)
    return tuple(ms(times, at) for at in (50, 90, 99))
