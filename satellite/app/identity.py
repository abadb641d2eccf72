"""What makes a satellite the one that it was before a restart."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from interject.satellite.control.place import plain_name
from interject.satellite.state_file import StateFile

if TYPE_CHECKING:
    from pathlib import Path

_CONVERSATION = "conversation"
# The name is for people; what tells satellites apart is this much of a hash.
_DIGEST_CHARACTERS = 8
_RANDOM_BYTES = 16


def satellite_state(folder: Path, name: str, place: str) -> StateFile:
    """Return the file of a satellite; those of the same name that listen at different places are different ones."""
    digest = hashlib.sha256(f"{name}@{place}".encode()).hexdigest()[:_DIGEST_CHARACTERS]
    file = folder / f"satellite-{plain_name(name)}-{digest}.json"
    return StateFile(file, "which conversation and which Home Assistant are this satellite's")


async def conversation_id(state: StateFile | None, name: str) -> str:
    """Return the id of a satellite's conversation, made up when there is none yet; without a file it is new each time.

    Whoever knows the id can ask the bridge what was said: it begins with the name, by which people find it in a list,
    and ends with what nobody can guess.
    """
    kept = (await state.read()).get(_CONVERSATION) if state is not None else None
    if isinstance(kept, str) and kept:
        return kept
    fresh = f"satellite-{plain_name(name)}-{secrets.token_hex(_RANDOM_BYTES)}"
    if state is not None:
        await state.put(_CONVERSATION, fresh)
    return fresh
