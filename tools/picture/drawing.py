"""A demo as a picture: who spoke when, what the satellite did about it, and which words were heard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from tools.picture.incident import incident_of
from tools.picture.layout import (
    GAP,
    NAMES,
    PLOT_LEFT,
    PLOT_RIGHT,
    TEXT,
    Scale,
    bars_of,
    labels_of,
    milliseconds,
    words_of,
)
from tools.picture.svg import Run, Svg, fitted, width_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.harness.checks import Evidence
    from tools.picture.incident import Incident

_WIDTH, _MARGIN = 960.0, 28.0
_BIG, _SMALL, _TINY = 20.0, 13.0, 12.5
_BAR_WIDTH = 2.0
# From a row of labels or of words to the next one.
_ROW = 20.0
_PARAGRAPH_LINES = 3
# What is left of a reply's text so that the next one has room.
_LEAST_SPEECH = 220.0
# One step of 16 bits is rounding.
_AUDIBLE_PEAK = 2
# Beyond the last sound.
_TAIL_S = 0.5
# Steps of an axis, and how far apart its numbers have to be.
_AXIS_STEPS_S, _AXIS_APART = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0), 64.0
# How a reply stands after what was done last; an undone duck and a resumed pause leave it as it was.
_STATES = {"duck": "duck", "pause": "pause", "interrupt": "commit"}
_QUIETER = ("duck", "pause")
_STYLE = """
svg{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
.page{fill:#fff;stroke:#d1d9e0}.panel{fill:#f6f8fa;stroke:#d1d9e0}.beam{fill:#eaeef2}
text{fill:#1f2328}.b{font-weight:600}.soft{fill:#59636e}.gone{fill:#7d8793}.axis{stroke:#d1d9e0}
.user{stroke:#0969da}.full{stroke:#1a7f37}.ducked{stroke:#6fbf85}
.t-user,.t-onset{fill:#0969da}.t-satellite{fill:#1a7f37}
.mark{stroke-width:1.5;stroke-dasharray:4 3}.m-onset{stroke:#0969da}.m-duck,.m-unduck{stroke:#9a6700}
.m-pause{stroke:#bc4c00}.m-interrupt{stroke:#cf222e}.m-resume{stroke:#1a7f37}.m-silence{stroke:#59636e}
.t-duck,.t-unduck{fill:#855900}.t-pause{fill:#ac4400}.t-interrupt{fill:#cf222e}.t-resume{fill:#1a7f37}
.band{opacity:.1}.duck{fill:#bf8700}.pause{fill:#e16f24}.commit{fill:#cf222e}
@media(prefers-color-scheme:dark){
.page{fill:#0d1117;stroke:#3d444d}.panel{fill:#151b23;stroke:#3d444d}.beam{fill:#1c232c}
text{fill:#f0f6fc}.soft{fill:#9198a1}.gone{fill:#777f8a}.axis{stroke:#3d444d}
.user{stroke:#4493f8}.full{stroke:#3fb950}.ducked{stroke:#2b7a3a}
.t-user,.t-onset{fill:#4493f8}.t-satellite{fill:#3fb950}
.m-onset{stroke:#4493f8}.m-duck,.m-unduck{stroke:#d29922}.m-pause{stroke:#f0883e}
.m-interrupt{stroke:#f85149}.m-resume{stroke:#3fb950}.m-silence{stroke:#9198a1}
.t-duck,.t-unduck{fill:#d29922}.t-pause{fill:#f0883e}.t-interrupt{fill:#f85149}.t-resume{fill:#3fb950}
.band{opacity:.16}.duck{fill:#d29922}.pause{fill:#f0883e}.commit{fill:#f85149}}
"""


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture says of itself: what it shows, and the command and commit that made it."""

    summary: str
    command: str
    commit: str


def draw(evidence: Evidence, metrics: Mapping[str, float], caption: Caption) -> str:
    """Return an SVG of one run: an overview, a close look at who spoke into a reply, its words, and the latencies."""
    incident = incident_of(evidence)
    title = "A reply is cut off mid-sentence"
    if not _is_cut(incident):
        title = "A reply gives way, and goes on" if incident is not None else "A conversation with the satellite"
    svg = Svg(title, _description(incident, metrics, caption), _STYLE)
    return _Drawing(svg, evidence, incident).whole(title, metrics, caption)


def _is_cut(incident: Incident | None) -> bool:
    return incident is not None and any(deed.kind == "interrupt" for deed in incident.deeds)


def _description(incident: Incident | None, metrics: Mapping[str, float], caption: Caption) -> str:
    parts = [f"Waveforms of the user at the microphone and of the loudspeaker: {caption.summary}."]
    if incident is not None:
        deeds = ", ".join(
            f"{NAMES[deed.kind]} after {milliseconds(deed.at_s - incident.onset_s)}" for deed in incident.deeds
        )
        parts.append(f"From the user's first sound on: {deeds}.")
        parts.append(f"Heard of the reply: “{incident.heard}”.")
    parts += [f"{name.replace('->', 'to')}: {milliseconds(value)}." for name, value in metrics.items()]
    parts.append(f"Drawn by {caption.command} at commit {caption.commit}.")
    return " ".join(parts)


class _Drawing:
    """Draws from the top down; each part returns where the next one may begin."""

    def __init__(self, svg: Svg, evidence: Evidence, incident: Incident | None) -> None:
        self._svg = svg
        self._evidence = evidence
        self._incident = incident
        sounding = np.flatnonzero(np.abs(evidence.loudspeaker.astype(np.int32)) > _AUDIBLE_PEAK)
        self._last_sound_s = float(sounding[-1]) / evidence.rate_hz if len(sounding) else 0.0

    def whole(self, title: str, metrics: Mapping[str, float], caption: Caption) -> str:
        """Draw everything, and return the file's text."""
        self._svg.text(_MARGIN, 42, title, "b", 22)
        self._svg.text(_MARGIN, 66, caption.summary, "soft", TEXT)
        ends = [event["t"] for event in self._evidence.of("room", "user-stops")]
        y = self._overview(Scale(0.0, max([self._last_sound_s, *ends]) + _TAIL_S), 84)
        if self._incident is not None:
            y = self._close_look(self._incident, Scale(self._incident.start_s, self._incident.end_s), y)
            y = self._paragraph(self._incident, y + 34)
        y = self._figures(metrics, y + 26)
        self._svg.text(_MARGIN, y + 32, f"Drawn by {caption.command} at commit {caption.commit}", "soft", _TINY)
        return self._svg.finished(_WIDTH, y + 52)

    def _overview(self, scale: Scale, top: float) -> float:
        """Both lanes from beginning to end, with what was said; returns where its lanes end."""
        half, user, satellite = 26.0, top + 56, top + 130
        bottom = satellite + half + 8
        if self._incident is not None:
            left, right = scale.x(self._incident.start_s), scale.x(self._incident.end_s)
            below = bottom + 60
            corners = [(left, top + 8), (right, top + 8), (right, bottom), (PLOT_RIGHT, below), (PLOT_LEFT, below)]
            self._svg.shape([*corners, (left, bottom)], "beam")
        self._lanes(scale, user, satellite, half)
        self._speech(scale, self._said(), user - half - 8, "t-user")
        self._speech(scale, self._replied(), satellite - half - 8, "t-satellite")
        self._axis(scale, bottom, 0.0, "{:g} s", 1)
        return bottom

    def _close_look(self, incident: Incident, scale: Scale, top: float) -> float:
        """What was done to the reply, and its words where they sounded; returns where the panel ends."""
        panel = top + 34
        labels = labels_of(incident, scale)
        user = panel + 24 + (1 + max(label.row for label in labels)) * _ROW + 28
        satellite, half = user + 92, 38.0
        words = satellite + half + 24
        rows = words_of(incident, scale)
        bottom = words + (len(rows) - 1) * _ROW + 14
        self._svg.rectangle(_MARGIN / 2, panel, _WIDTH - _MARGIN, bottom + 30 - panel, "panel", 6)
        for state, from_s, to_s in self._states(incident, scale):
            if state != "full":
                left, right = scale.x(from_s), scale.x(to_s)
                self._svg.rectangle(
                    left, user - half - 4, right - left, satellite - user + 2 * half + 8, f"band {state}"
                )
        self._lanes(scale, user, satellite, half)
        for label in labels:
            y = panel + 24 + label.row * _ROW
            self._svg.line(label.x, y - 11, label.x, satellite + half + 4, f"mark m-{label.kind}")
            self._svg.text(label.text_x, y, label.name, f"b t-{label.kind}", TEXT)
        for number, row in enumerate(rows):
            for x, word in row:
                self._svg.text(x, words + number * _ROW, word.text, "" if word.heard else "gone", TEXT)
        self._axis(scale, bottom, incident.onset_s, "{:g} ms", 1000)
        return bottom + 30

    def _lanes(self, scale: Scale, user: float, satellite: float, half: float) -> None:
        lanes = (("user", "microphone", user, "t-user"), ("satellite", "loudspeaker", satellite, "t-satellite"))
        for who, what, middle, look in lanes:
            self._svg.text(_MARGIN, middle, who, f"b {look}", TEXT)
            self._svg.text(_MARGIN, middle + 17, what, "soft", _TINY)
        self._svg.bars(
            bars_of(self._evidence.microphone, self._evidence.rate_hz, scale, half), user, "user", _BAR_WIDTH
        )
        bars = bars_of(self._evidence.loudspeaker, self._evidence.rate_hz, scale, half)
        quiet = [(scale.x(a), scale.x(b)) for state, a, b in self._states(self._incident, scale) if state in _QUIETER]
        ducked = [bar for bar in bars if any(left <= bar[0] < right for left, right in quiet)]
        self._svg.bars([bar for bar in bars if bar not in ducked], satellite, "full", _BAR_WIDTH)
        self._svg.bars(ducked, satellite, "ducked", _BAR_WIDTH)

    def _said(self) -> list[tuple[float, str]]:
        """What the recogniser made of each thing that the user said, and when that was said."""
        spoke = self._evidence.of("room", "user-speaks")
        transcripts = self._evidence.of("satellite", "transcript")
        said = []
        for event, following in zip_longest(spoke, spoke[1:]):
            end_s = float("inf") if following is None else following["t"]
            texts = [heard["text"] for heard in transcripts if event["t"] < heard["t"] < end_s and heard["text"]]
            said.append((event["onset_t"], f"“{texts[0]}”" if texts else event["clip"]))
        return said

    def _replied(self) -> list[tuple[float, str]]:
        words = self._evidence.of("satellite", "word-marks")
        return [
            (
                event["t"],
                " ".join(mark[0] for told in words if told["epoch"] == event["epoch"] for mark in told["marks"]),
            )
            for event in self._evidence.of("satellite", "reply-started")
        ]

    def _speech(self, scale: Scale, said: Sequence[tuple[float, str]], y: float, look: str) -> None:
        """Write what was said above its beginning, cut to the room there is; the last may begin further left."""
        places = [scale.x(at_s) for at_s, _ in said]
        ends = [*places[1:], PLOT_RIGHT + GAP][: len(places)]
        if len(said) > 1:
            before, last, (_, text) = places[-2], places[-1], said[-1]
            places[-1] = max(min(last, PLOT_RIGHT - width_of(text, _SMALL)), min(last, before + _LEAST_SPEECH))
            ends[-2] = places[-1]
        for x, until, (at_s, text) in zip(places, ends, said, strict=True):
            shown = fitted(text, until - x - GAP, _SMALL)
            if x < scale.x(at_s):
                self._svg.text(PLOT_RIGHT, y, shown, look, _SMALL, "end")
            else:
                self._svg.text(x, y, shown, look, _SMALL)

    def _states(self, incident: Incident | None, scale: Scale) -> list[tuple[str, float, float]]:
        """How the reply stood, and from when to when."""
        if incident is None:
            return []
        ends = [deed.at_s for deed in incident.deeds[1:]] + [scale.to_s]
        return [
            (_STATES.get(deed.kind, "full"), deed.at_s, min(end_s, scale.to_s))
            for deed, end_s in zip(incident.deeds, ends, strict=True)
            if deed.at_s < scale.to_s
        ]

    def _axis(self, scale: Scale, y: float, zero_s: float, form: str, factor: float) -> None:
        step_s = next((step for step in _AXIS_STEPS_S if step * scale.units_per_s >= _AXIS_APART), _AXIS_STEPS_S[-1])
        first = int(np.ceil(round((scale.from_s - zero_s) / step_s, 6)))
        self._svg.line(PLOT_LEFT, y, PLOT_RIGHT, y, "axis")
        for number in range(first, int((scale.to_s - zero_s) / step_s) + 1):
            x = scale.x(zero_s + number * step_s)
            self._svg.line(x, y, x, y + 4, "axis")
            self._svg.text(x, y + 18, form.format(round(number * step_s * factor)), "soft", _TINY, "middle")

    def _paragraph(self, incident: Incident, top: float) -> float:
        """Write the reply's text: what was heard, and what was not."""
        heading = [Run("The reply as it was heard", "b")]
        runs = [Run(word) for word in incident.heard.split()]
        if _is_cut(incident):
            heading = [Run("What the user heard, and all that the model remembers", "b")]
            heading.append(Run("   (in grey: never heard, not remembered)", "soft"))
            runs.append(Run("[INTERRUPTED]", "b t-interrupt"))
        runs += [Run(word, "gone") for word in incident.unheard.split()]
        self._svg.text(_MARGIN, top, heading, "", TEXT)
        lines = wrapped(runs, PLOT_RIGHT - _MARGIN, TEXT, _PARAGRAPH_LINES)
        for number, line in enumerate(lines):
            self._svg.text(_MARGIN, top + 25 + number * 22, line, "", TEXT)
        return top + 25 + (len(lines) - 1) * 22

    def _figures(self, metrics: Mapping[str, float], top: float) -> float:
        """Write the latencies side by side, those that begin alike under one heading."""
        if not metrics:
            return top
        figures = [_Figure(*name.partition(" -> ")[::2], value) for name, value in metrics.items()]
        headings = list(dict.fromkeys(figure.since for figure in figures))
        figures.sort(key=lambda figure: (headings.index(figure.since), figure.value_s))
        wide = (PLOT_RIGHT - _MARGIN - sum(figure.width for figure in figures)) / len(figures)
        x, headed = _MARGIN, ""
        for figure, following in zip_longest(figures, figures[1:]):
            width = figure.width + wide
            if figure.since != headed:
                self._svg.text(x, top + 12, f"{figure.since} →", "soft", _TINY)
            headed = figure.since
            joined = following is not None and following.since == headed
            self._svg.line(x, top + 20, x + width - (0 if joined else GAP), top + 20, "axis")
            self._svg.text(x, top + 44, milliseconds(figure.value_s), "b", _BIG)
            self._svg.text(x, top + 62, figure.to, "soft", _TINY)
            x += width
        return top + 62


@dataclass(frozen=True, slots=True)
class _Figure:
    """A latency: from what to what."""

    since: str
    to: str
    value_s: float

    @property
    def width(self) -> float:
        return max(width_of(self.to, _TINY), width_of(milliseconds(self.value_s), _BIG, bold=True)) + GAP
