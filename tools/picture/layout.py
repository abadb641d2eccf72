"""Where the parts of the picture go: seconds to places, labels and words in rows that have room, bars of a waveform."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tools.picture.svg import width_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.picture.incident import Incident, Word

# Between these, time goes on; to the left are the names of the lanes.
PLOT_LEFT, PLOT_RIGHT = 124.0, 932.0
TEXT = 15.0
# Between two texts in a line.
GAP = 14.0
NAMES = {"duck": "duck", "unduck": "full level", "pause": "pause", "resume": "resume", "interrupt": "commit"}
# Bars so far apart show syllables and keep the file at some 25 kB.
_BAR_STEP = 3.2
# A dot where there is silence.
_LEAST_BAR = 0.3
_WORD_ROWS = 3


@dataclass(frozen=True, slots=True)
class Scale:
    """Seconds to places."""

    from_s: float
    to_s: float

    @property
    def units_per_s(self) -> float:
        """How far apart two moments are."""
        return (PLOT_RIGHT - PLOT_LEFT) / (self.to_s - self.from_s)

    def x(self, at_s: float) -> float:
        """Return where a moment is."""
        return PLOT_LEFT + (at_s - self.from_s) * self.units_per_s


@dataclass(frozen=True, slots=True)
class Label:
    """What stands above a moment: its line, its text, and in which row that has room."""

    kind: str
    name: str
    x: float
    text_x: float
    row: int


def labels_of(incident: Incident, scale: Scale) -> list[Label]:
    """Name the user's first sound and what was done about it, in rows where they would run into each other."""
    moments = [("onset", incident.onset_s, "user speaks")]
    moments += [
        (deed.kind, deed.at_s, f"{NAMES[deed.kind]} {milliseconds(deed.at_s - incident.onset_s)}")
        for deed in incident.deeds
        if deed.at_s < scale.to_s
    ]
    labels: list[Label] = []
    free: list[float] = []
    for kind, at_s, name in moments:
        x = scale.x(at_s)
        width = width_of(name, TEXT, bold=True)
        # To the right of its line where there is room; the first one to the left, so that the next finds some.
        to_left = x - 6 - width >= PLOT_LEFT if kind == "onset" else x + 6 + width > PLOT_RIGHT
        text_x = x - 6 - width if to_left else x + 6
        row = next((row for row, used in enumerate(free) if min(x, text_x) >= used), len(free))
        free[row : row + 1] = [max(x, text_x + width) + GAP]
        labels.append(Label(kind, name, x, text_x, row))
    return labels


def words_of(incident: Incident, scale: Scale) -> list[list[tuple[float, Word]]]:
    """Put the reply's words where they sounded, or would have, in rows where they would run into each other."""
    rows: list[list[tuple[float, Word]]] = [[]]
    free = [PLOT_LEFT] * _WORD_ROWS
    for word in incident.words:
        x = scale.x(word.start_s)
        end = x + width_of(word.text, TEXT)
        number = next((number for number, used in enumerate(free) if x >= used), None)
        if number is None or end > PLOT_RIGHT:
            continue
        free[number] = end + GAP / 2
        rows += [[] for _ in range(number + 1 - len(rows))]
        rows[number].append((x, word))
    return rows


def bars_of(samples: NDArray[np.int16], rate_hz: int, scale: Scale, half: float) -> list[tuple[float, float]]:
    """Return the peak of each bar's stretch, as a share of the loudest of the whole recording."""
    loudest = max(1, int(np.abs(samples.astype(np.int32)).max(initial=1)))
    count = int((PLOT_RIGHT - PLOT_LEFT) / _BAR_STEP)
    edges = [round((scale.from_s + (scale.to_s - scale.from_s) * n / count) * rate_hz) for n in range(count + 1)]
    bars = []
    for number, (start, end) in enumerate(pairwise(edges)):
        part = samples[max(0, start) : max(0, end)]
        peak = int(np.abs(part.astype(np.int32)).max(initial=0))
        bars.append((PLOT_LEFT + number * _BAR_STEP, max(_LEAST_BAR, half * peak / loudest)))
    return bars


def milliseconds(seconds: float) -> str:
    """Write a time."""
    return f"{seconds * 1000:.0f} ms"
