"""How many instructions each part takes, and whether that is more than it was when it was recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# What may be added before somebody has to say that it is worth it. Two counts of the same code differ by 0.1 %.
_GROWTH = 0.10
# Of a part that takes next to nothing ten percent are nothing.
_LEAST_GROWTH_M = 1.0


class LimitsError(InterjectError):
    """The file of what was recorded is not there, or says something else."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path} {what}; --record writes it")


@dataclass(frozen=True, slots=True)
class Count:
    """The instructions that a part took for each second of audio, in millions, each time that it was counted."""

    name: str
    millions: Sequence[float]

    @property
    def least_m(self) -> float:
        """What it needs: the rest is chance."""
        return min(self.millions)

    @property
    def spread_percent(self) -> float:
        """By how much the counts differ."""
        return 100 * (max(self.millions) / self.least_m - 1) if self.least_m else 0.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was counted at a commit: millions of instructions per second of audio, by the names of the parts."""

    commit: str
    method: str
    millions: Mapping[str, float]


def read(path: Path) -> Recorded:
    """Return what was recorded; raises LimitsError."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        millions = {str(name): float(value) for name, value in found["millions_per_second"].items()}
        return Recorded(str(found["commit"]), str(found["method"]), millions)
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LimitsError(path, f"cannot be read ({error})") from error


def write(path: Path, recorded: Recorded) -> None:
    """Keep what was counted."""
    millions = {name: round(value, 1) for name, value in recorded.millions.items()}
    kept = {"commit": recorded.commit, "method": recorded.method, "millions_per_second": millions}
    path.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def limit_m(recorded_m: float) -> float:
    """Return the most that a part may take that took so much."""
    return recorded_m + max(_GROWTH * recorded_m, _LEAST_GROWTH_M)


def exceeded(counts: Sequence[Count], recorded: Recorded) -> Iterator[str]:
    """Say of each part that takes too much, or was not recorded, or is gone."""
    for count in counts:
        known_m = recorded.millions.get(count.name)
        if known_m is None:
            yield f"{count.name}: was never recorded"
        elif count.least_m > limit_m(known_m):
            grown = f"{100 * (count.least_m / known_m - 1):.0f} %" if known_m else "all of it"
            yield f"{count.name}: {count.least_m:.1f} M, {grown} more than the {known_m:.1f} M at {recorded.commit}"
    for name in recorded.millions.keys() - {count.name for count in counts}:
        yield f"{name}: was recorded, and is not counted any more"


def table(counts: Sequence[Count], recorded: Recorded | None) -> str:
    """Return the counts as a table, for a terminal and for a page of the documentation."""
    rows = [("millions of instructions per second of audio", "least", "spread", "recorded", "limit")]
    for count in counts:
        known_m = None if recorded is None else recorded.millions.get(count.name)
        limits = ("", "") if known_m is None else (f"{known_m:.1f}", f"{limit_m(known_m):.1f}")
        rows.append((count.name, f"{count.least_m:.1f}", f"{count.spread_percent:.2f} %", *limits))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
