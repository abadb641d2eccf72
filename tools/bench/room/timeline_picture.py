"""The worst cases as timelines: who sounded how loud, what the detector made of it, what the satellite did."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from interject.satellite.aec.base import Convergence
from tools.bench.room.notes import DUCK_COLOUR, PAUSE_COLOUR, SILENCE_COLOUR, note
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import INTERRUPTIONS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tools.bench.room.judged import Judged, Moment

# The first words of what moments are about, the worst first: our own fault, then a user in vain, then a wrong one.
_WORST_FIRST = ("false", "missed", "slow", "cut")
# Where a television plays as noise, somebody does speak who has no label.
_LEAST_BAD = len(_WORST_FIRST)
# A class that has many cases leaves the others so many places, as long as they need them.
_LEAST_OF_EACH = 2
_LEVEL_S = 0.01
# Averaged over 20 ms, as a syllable's sounds change.
_SMOOTH = 2
_QUIETEST_DBFS, _LOUDEST_DBFS = -75.0, 0.0
_WINDOW_S = 0.032
_TITLE_CHARACTERS = 70
_ALL_WELL = "Nothing went wrong"
_MARKS = {
    "duck": ("duck", DUCK_COLOUR, "-"),
    "unduck": ("un-duck", DUCK_COLOUR, "--"),
    "pause": ("pause", PAUSE_COLOUR, "-"),
    "resume": ("resume", PAUSE_COLOUR, "--"),
    "interrupt": ("commit", SILENCE_COLOUR, "-"),
    "reply-started": ("reply", "0.3", "-"),
    "duplex-mode": ("duplex-mode", "0.3", "--"),
}
_WANTED_COLOUR, _OTHER_COLOUR, _OURS_COLOUR, _UNKNOWN_COLOUR = "#009E73", "#777777", "#D55E00", "0.3"
_SHADE = 0.2
# Name, colour, width and style of what is drawn of a moment's levels, in that order.
_LINES = (
    ("played", "0.65", 1.0, "-"),
    ("echo at the microphone", "#D55E00", 1.2, "-"),
    ("people at the microphone", "#009E73", 1.8, "-"),
    ("what the VAD hears", "black", 1.0, ":"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A moment and the scene that it is of."""

    scene: Judged
    moment: Moment


def worst_cases(judged: Sequence[Judged], most: int) -> list[Case]:
    """Return up to `most` moments: false alarms, then missed and late interruptions, then wrong cuts.

    Last of all come false alarms in the noise of a television. Of each the severest; where there are too many, each
    that has as many keeps two.
    """
    cases = [Case(scene, moment) for scene in judged for moment in scene.moments]
    classes = [
        sorted((case for case in cases if _rank(case) == rank), key=lambda case: -case.moment.severity)
        for rank in range(_LEAST_BAD + 1)
    ]
    seeded = [of_class[:_LEAST_OF_EACH] for of_class in classes]
    rest = [of_class[_LEAST_OF_EACH:] for of_class in classes]
    chosen = list(islice(chain(*seeded, *rest), most))
    return sorted(chosen, key=lambda case: (_rank(case), -case.moment.severity))


def _rank(case: Case) -> int:
    what = case.moment.why.split()[0].rstrip(":")
    by_television = what == "false" and case.scene.noise is NoiseKind.TV
    return _LEAST_BAD if by_television else _WORST_FIRST.index(what)


def draw_timeline_key(axes: Axes, cases: int) -> None:
    """Explain the timelines, or say that there are none."""
    axes.axis("off")
    lines = [
        Line2D([], [], color=colour, linewidth=width, ls=style, label=name) for name, colour, width, style in _LINES
    ]
    windows = [
        Line2D([], [], color="black", label="VAD: probability of speech (dashed: what counts)"),
        Patch(color=_OURS_COLOUR, alpha=_SHADE, label="guard: may be our own voice"),
        Patch(color=_UNKNOWN_COLOUR, label="echo not known"),
    ]
    labels = [
        Patch(color=_WANTED_COLOUR, alpha=_SHADE, label="sound: to give way to"),
        Patch(color=_OTHER_COLOUR, alpha=_SHADE, label="sound: to ignore"),
    ]
    handles = [*lines, *windows, *labels] if cases else []
    title = f"The worst {cases} cases: false alarms, missed and late barge-ins, wrong cuts" if cases else _ALL_WELL
    axes.legend(handles=handles, loc="center", ncols=5, fontsize=9, frameon=False, title=title, title_fontsize=13)


