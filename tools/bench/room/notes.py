"""What the picture's parts share: colours, and short texts beside what they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Colours that the colour-blind tell apart (after Okabe and Ito), of what the satellite does.
DUCK_COLOUR, PAUSE_COLOUR, SILENCE_COLOUR = "#E69F00", "#0072B2", "#CC3377"
# Readable upon whatever is drawn.
_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
_FONT_SIZE = 9
_ABOVE_ALL = 6


def note(axes: Axes, text: str, at: tuple[float, float], offset_points: tuple[float, float], **style: Any) -> None:
    """Write beside a point of the axes, as far from it as wanted; not at all where that lies outside."""
    usual: dict[str, Any] = {"fontsize": _FONT_SIZE, "bbox": _BOX, "zorder": _ABOVE_ALL, "annotation_clip": True}
    axes.annotate(text, at, offset_points, textcoords="offset points", **(usual | style))
