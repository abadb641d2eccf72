"""What is kept on disk of what was said: who may read it."""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING

from script.support.hold.part import Part, Row
from script.support.hold.talking_house import talking_house

if TYPE_CHECKING:
    from pathlib import Path

    from script.support.hold.part import Size

_QUESTION = "what_time_is_it"
_ANSWERED_WITHIN_S = 20.0
_OTHERS = 0o077


async def run_kept(folder: Path, _: Size) -> list[Row]:
    """Have a house write all that it can keep, and look who may read it."""
    return [await _private(folder / "house")]


KEPT = Part("kept", run_kept)


async def _private(folder: Path) -> Row:
    recordings = folder / "recordings"
    async with talking_house(folder, {"satellite": ("--debug-recording-dir", str(recordings))}) as house:
        house.say(_QUESTION)
        await house.seen(lambda: bool(house.of("reply-played")), _ANSWERED_WITHIN_S)
        modes = await asyncio.to_thread(_modes, folder)
    readable = sorted(path.name for path, mode in modes.items() if mode & _OTHERS)
    kinds = {path.suffix for path in modes}
    umask = os.umask(_OTHERS)
    os.umask(umask)
    return Row(
        "files with what was said",
        f"{len(modes)} files of a house that talked, umask {umask:03o}",
        f"others may read {', '.join(readable) or 'none'}",
        "none: traces, conversations, recordings",
        not readable and {".jsonl", ".sqlite3", ".wav"} <= kinds,
    )


def _modes(folder: Path) -> dict[Path, int]:
    """Return the modes of the files that were written below a folder, but for logs, which go wherever we send them."""
    found = {path: path.lstat().st_mode for path in folder.rglob("*") if path.suffix != ".log"}
    return {path: mode for path, mode in found.items() if stat.S_ISREG(mode)}
