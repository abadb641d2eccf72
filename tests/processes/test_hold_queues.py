"""The short form of what script/test-hold asks of the speech servers by one host, beside a bystander."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.hold.part import Size
from tools.hold.queues import QUEUES

if TYPE_CHECKING:
    from pathlib import Path


async def test_no_host_takes_the_speech_servers_from_another(tmp_path: Path) -> None:
    rows = await QUEUES.run(tmp_path, Size.SHORT)
    assert rows
    assert [row for row in rows if not row.held and not row.timed] == []
