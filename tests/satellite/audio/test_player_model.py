"""Random use of the player against a model that handles one sample at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from interject.satellite.audio.player import Player, PlayerPhase

# A low rate keeps the ramps (20, 150 and 10 frames) short beside the blocks.
RATE_HZ = 1000
DUCKED = 10 ** (-12 / 20)
KEEP = RATE_HZ


@dataclass
class Gain:
    """A gain along half a cosine, one step a frame."""

    value: float = 1.0
    plan: list[float] = field(default_factory=list)

    def to(self, target: float, frames: int) -> None:
        steps = [0.5 - 0.5 * math.cos(math.pi * k / frames) for k in range(1, frames + 1)]
        self.plan = [self.value + (target - self.value) * step for step in steps]

    def jump(self, value: float) -> None:
        self.value, self.plan = value, []

    def step(self) -> float:
        if self.plan:
            self.value = self.plan.pop(0)
        return self.value

    def ahead(self, count: int) -> list[float]:
        last = self.plan[-1] if self.plan else self.value
        return (self.plan + [last] * count)[:count]


@dataclass
class Reply:
    """A reply; out[k] is the position before the k-th device frame since it began, furthest likewise."""

    epoch: int
    content: list[int] = field(default_factory=list)
    read: int = 0
    held: bool = False
    ended: bool = False
    out: list[int] = field(default_factory=lambda: [0])
    furthest: list[int] = field(default_factory=lambda: [0])
    last_sound: int = 0
    chunk_ends: list[int] = field(default_factory=list)
    kept_from: int = 0


class Model:
    """What the player should do, sample by sample."""

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.duck, self.fade = Gain(), Gain()
        self.tail: list[float] = []
        self.cue: list[int] = []

    def fade_to_nothing(self, frames: int) -> None:
        reply = self.reply
        if reply is None or reply.held or reply.read == 0 or self.fade.value == 0:
            return
        ahead = reply.content[reply.read : reply.read + frames]
        ducks, fades = self.duck.ahead(len(ahead)), self.fade.ahead(len(ahead))
        tail = [
            sample * duck * fade * (0.5 + 0.5 * math.cos(math.pi * (k + 1) / len(ahead)))
            for k, (sample, duck, fade) in enumerate(zip(ahead, ducks, fades, strict=True))
        ]
        longest = max(len(tail), len(self.tail))
        self.tail = [sum(part[k] for part in (tail, self.tail) if k < len(part)) for k in range(longest)]

    def drop(self) -> None:
        self.fade_to_nothing(10)
        self.reply = None
        self.duck.jump(1.0)
        self.fade.jump(1.0)

    def sample(self) -> float:
        """Return the next sample for the device."""
        reply, sounding = self.reply, 0.0
        duck, fade = self.duck.step(), self.fade.step()
        if reply is not None:
            reply.out[-1] = reply.read
            if not reply.held and reply.read < len(reply.content):
                sounding = reply.content[reply.read] * duck * fade
                reply.read += 1
                reply.last_sound = len(reply.out)
            reply.out.append(reply.read)
            reply.furthest.append(max(reply.furthest[-1], reply.read))
        if self.tail:
            sounding += self.tail.pop(0)
        if self.cue:
            sounding += self.cue.pop(0)
        return sounding

    def forget(self) -> None:
        """Let go of whole chunks that are more than a second behind."""
        reply = self.reply
        if reply is not None:
            while reply.chunk_ends and reply.chunk_ends[0] <= reply.read - KEEP:
                reply.kept_from = reply.chunk_ends.pop(0)


class PlayerMachine(RuleBasedStateMachine):
    """Everything that a satellite may do to its player, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.player = Player(RATE_HZ, keep_behind_ms=1000.0)
        self.model = Model()
        self.epoch = 0

    # A reply of which nothing has sounded gives way to a flush alone, so that most replies do sound.
    @precondition(lambda self: self.model.reply is None or self.model.reply.read)
    @rule(count=st.integers(0, 700), frames=st.integers(0, 200))
    def begin(self, count: int, frames: int) -> None:
        self.epoch += 1
        self.player.begin(self.epoch)
        self.model.drop()
        self.model.reply = Reply(self.epoch)
        self.feed(count, 0)
        self.render(frames)

    @precondition(lambda self: self.epoch)
    @rule(count=st.integers(0, 700), back=st.sampled_from([0, 0, 0, 0, 1]))
    def feed(self, count: int, back: int) -> None:
        reply, epoch = self.model.reply, self.epoch - back
        open_for_it = reply is not None and reply.epoch == epoch and not reply.ended
        first = len(reply.content) if reply is not None else 0
        samples = [100 + (self.epoch * 1000 + first + k) % 9000 for k in range(count)]
        assert self.player.feed(epoch, np.array(samples, np.int16)) == open_for_it
        if open_for_it:
            assert reply is not None
            reply.content.extend(samples)
            if samples:
                reply.chunk_ends.append(len(reply.content))

    @precondition(lambda self: self.model.reply)
    @rule()
    def end(self) -> None:
        assert self.player.end(self.epoch)
        assert self.model.reply is not None
        self.model.reply.ended = True

    @rule(back=st.sampled_from([0, 0, 1]))
    def flush(self, back: int) -> None:
        reply, epoch = self.model.reply, self.epoch - back
        current = reply is not None and reply.epoch == epoch
        assert self.player.flush(epoch) == current
        if current:
            self.model.drop()

    @rule()
    def duck(self) -> None:
        self.player.duck()
        self.model.duck.to(DUCKED, 20)

    @rule()
    def unduck(self) -> None:
        self.player.unduck()
        self.model.duck.to(1.0, 150)

    @rule()
    def pause(self) -> None:
        self.player.pause()
        if self.model.reply is not None and not self.model.reply.held:
            self.model.fade_to_nothing(20)
            self.model.reply.held = True

    @rule(rewind=st.integers(0, 1500))
    def resume(self, rewind: int) -> None:
        self.player.resume(rewind)
        reply = self.model.reply
        if reply is None or not reply.held:
            self.model.duck.to(1.0, 150)
            return
        reply.held = False
        reply.read = max(reply.kept_from, reply.read - rewind)
        self.model.duck.jump(1.0)
        self.model.fade.jump(0.0)
        self.model.fade.to(1.0, 20)

    @rule(count=st.integers(1, 50))
    def cue(self, count: int) -> None:
        if self.player.cue(np.full(count, 777, np.int16)):
            self.model.cue.extend([777] * count)

    @rule(frames=st.integers(0, 200))
    def render_some(self, frames: int) -> None:
        self.render(frames)

    @rule(frames=st.integers(500, 1500))
    def render_long(self, frames: int) -> None:
        self.render(frames)

    def render(self, frames: int) -> None:
        out = self.player.render(frames)
        expected = np.array([self.model.sample() for _ in range(frames)])
        self.model.forget()
        assert out.dtype == np.int16
        # Reply, tail and cue are each rounded to a step.
        assert np.abs(out - expected).max(initial=0) <= 3

    @invariant()
    def position_and_phase_agree(self) -> None:
        reply = self.model.reply
        for latency in (0, 37, 250):
            status = self.player.status(latency)
            if reply is None:
                assert status.phase is PlayerPhase.IDLE
                continue
            at = max(0, len(reply.out) - 1 - latency)
            assert self.player.position(latency) == reply.out[at]
            assert status.furthest_frames == reply.furthest[at]
            assert status.rendered_frames == reply.read
            assert status.buffered_frames == len(reply.content) - reply.read
            all_out = reply.ended and reply.read == len(reply.content)
            if reply.held:
                assert status.phase is PlayerPhase.PAUSED
            elif all_out and (not reply.last_sound or reply.last_sound <= len(reply.out) - 1 - latency):
                assert status.phase is PlayerPhase.FINISHED
            else:
                assert status.phase is (PlayerPhase.PLAYING if reply.furthest[at] else PlayerPhase.WAITING)


TestPlayerAgainstModel = PlayerMachine.TestCase
TestPlayerAgainstModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
