"""The short form of what script/test-hold does to the four processes by network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.hold.frames import FRAMES
from tools.hold.part import Part, Size
from tools.hold.strangers import STRANGERS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("part", [STRANGERS, FRAMES], ids=lambda part: part.name)
async def test_no_stranger_gets_anything_and_no_frame_takes_the_room_away(part: Part, tmp_path: Path) -> None:
    rows = await part.run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
