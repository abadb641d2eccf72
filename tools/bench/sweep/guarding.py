"""What the echo guard must see, and where it is asked."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from tools.bench.sweep.rows import HEAD, row
from tools.bench.sweep.rules import Guard, Rule
from tools.bench.sweep.score import score
from tools.bench.sweep.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.bench.sweep.listening import Listened

_EVIDENCE = (0.0, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2)
_COHERENCE = (0.2, 0.3, 0.4, 0.5, 0.6, 1.0)
# Around where neither users are lost nor false triggers come.
_NEAR_EVIDENCE = (0.05, 0.07, 0.1)
_NEAR_COHERENCE = (0.15, 0.2, 0.25, 0.3, 0.5)
_HOLD_MS = (0.0, 64.0, 128.0, 200.0, 320.0)


def report(takes: Sequence[Listened]) -> str:
    """Give the tables."""
    limits = [
        (f"evidence {evidence:g}, coherence {Rule().most_coherence:g}", Rule(least_evidence=evidence))
        for evidence in _EVIDENCE
    ] + [
        (f"evidence {Rule().least_evidence:g}, coherence {coherence:g}", Rule(most_coherence=coherence))
        for coherence in _COHERENCE
    ]
    both = [
        (f"evidence {evidence:g}, coherence {coherence:g}", Rule(least_evidence=evidence, most_coherence=coherence))
        for evidence, coherence in product(_NEAR_EVIDENCE, _NEAR_COHERENCE)
    ]
    asked = [
        ("never", Rule(guard=Guard.NONE)),
        ("as shipped", Rule(guard=Guard.SHIPPED)),
        ("at the trigger", Rule(guard=Guard.AT_TRIGGER)),
        *((f"every window, hold {hold_ms:g} ms", Rule(hold_ms=hold_ms)) for hold_ms in _HOLD_MS),
        *(
            (f"at the trigger, hold {hold_ms:g} ms", Rule(guard=Guard.AT_TRIGGER, hold_ms=hold_ms))
            for hold_ms in _HOLD_MS[1:]
        ),
    ]
    return table(
        "limits of the guard, asked in every window", ("limits", *HEAD), _rows(takes, [*limits, *both])
    ) + table(
        f"where the guard is asked, evidence {Rule().least_evidence:g}, coherence {Rule().most_coherence:g}",
        ("asked", *HEAD),
        _rows(takes, asked),
    )


def _rows(takes: Sequence[Listened], rules: Sequence[tuple[str, Rule]]) -> list[tuple[str | float, ...]]:
    return [row(name, score(takes, rule)) for name, rule in rules]
