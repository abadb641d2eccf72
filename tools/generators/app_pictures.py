"""Draw the pictures that Home Assistant shows for the apps: an icon and a logo each, as PNG.

Each icon is a sign on a tile: a microphone, a loudspeaker, a speech bubble, and for the satellite a waveform that is
cut off. A logo has the icon with such a waveform beside it. Sizes as recommended at
developers.home-assistant.io/docs/apps/presentation: 128 x 128 and 250 x 100.
"""

from __future__ import annotations

import argparse
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ICON_PX, LOGO_PX = 128, (250, 100)
_APPS = Path(__file__).parents[2] / "home_assistant_apps"
_COLOURS = {"satellite": (58, 124, 92), "stt": (42, 120, 142), "llm": (108, 78, 150), "tts": (176, 84, 52)}
_WHITE, _AMBER = (255, 255, 255), (244, 180, 60)

# How far each pixel lies outside of a shape, in pixels; below 0 inside.
_Field: TypeAlias = NDArray[np.float64]
_Picture: TypeAlias = NDArray[np.float64]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw all into the folders of the apps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=_APPS, metavar="DIR", help="default: home_assistant_apps")
    out: Path = parser.parse_args(argv).out
    for app in _COLOURS:
        (out / app).mkdir(parents=True, exist_ok=True)
        (out / app / "icon.png").write_bytes(png(draw_icon(app)))
        (out / app / "logo.png").write_bytes(png(draw_logo(app)))
    return 0


def draw_icon(app: str) -> _Picture:
    """Return the icon of an app: height x width x RGBA, 0 to 1."""
    canvas = _Canvas(ICON_PX, ICON_PX)
    _draw_tile(canvas, app, 0, 0, ICON_PX)
    return canvas.picture


def draw_logo(app: str) -> _Picture:
    """Return the logo of an app: height x width x RGBA, 0 to 1."""
    width, height = LOGO_PX
    canvas = _Canvas(width, height)
    _draw_tile(canvas, app, 6, 6, height - 12)
    _draw_waveform(canvas, _COLOURS[app], left=112, middle=height / 2, pitch=11, tall=34)
    return canvas.picture


