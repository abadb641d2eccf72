"""Just enough SVG for a picture of ours: elements with places, and how wide a text is likely to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Sequence

# Of system fonts that a browser may choose the wider ones (Segoe UI, DejaVu) need about so much of the size a letter.
_EM_PER_LETTER = 0.52
_EM_PER_BOLD_LETTER = 0.58


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a text that looks the same."""

    text: str
    look: str = ""


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return about how wide a text is; rather too much than too little."""
    return len(text) * size * (_EM_PER_BOLD_LETTER if bold else _EM_PER_LETTER)


def fitted(text: str, width: float, size: float) -> str:
    """Return a text, or the beginning of it that fits, with an ellipsis."""
    if width_of(text, size) <= width:
        return text
    room = int(width / (size * _EM_PER_LETTER)) - 1
    return text[: max(0, room)].rsplit(" ", 1)[0].rstrip(" ,.;") + " …"


def wrapped(words: Sequence[Run], width: float, size: float, most_lines: int) -> list[list[Run]]:
    """Break a text into lines, the last of which ends in an ellipsis if there was more."""
    lines: list[list[Run]] = [[]]
    used = 0.0
    for word in words:
        needed = width_of(word.text + " ", size, bold="b" in word.look.split())
        if used + needed > width:
            if len(lines) == most_lines:
                lines[-1].append(Run("…", word.look))
                break
            lines.append([])
            used = 0.0
        lines[-1].append(Run(word.text + " ", word.look))
        used += needed
    return [_joined(line) for line in lines]


def _joined(runs: Sequence[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in runs:
        if joined and joined[-1].look == run.look:
            joined[-1] = Run(joined[-1].text + run.text, run.look)
        else:
            joined.append(run)
    return joined


class Svg:
    """A picture that grows downwards; coordinates in its own units, looks are classes of its style."""

    def __init__(self, title: str, description: str, style: str) -> None:
        self._root = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
        # Read out instead of the picture.
        self._root.set("aria-labelledby", "title desc")
        for name, text in (("title", title), ("desc", description)):
            ET.SubElement(self._root, name, {"id": name}).text = text
        ET.SubElement(self._root, "style").text = re.sub(r"\s*\n\s*", "", style)
        self._page = self._add("rect", "page", {"x": "0.5", "y": "0.5", "rx": "8"})

    def rectangle(self, x: float, y: float, width: float, height: float, look: str, radius: float = 0) -> None:
        """Draw a rectangle."""
        places = {"x": _number(x), "y": _number(y), "width": _number(width), "height": _number(height)}
        self._add("rect", look, {**places, **({"rx": _number(radius)} if radius else {})})

    def line(self, x: float, y: float, to_x: float, to_y: float, look: str) -> None:
        """Draw a line."""
        self._add("path", look, {"d": f"M{_number(x)} {_number(y)}L{_number(to_x)} {_number(to_y)}"})

    def shape(self, corners: Sequence[tuple[float, float]], look: str) -> None:
        """Draw a polygon."""
        self._add("path", look, {"d": "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in corners) + "Z"})

    def bars(self, places: Sequence[tuple[float, float]], middle: float, look: str, width: float) -> None:
        """Draw upright bars about a middle line: (x, half of the height) each."""
        if places:
            path = "".join(f"M{_number(x)} {_number(middle - half)}v{_number(2 * half)}" for x, half in places)
            self._add("path", look, {"d": path, "stroke-width": _number(width), "stroke-linecap": "round"})

    def text(
        self, x: float, y: float, runs: str | Sequence[Run], look: str, size: float, anchor: str = "start"
    ) -> None:
        """Write a line; `anchor` is what of it stands at x: start, middle or end."""
        places = {"x": _number(x), "y": _number(y), "font-size": _number(size)}
        if anchor != "start":
            places["text-anchor"] = anchor
        element = self._add("text", look, places)
        if isinstance(runs, str):
            element.text = runs
            return
        for run in runs:
            ET.SubElement(element, "tspan", {"class": run.look} if run.look else {}).text = run.text

    def finished(self, width: float, height: float) -> str:
        """Return the file's text."""
        size = {"width": _number(width), "height": _number(height)}
        # Half a unit inside, so that the whole of its border is seen.
        self._page.attrib |= {"width": _number(width - 1), "height": _number(height - 1)}
        self._root.attrib = {**self._root.attrib, "viewBox": f"0 0 {size['width']} {size['height']}", **size}
        ET.indent(self._root, "")
        return ET.tostring(self._root, encoding="unicode") + "\n"

    def _add(self, kind: str, look: str, places: dict[str, str]) -> ET.Element:
        return ET.SubElement(self._root, kind, {**({"class": look} if look else {}), **places})


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
