"""The room of a scene as it sounds: takes what is played block by block, gives what the microphone hears."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from interject.satellite.simulator.device import SimulatedDevice
from interject.satellite.simulator.room import Heard
from tools.simulator.convolution import BLOCK_FRAMES, StreamingConvolver
from tools.simulator.delay import DelayLine
from tools.simulator.impulse import PRE_FRAMES
from tools.simulator.levels import RATE_HZ, Signal, frames_of
from tools.simulator.loudspeaker import Driver
from tools.simulator.microphone import Capture
from tools.simulator.rendering import NewResponse
from tools.simulator.scene import DelayJump, Volume

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.audio.base import Samples
    from interject.satellite.simulator.room import OpenRoom
    from interject.wire.trace import Trace
    from tools.simulator.rendering import RenderedScene

# As the device for sound cards has it.
_DEVICE_BLOCK_MS = 20
# A knob is turned, a device is put down again: no click, and quick against everything that follows it.
_TURN_S = 0.05
_MOVE_S = 0.3


class AcousticRoom:
    """A rendered scene as it sounds; after the scene's end only noise and echo remain."""

    def __init__(self, rendered: RenderedScene) -> None:
        scene = rendered.scene
        self._rendered = rendered
        self._frame = 0
        self._changes = deque(rendered.changes)
        later = [change.response for change in rendered.changes if isinstance(change, NewResponse)]
        longest = max(len(response) for response in (rendered.echo_response, *later))
        self._air = StreamingConvolver(rendered.echo_response, longest)
        self._buffers = DelayLine(frames_of(scene.delay_ms / 1000) - PRE_FRAMES, scene.drift_ppm)
        self._driver = Driver(scene.loudspeaker, rendered.distortion)
        self._capture = Capture(scene.capture)
        self._gain = 1.0
        self._turning = np.zeros(0, np.float32)

    @property
    def frame(self) -> int:
        """The frame with which the next block begins."""
        return self._frame

    def step(self, played: Samples) -> Samples:
        """Take what is played in the next blocks (a multiple of 160 samples), give what the microphone hears then."""
        return self.listen(played).mic

    def listen(self, played: Samples) -> Heard:
        """Do as step does, and tell everything apart."""
        if len(played) % BLOCK_FRAMES:
            raise ValueError(f"{len(played)} samples are played; they must be whole blocks of {BLOCK_FRAMES}")
        signal = played.astype(np.float32)
        signal *= np.float32(1 / INT16_FULL_SCALE)
        echo, mic = np.empty_like(signal), np.empty_like(signal)
        people = np.zeros_like(signal)
        said = self._rendered.people[self._frame : self._frame + len(signal)]
        people[: len(said)] = said
        noise = self._rendered.noise.take(np.arange(self._frame, self._frame + len(signal)), mode="wrap")
        for start in range(0, len(signal), BLOCK_FRAMES):
            block = slice(start, start + BLOCK_FRAMES)
            self._change()
            echo[block] = self._air.process(self._buffers.process(self._driven(signal[block])))
            gain = self._capture.gain(echo[block] + people[block] + noise[block])
            for part in (echo, people, noise):
                part[block] *= gain
            mic[block] = self._capture.finish(echo[block] + people[block] + noise[block])
            self._frame += BLOCK_FRAMES
        return Heard(to_int16(mic), played, played, echo, people, noise)

    def _driven(self, block: Signal) -> Signal:
        if len(self._turning):
            gain, self._turning = self._turning[:BLOCK_FRAMES], self._turning[BLOCK_FRAMES:]
            block = block * gain
        elif self._gain != 1.0:
            block = block * np.float32(self._gain)
        return self._driver.process(block)

    def _change(self) -> None:
        """Let happen what is due in the block that begins now."""
        while self._changes and self._changes[0].at_frame < self._frame + BLOCK_FRAMES:
            match self._changes.popleft():
                case Volume(by_db=by_db):
                    before, self._gain = self._gain, self._gain * 10 ** (by_db / 20)
                    blocks = frames_of(_TURN_S) // BLOCK_FRAMES
                    self._turning = np.linspace(before, self._gain, blocks * BLOCK_FRAMES, dtype=np.float32)
                case DelayJump(by_ms=by_ms):
                    self._buffers.jump(frames_of(by_ms / 1000))
                case NewResponse(response=response):
                    self._air.change_to(response, frames_of(_MOVE_S))


class SceneRoom:
    """A scene as the Room of a simulated device; the mixer's hum, where the scene has one, is in what is sent."""

    def __init__(self, rendered: RenderedScene) -> None:
        self._rendered = rendered

    @property
    def name(self) -> str:
        """What logs and errors call a device in it."""
        return f"the room of {self._rendered.scene.name}"

    @property
    def rate_hz(self) -> int:
        """Sample rate of both directions."""
        return RATE_HZ

    @property
    def output_latency_frames(self) -> int:
        """All of the scene's delay: where in it the loudspeaker is, nobody needs to know."""
        return frames_of(self._rendered.scene.delay_ms / 1000)

    def open(self, trace: Trace) -> OpenRoom:
        """Begin the scene anew."""
        del trace
        return _OpenSceneRoom(self._rendered)


class _OpenSceneRoom:
    def __init__(self, rendered: RenderedScene) -> None:
        self._rendered = rendered
        self._room = AcousticRoom(rendered)

    def listen(self, played: Samples) -> Heard:
        """Take what the device is told to play in its next block, give what is heard during it."""
        return self._room.listen(self._rendered.sent(played, self._room.frame))


def device_in(rendered: RenderedScene, told: Callable[[Heard], None] | None = None) -> SimulatedDevice:
    """Make a device in a scene, with blocks as sound cards have them; `told` gets what is heard, taken apart."""
    return SimulatedDevice(SceneRoom(rendered), block_ms=_DEVICE_BLOCK_MS, told=told)