def png(picture: _Picture) -> bytes:
    """Return a picture as a PNG file of 8 bits a channel (W3C PNG, colour type 6, filter 0)."""
    height, width, _ = picture.shape
    lines = np.zeros((height, 1 + 4 * width), np.uint8)
    lines[:, 1:] = np.round(255 * picture).astype(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


class _Canvas:
    """Pixels to paint shapes on, one over the other; a shape's edge is one pixel wide."""

    def __init__(self, width: int, height: int) -> None:
        self.picture: _Picture = np.zeros((height, width, 4))
        self.y, self.x = np.mgrid[0:height, 0:width] + 0.5

    def paint(self, outside: _Field, colour: tuple[int, int, int]) -> None:
        cover = np.clip(0.5 - outside, 0, 1)[..., None]
        under = self.picture[..., 3:]
        alpha = cover + under * (1 - cover)
        mixed = np.array(colour) / 255 * cover + self.picture[..., :3] * under * (1 - cover)
        self.picture = np.concatenate([mixed / np.maximum(alpha, 1e-9), alpha], axis=2)

    def box(self, x: float, y: float, half: tuple[float, float], round_px: float) -> _Field:
        """Rounded rectangle about (x, y)."""
        across = np.abs(self.x - x) - half[0] + round_px
        down = np.abs(self.y - y) - half[1] + round_px
        outer: _Field = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        field: _Field = outer + np.minimum(np.maximum(across, down), 0) - round_px
        return field

    def ring(self, x: float, y: float, radius: float, wide: float) -> _Field:
        """Circle's line about (x, y)."""
        ring: _Field = np.abs(np.hypot(self.x - x, self.y - y) - radius) - wide / 2
        return ring


def _draw_tile(canvas: _Canvas, app: str, left: float, top: float, size: float) -> None:
    half = size / 2
    canvas.paint(canvas.box(left + half, top + half, (half, half), size * 0.2), _COLOURS[app])
    _SIGNS[app](canvas, left + half, top + half, size / 128)


def _draw_microphone(canvas: _Canvas, x: float, y: float, unit: float) -> None:
    canvas.paint(canvas.box(x, y - 14 * unit, (14 * unit, 28 * unit), 14 * unit), _WHITE)
    arc = np.maximum(canvas.ring(x, y - 8 * unit, 28 * unit, 7 * unit), y - 8 * unit - canvas.y)
    canvas.paint(arc, _WHITE)
    canvas.paint(canvas.box(x, y + 30 * unit, (3.5 * unit, 11 * unit), 2 * unit), _WHITE)
    canvas.paint(canvas.box(x, y + 41 * unit, (17 * unit, 3.5 * unit), 3.5 * unit), _AMBER)


def _draw_loudspeaker(canvas: _Canvas, x: float, y: float, unit: float) -> None:
    canvas.paint(canvas.box(x - 32 * unit, y, (10 * unit, 14 * unit), 3 * unit), _WHITE)
    # A cone: it opens from 12 to 36 units within 26.
    along = (canvas.x - (x - 28 * unit)) / (26 * unit)
    half = (12 + 24 * np.clip(along, 0, 1)) * unit
    cone = np.maximum(np.abs(canvas.y - y) - half, np.abs(canvas.x - (x - 15 * unit)) - 13 * unit)
    canvas.paint(cone, _WHITE)
    for radius, colour in ((22, _WHITE), (38, _AMBER)):
        arc = canvas.ring(x + 2 * unit, y, radius * unit, 7 * unit)
        canvas.paint(np.maximum(arc, np.abs(canvas.y - y) - (canvas.x - x - 2 * unit)), colour)


def _draw_bubble(canvas: _Canvas, x: float, y: float, unit: float) -> None:
    canvas.paint(canvas.box(x, y - 8 * unit, (40 * unit, 28 * unit), 14 * unit), _WHITE)
    tail = np.maximum(canvas.x - (x - 4 * unit), np.abs(canvas.y - (y + 28 * unit)) - 14 * unit)
    canvas.paint(np.maximum(tail, (x - 26 * unit) + (canvas.y - y - 18 * unit) * 0.6 - canvas.x), _WHITE)
    for shift, colour in ((-20, _COLOURS["llm"]), (0, _COLOURS["llm"]), (20, _AMBER)):
        canvas.paint(canvas.box(x + shift * unit, y - 8 * unit, (6 * unit, 6 * unit), 6 * unit), colour)


def _draw_cut_off(canvas: _Canvas, x: float, y: float, unit: float) -> None:
    for shift, tall in ((-40, 12), (-26, 28), (-12, 40), (2, 24)):
        canvas.paint(canvas.box(x + shift * unit, y, (4 * unit, tall * unit), 4 * unit), _WHITE)
    canvas.paint(canvas.box(x + 18 * unit, y, (3 * unit, 48 * unit), 3 * unit), _AMBER)
    for shift in (32, 44):
        canvas.paint(canvas.box(x + shift * unit, y, (3.5 * unit, 3.5 * unit), 3.5 * unit), _WHITE)


_SIGNS: dict[str, Callable[[_Canvas, float, float, float], None]] = {
    "satellite": _draw_cut_off,
    "stt": _draw_microphone,
    "llm": _draw_bubble,
    "tts": _draw_loudspeaker,
}


def _draw_waveform(
    canvas: _Canvas, colour: tuple[int, int, int], *, left: float, middle: float, pitch: float, tall: float
) -> None:
    """Bars of a voice that stops at a line, and silence after it."""
    for place, share in enumerate((0.25, 0.6, 0.9, 0.5, 1.0, 0.7, 0.85)):
        canvas.paint(canvas.box(left + place * pitch, middle, (3.2, tall * share), 3.2), colour)
    canvas.paint(canvas.box(left + 7.2 * pitch, middle, (2.2, tall + 8), 2.2), _AMBER)
    for dot in (8.4, 9.4, 10.4, 11.4):
        canvas.paint(canvas.box(left + dot * pitch, middle, (3.2, 3.2), 3.2), colour)


if __name__ == "__main__":
    raise SystemExit(main())
