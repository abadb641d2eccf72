"""What a satellite keeps over a restart, and that it goes on where that cannot be kept."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING

import pytest

from interject.satellite.app.info import conversation_id, satellite_state

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.state_file import StateFile


def state(folder: Path, name: str = "kitchen", place: str = "10700") -> StateFile:
    return satellite_state(folder, name, place)


async def id_of(folder: Path, name: str = "kitchen", place: str = "10700") -> str:
    return await conversation_id(state(folder, name, place), name)


def only_file(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_conversation_goes_on_after_a_restart_and_is_no_other_satellites(tmp_path: Path) -> None:
    folder = tmp_path / "interject"
    kept = await id_of(folder)
    assert await id_of(folder) == kept
    # 客厅 and 卧室 look the same once a file name has nothing but ASCII in it.
    others = [await id_of(folder, name) for name in ("hall", "客厅", "卧室", "Kitchen")]
    typed = await id_of(folder, place="text")
    assert len({kept, typed, *others}) == 6
    # So it is found in a list, and by nobody who knows the name.
    assert re.fullmatch("satellite-kitchen-[0-9a-f]{32}", kept)
    assert re.fullmatch("satellite-satellite-[0-9a-f]{32}", others[1])


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    await id_of(tmp_path / "interject")
    file = only_file(tmp_path / "interject")
    assert file.name.startswith("satellite-kitchen-")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", ["no json", "[1]", '{"conversation": 5}', '{"conversation": ""}'])
async def test_a_damaged_file_begins_the_conversation_anew(tmp_path: Path, content: str) -> None:
    kept = await id_of(tmp_path)
    file = only_file(tmp_path)
    file.write_text(content)
    fresh = await id_of(tmp_path)
    assert fresh != kept
    assert await id_of(tmp_path) == fresh


async def test_a_file_that_cannot_be_read_is_told_with_a_remedy_and_left_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await id_of(tmp_path)
    file = only_file(tmp_path)
    file.unlink()
    file.mkdir()
    first, second = await id_of(tmp_path), await id_of(tmp_path)
    assert first != second
    assert file.is_dir()
    assert str(file) in warnings(caplog)[0]
    assert "make it readable, or delete it" in warnings(caplog)[0]


async def test_a_folder_that_cannot_be_written_is_told_once_and_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "folder").write_text("")
    kept = state(tmp_path / "folder")
    await kept.put("one", 1)
    await kept.put("one", 1)
    assert len(warnings(caplog)) == 1
    (tmp_path / "folder").unlink()
    await kept.put("one", 1)
    assert "kept again" in warnings(caplog)[-1]
    assert await kept.read() == {"one": 1}


async def test_what_is_kept_at_the_same_time_is_all_kept(tmp_path: Path) -> None:
    kept = state(tmp_path)
    await asyncio.gather(*(kept.put(str(number), number) for number in range(20)))
    assert await kept.read() == {str(number): number for number in range(20)}
    assert only_file(tmp_path)
