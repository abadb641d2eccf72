"""The room between a virtual card's loudspeaker and its microphone: a process of its own, in real time.

    python -m tools.sound_card.air FOLDER

plays the scene of FOLDER/scene.pickle, with its corpus, until it is told to end. It leaves rendered.pickle there, and
recordings: what the loudspeaker gave, what the microphone got, and what was said to the air, so that a sound of the
scene can be found in the others.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import to_int16
from interject.satellite.audio.resampling import CaptureResampler
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.levels import RATE_HZ
from tools.simulator.rendering import render_scene
from tools.sound_card.tape import RATE_HZ as CARD_RATE_HZ
from tools.sound_card.tape import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Samples
    from tools.simulator.rendering import RenderedScene

LOUDSPEAKER, MICROPHONE, SPOKEN = "loudspeaker", "microphone", "spoken"
SCENE_FILE, RENDERED_FILE = "scene.pickle", "rendered.pickle"
AIR_LOG = "air.log"
# What the air holds in store: more than a busy machine keeps this process waiting. It is a part of the echo's delay.
_STORE_MS = 60


def main(folder: Path) -> int:
    """Perform."""
    rendered = render_scene(*pickle.loads((folder / SCENE_FILE).read_bytes()))
    (folder / RENDERED_FILE).write_bytes(pickle.dumps(rendered))
    environment = dict(os.environ)
    words = ["pacat", "--verbose", "--device=air", f"--rate={RATE_HZ}", "--channels=1", "--format=s16le", "--raw"]
    with (
        (folder / AIR_LOG).open("wb") as log,
        Recorder("loudspeaker.monitor", folder, LOUDSPEAKER, environment) as loudspeaker,
        Recorder("air.monitor", folder, MICROPHONE, environment) as microphone,
        subprocess.Popen(
            [*words, f"--latency-msec={_STORE_MS}"], env=environment, stdin=subprocess.PIPE, stderr=log
        ) as air,
        (folder / f"{SPOKEN}.s16").open("wb", buffering=0) as spoken,
    ):
        listening = threading.Thread(target=_drain, args=(microphone,), name="microphone")
        listening.start()
        signal.signal(signal.SIGTERM, lambda *_: loudspeaker.stop())
        assert air.stdin is not None
        for heard in _performance(rendered, loudspeaker):
            spoken.write(heard.tobytes())
            air.stdin.write(heard.tobytes())
            air.stdin.flush()
        microphone.stop()
        listening.join()
    return 0


def _performance(rendered: RenderedScene, loudspeaker: Recorder) -> Iterator[Samples]:
    """Give what is heard of what is played, in whole blocks of the room."""
    room, resampler = AcousticRoom(rendered), CaptureResampler(CARD_RATE_HZ)
    waiting = np.zeros(0, np.int16)
    for piece in loudspeaker:
        waiting = np.concatenate([waiting, to_int16(resampler.process(piece))])
        ready = len(waiting) // BLOCK_FRAMES * BLOCK_FRAMES
        if ready:
            yield room.step(waiting[:ready])
            waiting = waiting[ready:]


def _drain(recorder: Recorder) -> None:
    for _ in recorder:
        pass


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
