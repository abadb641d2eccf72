"""The virtual card with its room: brought up, and ended in every case."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.wire.errors import InterjectError
from tools.sound_card.air import AIR_LOG, LOUDSPEAKER, MICROPHONE, RENDERED_FILE, SCENE_FILE, SPOKEN
from tools.sound_card.tape import has_begun, read_tape
from tools.testing.virtual_card import HEADSET, virtual_card
from tools.testing.virtual_card import why_not as why_no_card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Samples
    from tools.simulator.corpus import Corpus
    from tools.simulator.rendering import RenderedScene
    from tools.simulator.scene import Scene
    from tools.sound_card.tape import Tape

_REPOSITORY = Path(__file__).resolve().parents[2]
# Its imports take 2 s on an idle machine.
_READY_WITHIN_S = 30.0
_ENDED_WITHIN_S = 5.0
_ALSA_PLUGIN = "libasound_module_pcm_pulse.so"


class CardError(InterjectError):
    """The virtual card or its room does not come up."""


class RoomCard:
    """A plugged card in a room; `folder` has its recordings."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._spoken = folder / f"{SPOKEN}.s16"
        self.environment = environment
        self.rendered: RenderedScene = pickle.loads((folder / RENDERED_FILE).read_bytes())

    @property
    def loudspeaker(self) -> Tape:
        """What the loudspeaker has given so far."""
        return read_tape(self._folder, LOUDSPEAKER)

    @property
    def microphone(self) -> Tape:
        """What the microphone has got so far."""
        return read_tape(self._folder, MICROPHONE)

    @property
    def spoken(self) -> Samples:
        """What the room has given to the air so far, at 16 kHz; sample n belongs to frame n of the scene."""
        return np.fromfile(self._spoken, np.int16)

    @property
    def spoken_frames(self) -> int:
        """How far the scene has been played."""
        return self._spoken.stat().st_size // np.int16().itemsize

    @property
    def slips(self) -> int:
        """How often the room was too late for the microphone; that is the machine's doing, and moves the echo."""
        return (self._folder / AIR_LOG).read_text(errors="replace").count("Stream underrun")


def why_not() -> str | None:
    """Tell what this machine lacks for the card; None when it has all."""
    if (reason := why_no_card()) is not None:
        return reason
    if shutil.which("parec") is None:
        return "no parec (Debian package pulseaudio-utils)"
    if not any(Path("/usr/lib").glob(f"*/alsa-lib/{_ALSA_PLUGIN}")):
        return "ALSA does not reach PulseAudio (Debian package libasound2-plugins)"
    return None


@contextmanager
def room_card(scene: Scene, corpus: Corpus, folder: Path) -> Iterator[RoomCard]:
    """Give a card in the scene's room; `folder` has a short path, as it holds a socket.

    The room is another process for one more reason: to compute it starts a PortAudio, which would see no card that
    comes later. Raises CardError.
    """
    folder.joinpath(SCENE_FILE).write_bytes(pickle.dumps((scene, corpus)))
    with virtual_card(folder, HEADSET) as card:
        environment = {**os.environ, **card.environment, "PYTHONPATH": str(_REPOSITORY)}
        words = [sys.executable, "-m", "tools.sound_card.air", str(folder)]
        room = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
        try:
            _wait_for_sound(folder, room)
            yield RoomCard(folder, card.environment)
        finally:
            room.terminate()
            try:
                room.wait(_ENDED_WITHIN_S)
            except subprocess.TimeoutExpired:
                room.kill()
                room.wait()


def _wait_for_sound(folder: Path, room: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _READY_WITHIN_S
    while not (has_begun(folder, LOUDSPEAKER) and has_begun(folder, MICROPHONE)):
        if room.poll() is not None:
            raise CardError(f"the room of the virtual card ended with status {room.returncode}")
        if time.monotonic() > give_up:
            raise CardError(f"the room of the virtual card gave no sound within {_READY_WITHIN_S:g} s")
        time.sleep(0.02)
