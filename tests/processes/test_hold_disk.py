"""The short form of what script/test-hold does to the bridge's disk, and of how long it looks for what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.hold.disk import DISK
from tools.hold.kept import KEPT
from tools.hold.part import Part, Size

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("part", [DISK, KEPT], ids=lambda part: part.name)
async def test_no_answer_depends_on_the_disk_and_what_was_said_is_kept_as_long_as_it_may(
    part: Part, tmp_path: Path
) -> None:
    rows = await part.run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