def draw_timeline(levels: Axes, detector: Axes, case: Case) -> None:
    """Draw the levels above and the detector's windows below, with what the satellite did across both."""
    moment = case.moment
    _draw_levels(levels, moment)
    _draw_labels(levels, moment)
    _draw_windows(detector, case)
    for what, at_s in moment.marks:
        name, colour, style = _MARKS[what]
        for axes in (levels, detector):
            axes.axvline(at_s, color=colour, linewidth=1.5, linestyle=style)
        note(levels, name, (at_s, _QUIETEST_DBFS), (3, 3), rotation=90, fontsize=8, color=colour, va="bottom")
    scene = case.scene
    about = f"{scene.name}, {scene.group.value}, echo {scene.echo_db:+g} dB, noise: {scene.noise.value}"
    levels.set(xlim=(moment.from_s, _until_s(moment)))
    levels.set_title(f"{_short(moment.why)}\n{about}", fontsize=11)
    levels.tick_params(labelbottom=False)
    detector.set(xlabel="time in the scene, s")


def _short(text: str) -> str:
    return text if len(text) <= _TITLE_CHARACTERS else f"{text[: _TITLE_CHARACTERS - 1]}…"


def _until_s(moment: Moment) -> float:
    return moment.from_s + len(moment.echo_dbfs) * _LEVEL_S


def _draw_levels(axes: Axes, moment: Moment) -> None:
    levels = (moment.loudspeaker_dbfs, moment.echo_dbfs, moment.people_dbfs)
    drawn = [_smoothed(moment.from_s, dbfs) for dbfs in levels]
    middles_s = [window.end_s - _WINDOW_S / 2 for window in moment.windows]
    drawn.append((middles_s, [window.level_dbfs for window in moment.windows]))
    for (times_s, dbfs), (_, colour, width, style) in zip(drawn, _LINES, strict=True):
        axes.plot(times_s, dbfs, color=colour, linewidth=width, linestyle=style)
    axes.set(ylim=(_QUIETEST_DBFS, _LOUDEST_DBFS), ylabel="level, dBFS")
    axes.grid(alpha=0.3)


def _smoothed(from_s: float, dbfs: Sequence[float]) -> tuple[list[float], list[float]]:
    """Give the levels of 20 ms, with the middle of each."""
    whole = len(dbfs) // _SMOOTH * _SMOOTH
    powers = np.power(10.0, np.asarray(dbfs[:whole]) / 10).reshape(-1, _SMOOTH).mean(axis=1)
    times_s = from_s + (np.arange(len(powers)) + 0.5) * _SMOOTH * _LEVEL_S
    return times_s.tolist(), (10 * np.log10(powers)).tolist()


def _draw_labels(axes: Axes, moment: Moment) -> None:
    for name, start_s, end_s in moment.labels:
        colour = _WANTED_COLOUR if Kind(name) in INTERRUPTIONS else _OTHER_COLOUR
        axes.axvspan(start_s, end_s, color=colour, alpha=_SHADE, linewidth=0)
        note(axes, name, (max(start_s, moment.from_s), _LOUDEST_DBFS), (3, -3), va="top", fontsize=8, color="0.2")


def _draw_windows(axes: Axes, case: Case) -> None:
    windows = case.moment.windows
    ends_s = [window.end_s for window in windows]
    axes.step(ends_s, [window.probability for window in windows], where="pre", color="black", linewidth=1.3)
    for window in windows:
        span = (window.end_s - _WINDOW_S, window.end_s)
        if window.is_echo:
            axes.axvspan(*span, color=_OURS_COLOUR, alpha=_SHADE, linewidth=0)
        if window.convergence != Convergence.CONVERGED.value:
            axes.axvspan(*span, ymax=0.08, color=_UNKNOWN_COLOUR, linewidth=0)
    if case.scene.roc:
        axes.axhline(case.scene.roc[0].rule.threshold, color="0.5", linewidth=0.8, linestyle="--")
    axes.set(ylim=(0, 1.05), ylabel="VAD")
