"""A satellite that lives for days in virtual time: its sound goes on by itself, and scenes happen to it."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import psutil

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import Block
from interject.satellite.audio.player import Player
from interject.satellite.conversation.loop import Conversation
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.turn.state import Phase
from tools.testing.virtual_clock import elapse
from tools.virtual.room import BLOCK, LATENCY, EnergyVad
from tools.virtual.signals import RATE_HZ, user_voice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from interject.satellite.audio.base import Samples
    from interject.satellite.transports.base import Transport
    from interject.satellite.turn.settings import TurnSettings
    from interject.wire.trace import Record

# Where nothing happens for minutes, as a card with a large buffer gives it: what a block costs by itself is saved.
_REST_BLOCK = 5 * BLOCK
_HOUR_S = 3600.0
# As long as a user is silent between two conversations, and how many things they say in one.
_PAUSE_S = 1500.0
_SCENES = 12
# After the longest reply; whoever is not at rest by then will never be.
_REST_WITHIN_S = 120.0
_SETTLED_S = 0.5
_ANSWERED_WITHIN_S = 20.0
_SEED = 12
_MB = 1e6
# The noise of a quiet room, in steps of 16 bits.
_NOISE = 3


@dataclass(frozen=True, slots=True)
class Use:
    """What a process uses at an hour of its life, while nothing happens."""

    hour: float
    rss_mb: float
    descriptors: int
    tasks: int
    threads: int
    objects: int


@dataclass(slots=True)
class Lived:
    """What came of a life: its length, its use each hour, how often what happened, and what was wrong, in words."""

    transport: str
    hours: float = 0.0
    uses: list[Use] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Tally:
    """A trace that only counts."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def emit(self, record: Record, _t: float | None = None, /) -> None:
        """Count it."""
        self.counts[record.KIND] += 1


class Faults(logging.Handler):
    """Collects what is logged with a traceback: the satellite's own mistakes."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of it."""
        if record.exc_info:
            self.found.append(record.getMessage())


class VirtualLife(ABC):
    """A satellite with a pipeline; who derives from it knows what can happen to it."""

    def __init__(self, name: str, transport: Transport, settings: TurnSettings) -> None:
        self.random = Random(_SEED)  # noqa: S311 - the same life each time
        self.tally = Tally()
        self.lived = Lived(name)
        self._player = Player(RATE_HZ)
        self._transport = transport
        hearing = HearingSettings(vad_noise_suppression=0, vad_gain_db=0)
        front_end = FrontEnd(RATE_HZ, hearing, EnergyVad(), make_echo_control(CancellerKind.NONE))
        self.conversation = Conversation(settings, self._player, front_end, transport, self.tally)
        self._noise = np.random.default_rng(_SEED).integers(-_NOISE, _NOISE + 1, _REST_BLOCK).astype(np.int16)
        self._said: Samples = np.zeros(0, np.int16)
        self._sounds = False

    @property
    @abstractmethod
    def scenes(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What can happen, by name."""

    @abstractmethod
    def faults(self) -> list[str]:
        """Say what of its surroundings is still taken for broken, or held, while nothing happens."""

    @abstractmethod
    def forget(self) -> None:
        """Drop what the simulated servers remember: only the satellite's memory is of interest."""

    async def live(self, hours: float, patience_s: float) -> Lived:
        """Live for some hours of the event loop's clock, which must be virtual; fewer when real time runs out."""
        faults = Faults()
        logging.getLogger().addHandler(faults)
        working = asyncio.create_task(self._transport.run(self.conversation), name="pipeline")
        sounding = asyncio.create_task(self._sound(), name="sound")
        try:
            await self._days(hours, time.monotonic() + patience_s)
            for task in (working, sounding):
                if task.done():
                    self.lived.wrong.append(f"{task.get_name()} ended: {task.exception()!r}")
        finally:
            for task in (working, sounding):
                task.cancel()
            await asyncio.wait((working, sounding))
            logging.getLogger().removeHandler(faults)
        self.lived.wrong += faults.found
        self.lived.happened += self.tally.counts
        return self.lived

    async def say(self, utterance: int, seconds: float, *, whole: bool = True) -> None:
        """Have the user say an utterance; returns when they have finished, or at once."""
        self._said = user_voice(utterance, round(seconds * RATE_HZ))
        if whole:
            await elapse(seconds)

    async def until(self, holds: Callable[[], bool], patience_s: float) -> bool:
        """Wait until something holds, for so long at most; tells whether it does."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + patience_s
        while not holds():
            if loop.time() > deadline_s:
                return False
            await elapse(BLOCK / RATE_HZ)
        return True

    async def counted(self, kind: str, since: int, patience_s: float) -> bool:
        """Wait for one more record of a kind than there were; tells whether it came."""
        return await self.until(lambda: self.tally.counts[kind] > since, patience_s)

    async def rests(self) -> bool:
        """Wait until nothing sounds and nobody has the floor; tells whether it comes to that."""
        at_rest_since: list[float] = []

        def settled() -> bool:
            now = asyncio.get_running_loop().time()
            if self.conversation.phase is not Phase.IDLE or self._sounds or len(self._said):
                at_rest_since.clear()
            elif not at_rest_since:
                at_rest_since.append(now)
            return bool(at_rest_since) and now - at_rest_since[0] >= _SETTLED_S

        return await self.until(settled, _REST_WITHIN_S)

    async def _days(self, hours: float, give_up_at: float) -> None:
        now = asyncio.get_running_loop().time
        next_hour = 1
        while now() < hours * _HOUR_S and time.monotonic() < give_up_at:
            for _ in range(_SCENES):
                name, scene = self.random.choice(list(self.scenes.items()))
                self.lived.happened[f"scene: {name}"] += 1
                await scene()
                await self._is_well(f"{now() / _HOUR_S:.2f} h, after {name}")
            self.forget()
            await elapse(_PAUSE_S)
            if now() >= next_hour * _HOUR_S:
                self.lived.uses.append(_use(now() / _HOUR_S))
                next_hour = int(now() / _HOUR_S) + 1
        self.lived.hours = now() / _HOUR_S

    async def _is_well(self, when: str) -> None:
        """Wait for rest, look whether anything is left of what happened, and ask something."""
        if not await self.rests():
            self.lived.wrong.append(f"{when}: it never rests")
        if left := self.faults():
            self.lived.wrong.append(f"{when}: {', '.join(left)}")
        played = self.tally.counts["reply-played"]
        await self.say(1, 0.6)
        if not await self.counted("reply-played", played, _ANSWERED_WITHIN_S):
            self.lived.wrong.append(f"{when}: a question was not answered")
        await self.rests()

    async def _sound(self) -> None:
        frame = 0
        while True:
            busy = self.conversation.phase is not Phase.IDLE or len(self._said) > 0 or self._sounds
            frames = BLOCK if busy else _REST_BLOCK
            await elapse(frames / RATE_HZ)
            played = self._player.render(frames)
            self._sounds = bool(played.any())
            mic = self._noise[:frames].copy()
            now, self._said = self._said[:frames], self._said[frames:]
            mic[: len(now)] = now
            self.conversation.on_block(Block(mic, played, frame), LATENCY)
            frame += frames


def _use(hour: float) -> Use:
    gc.collect()
    process = psutil.Process()
    return Use(
        hour=hour,
        rss_mb=process.memory_info().rss / _MB,
        descriptors=process.num_fds(),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        objects=len(gc.get_objects()),
    )
