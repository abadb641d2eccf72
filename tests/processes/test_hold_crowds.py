"""The short form of what script/test-hold does with many connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.hold.crowds import CROWDS
from tools.hold.part import Size

if TYPE_CHECKING:
    from pathlib import Path


async def test_no_crowd_of_connections_takes_the_room_away(tmp_path: Path) -> None:
    rows = await CROWDS.run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
