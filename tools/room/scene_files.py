"""A scene as files: what was played, what was heard of it, and the truth about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.audio.pcm import to_int16
from tools.bench.real.recordings import write_wav
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from interject.satellite.audio.base import Samples
    from interject.satellite.simulator.room import Heard
    from tools.simulator.rendering import RenderedScene


def render(rendered: RenderedScene, folder: Path) -> None:
    """Play the reply, whatever happens, and write mic, loudspeaker, user and echo.wav and labels.json."""
    room = AcousticRoom(rendered)
    frames = -(-rendered.scene.frames // BLOCK_FRAMES) * BLOCK_FRAMES
    played = np.zeros(frames, np.int16)
    played[: len(rendered.reply)] = rendered.uninterrupted()
    write_scene(folder, rendered, played, room.listen(played))


def write_scene(
    folder: Path, rendered: RenderedScene, played: Samples, heard: Heard, told: Mapping[str, object] | None = None
) -> None:
    """Write what was played, what was heard of it, and the truth; `told` is put beside it in labels.json."""
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(folder / "mic.wav", heard.mic, RATE_HZ)
    write_wav(folder / "loudspeaker.wav", played, RATE_HZ)
    write_wav(folder / "user.wav", to_int16(heard.people), RATE_HZ)
    write_wav(folder / "echo.wav", to_int16(heard.echo), RATE_HZ)
    truth = {**_truth(rendered), **(told or {})}
    (folder / "labels.json").write_text(json.dumps(truth, indent=1, default=plain) + "\n", encoding="utf-8")


def _truth(rendered: RenderedScene) -> dict[str, Any]:
    labels = [
        {
            "start_s": label.start_frame / RATE_HZ,
            "end_s": label.end_frame / RATE_HZ,
            "must_interrupt": label.kind in INTERRUPTIONS,
            **asdict(label),
        }
        for label in rendered.labels
    ]
    return {"rate_hz": RATE_HZ, "labels": labels, "scene": asdict(rendered.scene)}


def plain(value: object) -> object:
    """Give an enum's value for JSON; TypeError for what has no place there."""
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{value!r} has no place in JSON")
