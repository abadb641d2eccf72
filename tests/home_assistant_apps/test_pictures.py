"""The pictures of the apps are those that the script draws, in the sizes that Home Assistant asks for."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from tools.generators.app_pictures import draw_icon, draw_logo, png

_APPS = Path(__file__).parents[2] / "home_assistant_apps"


def pixels(data: bytes) -> tuple[int, int, bytes]:
    """Return width, height and the lines of a PNG as it came from `png`, whichever zlib packed it."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    (length,) = struct.unpack(">I", data[33:37])
    assert data[37:41] == b"IDAT"
    return width, height, zlib.decompress(data[41 : 41 + length])


@pytest.mark.parametrize("app", ["satellite", "stt", "llm", "tts"])
def test_they_are_as_drawn(app: str) -> None:
    icon = pixels((_APPS / app / "icon.png").read_bytes())
    logo = pixels((_APPS / app / "logo.png").read_bytes())
    assert icon[:2] == (128, 128)
    assert logo[:2] == (250, 100)
    assert icon == pixels(png(draw_icon(app)))
    assert logo == pixels(png(draw_logo(app)))
