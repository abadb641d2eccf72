"""The device and the player alone: what was played is found again, to the sample, in what left the sound server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.base import running
from interject.satellite.audio.player import Player
from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.satellite.audio.base import Block, Device, Samples
    from tools.sound_card.tape import Tape

# A fifth of full scale: far above what rounding leaves, and no room clips.
_NOISE_PEAK = 6500
# Into the reply; drawn anew each time, so that no phase of the device's period is preferred.
_PAUSED_AFTER_S = (0.5, 1.5)
# Longer than any latency here, so that what comes after a pause would be seen.
_AFTER_S = 0.4
_REPLY_S = _PAUSED_AFTER_S[1] + 2 * _AFTER_S
# The first 20 ms of a noise are like nothing else in it.
_RECOGNISED_FRAMES = 960
_SEARCHED_S = 1.0
# Rounding on the way through the sound server.
_SAME = 2
# Three periods of 20 ms: a hiccup that a listener would hear.
_STALL_S = 0.06


class NothingHeardError(InterjectError):
    """What was played did not leave the loudspeaker."""

    def __init__(self, trial: int) -> None:
        super().__init__(f"the reply of trial {trial} is not in the recording of the loudspeaker")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A reply that was paused; times are monotonic, in seconds, and frames the reply's own.

    handed_s: when its first period was handed to the device. paused_s: when pause() was called; then
    latency_frames, as the device reported it, and the position that the player told. pause_point: where it holds.
    settled: the position that it told when all was silent.
    """

    reply: Samples
    handed_s: float
    paused_s: float
    latency_frames: int
    position: int
    pause_point: int
    settled: int


@dataclass(frozen=True, slots=True)
class Running:
    """What a device did meanwhile: periods given, frames lost, and waits of more than 60 ms between two fetches."""

    rate_hz: int
    blocks: int
    lost_frames: int
    stalls: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What left the loudspeaker in a trial.

    latency_ms: from handing the reply's first period over to its first sample at the loudspeaker. position: of the
    reply when pause() was called, in frames. silent_ms: from pause() to the last audible sample. altered: frames before
    the pause point that are missing or other than played. beyond: audible frames from the pause point on.
    """

    latency_ms: float
    position: int
    silent_ms: float
    altered: int
    beyond: int


async def measure_pauses(device: Device, count: int) -> tuple[list[Trial], Running]:
    """Open the device, and play and pause `count` replies of noise, each from its beginning."""
    deck = Deck(device)
    async with running(device, deck.render) as blocks:
        await deck.pass_time(blocks, _AFTER_S)
        trials = [await _trial(deck, blocks, number) for number in range(count)]
    return trials, deck.running


def find_truth(trials: list[Trial], tape: Tape) -> list[Truth]:
    """Find the replies in what the loudspeaker gave; NothingHeardError where one is missing."""
    return [_truth(number, trial, tape) for number, trial in enumerate(trials)]


class Deck:
    """A player on a device; keeps when it was asked for what."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.player = Player(device.rate_hz)
        self.sounded_s: float | None = None
        self._fetched_s: float | None = None
        self._blocks = 0
        self._lost_frames = 0
        self._next_frame: int | None = None
        self._stalls = 0

    @property
    def running(self) -> Running:
        """How the device has run so far."""
        return Running(self.device.rate_hz, self._blocks, self._lost_frames, self._stalls)

    def render(self, frames: int) -> Samples:
        """Give what the player renders; `sounded_s` keeps when that was first no silence since it was None."""
        now_s = time.monotonic()
        samples = self.player.render(frames)
        if self._fetched_s is not None and now_s - self._fetched_s > _STALL_S:
            self._stalls += 1
        self._fetched_s = now_s
        if self.sounded_s is None and samples.any():
            self.sounded_s = now_s
        return samples

    def took(self, block: Block) -> None:
        """Count a period."""
        self._blocks += 1
        if self._next_frame is not None:
            self._lost_frames += block.frame - self._next_frame
        self._next_frame = block.frame + len(block.mic)

    async def pass_time(self, blocks: AsyncIterator[Block], seconds: float) -> None:
        """Let the device run for so long."""
        until = self.player.device_frames + seconds * self.device.rate_hz
        while self.player.device_frames < until:
            self.took(await anext(blocks))


async def _trial(deck: Deck, blocks: AsyncIterator[Block], number: int) -> Trial:
    random = np.random.default_rng(number)
    player, rate_hz = deck.player, deck.device.rate_hz
    reply = random.integers(-_NOISE_PEAK, _NOISE_PEAK, round(_REPLY_S * rate_hz), np.int16)
    deck.sounded_s = None
    player.begin(number)
    player.feed(number, reply)
    player.end(number)
    await deck.pass_time(blocks, random.uniform(*_PAUSED_AFTER_S))
    # Blocks come right after a fetch: a pause that always fell there would have the longest way.
    await asyncio.sleep(random.uniform(0, 1 / 50))
    latency_frames = deck.device.output_latency_frames
    position, paused_s = player.position(latency_frames), time.monotonic()
    player.pause()
    pause_point = player.paused_at() or 0
    await deck.pass_time(blocks, _AFTER_S)
    settled = player.position(deck.device.output_latency_frames)
    player.flush(number)
    return Trial(reply, deck.sounded_s or paused_s, paused_s, latency_frames, position, pause_point, settled)


def _truth(number: int, trial: Trial, tape: Tape) -> Truth:
    searched = tape.between(trial.handed_s, trial.handed_s + _SEARCHED_S).astype(np.float32)
    known = trial.reply[:_RECOGNISED_FRAMES].astype(np.float32)
    alike = np.correlate(searched, known, "valid")
    start = tape.frame_at(trial.handed_s) + int(alike.argmax())
    if alike.max() < 0.5 * float(known @ known):
        raise NothingHeardError(number)
    point = start + trial.pause_point
    gave = tape.samples[start:point].astype(np.int32)
    wanted = trial.reply[: trial.pause_point].astype(np.int32)
    altered = trial.pause_point - int((np.abs(gave - wanted[: len(gave)]) <= _SAME).sum())
    after = tape.samples[start : tape.frame_at(trial.paused_s + _AFTER_S)].astype(np.int32)
    last = start + int(np.flatnonzero(np.abs(after) > _SAME)[-1])
    return Truth(
        latency_ms=1000 * (tape.time_of(start) - trial.handed_s),
        position=tape.frame_at(trial.paused_s) - start,
        silent_ms=1000 * (tape.time_of(last) - trial.paused_s),
        altered=altered,
        beyond=max(0, last + 1 - point),
    )
