"""What the simulated user says, and when."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.satellite.audio.base import RoomScriptError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class AtTime:
    """At this second of the room's clock, or as soon as it is the clip's turn."""

    at_s: float


@dataclass(frozen=True, slots=True)
class AfterLoudspeaker:
    """When the loudspeaker has been audible for this long since the previous clip ended."""

    after_loudspeaker_s: float


@dataclass(frozen=True, slots=True)
class AfterClip:
    """This long after the end of the previous clip (of the room's start, for the first)."""

    after_clip_s: float


Start = AtTime | AfterLoudspeaker | AfterClip

STARTS: dict[str, type[AtTime | AfterLoudspeaker | AfterClip]] = {
    "at_s": AtTime,
    "after_loudspeaker_s": AfterLoudspeaker,
    "after_clip_s": AfterClip,
}


@dataclass(frozen=True, slots=True)
class RoomClip:
    """One recording that the user "says"."""

    path: Path
    start: Start
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class RoomScript:
    """Clips in the order in which they are said, one at a time."""

    clips: tuple[RoomClip, ...] = ()


def load_script(path: Path) -> RoomScript:
    """Read a script: {"clips": [{"path", "start", "gain_db"}]}; paths are relative to the script.

    Raises RoomScriptError that names what is wrong and where.
    """
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RoomScriptError(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise RoomScriptError(path, f"is no JSON: {error}") from error
    clips = parsed.get("clips") if isinstance(parsed, dict) else None
    if not isinstance(clips, list) or len(parsed) != 1:
        raise RoomScriptError(path, 'must be {"clips": [...]}')
    return RoomScript(tuple(_clip(path, number, clip) for number, clip in enumerate(clips)))


def _clip(script: Path, number: int, clip: Any) -> RoomClip:
    where = f"clips[{number}]"
    if not isinstance(clip, dict) or not {"path", "start"} <= clip.keys() <= {"path", "start", "gain_db"}:
        raise RoomScriptError(script, f'{where} must have "path" and "start", may have "gain_db" and nothing else')
    if not isinstance(clip["path"], str):
        raise RoomScriptError(script, f"{where}.path must be text")
    audio = script.parent / clip["path"]
    if not audio.is_file():
        raise RoomScriptError(script, f"{where}.path: there is no file {audio}")
    gain_db = clip.get("gain_db", 0.0)
    if not _is_number(gain_db):
        raise RoomScriptError(script, f"{where}.gain_db must be a number, it is {gain_db!r}")
    return RoomClip(audio, _start(script, where, clip["start"]), float(gain_db))


def _start(script: Path, where: str, start: Any) -> Start:
    accepted = " | ".join(f'{{"{key}": seconds}}' for key in STARTS)
    if not isinstance(start, dict) or len(start) != 1 or not start.keys() <= STARTS.keys():
        raise RoomScriptError(script, f"{where}.start must be one of {accepted}; it is {start!r}")
    ((key, seconds),) = start.items()
    if not _is_number(seconds) or seconds < 0:
        raise RoomScriptError(script, f"{where}.start.{key} must be seconds ≥ 0, it is {seconds!r}")
    return STARTS[key](float(seconds))


def _is_number(value: Any) -> bool:
    # Python's JSON knows NaN and Infinity.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
