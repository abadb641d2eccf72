"""The short form of the long lives of script/test-hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.hold.lives import lives
from tools.hold.part import Size

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_satellite_is_after_hours_as_it_was_after_one(tmp_path: Path) -> None:
    rows = await lives().run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
