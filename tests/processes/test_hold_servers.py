"""The short form of what script/test-hold does to servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.hold.faults import SERVER_FAULTS
from tools.hold.part import Size
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from pathlib import Path


@real_time
async def test_whoever_loses_a_server_is_told_once_and_answered_afterwards(tmp_path: Path) -> None:
    rows = await SERVER_FAULTS.run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
