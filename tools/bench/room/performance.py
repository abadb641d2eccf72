"""A satellite's life in one scene: the parts of interject.satellite.app.run in the room, on the virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.aec.facts import ResidualEchoGuard
from interject.satellite.audio.base import running
from interject.satellite.audio.player import Player
from interject.satellite.conversation.loop import Conversation
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.trace import Record, line_of
from tools.bench.room.transport import ScriptedTransport
from tools.simulator.acoustic import device_in
from tools.simulator.levels import RATE_HZ
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from interject.satellite.aec.base import EchoControl, EchoReport
    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.frontend import Window
    from interject.satellite.simulator.room import Heard
    from tools.simulator.levels import Signal
    from tools.simulator.rendering import RenderedScene

# Who was told to stop is asked to go on after so long, so that the next sound in the room finds a reply.
_SILENT_FRAMES = RATE_HZ
# Who was told to wait, too: no doubt lasts for longer than this.
_WAITING_FRAMES = 6 * RATE_HZ


@dataclass(frozen=True, slots=True)
class Options:
    """What is not the room's."""

    engine: CancellerKind = CancellerKind.KALMAN
    turn: TurnSettings = field(default_factory=TurnSettings)
    hearing: HearingSettings = field(default_factory=HearingSettings)


@dataclass(frozen=True, slots=True)
class Judgment:
    """A window of the VAD, and what the echo control knew at its end; evidence and coherence: the Kalman guard's."""

    window: Window
    report: EchoReport
    evidence: float | None
    coherence: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """All that happened in a scene; every signal begins with its first frame, at 16 kHz.

    records: the trace. loudspeaker: what was handed to the device; reference: what that would have been with nobody
    ducking or fading it, silence where nothing was under way. mic: what the microphone heard; echo, people and noise
    are its parts. kept: what the front end made of it. cpu_s: CPU time that the front end with its VAD took for each
    block of `block_frames`.
    """

    rendered: RenderedScene
    records: Sequence[Mapping[str, Any]]
    judgments: Sequence[Judgment]
    loudspeaker: Samples
    reference: Samples
    mic: Samples
    echo: Signal
    people: Signal
    noise: Signal
    kept: Samples
    cpu_s: Sequence[float]
    block_frames: int


def perform(rendered: RenderedScene, options: Options) -> Performance:
    """Let a satellite live through a scene, in some tenth of the time that it lasts."""
    # Models are loaded from files, which must not be done on an event loop.
    front_end = _ObservedFrontEnd(options.hearing, make_echo_control(options.engine))
    return run_virtual(_perform(rendered, options.turn, front_end))


class _Records:
    """A trace that is kept."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Any]] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        """Record that something happened now."""
        self.kept.append(line_of(record, t))


class _ObservedFrontEnd(FrontEnd):
    """A front end that tells what it hears, what it knows and what it costs."""

    def __init__(self, hearing: HearingSettings, echo: EchoControl) -> None:
        super().__init__(RATE_HZ, hearing, SileroVad(), echo)
        self._control = echo
        self.judgments: list[Judgment] = []
        self.kept: list[Samples] = []
        self.cpu_s: list[float] = []

    def push(self, block_mic: Samples, block_played: Samples) -> list[Window]:
        """Do as a front end does."""
        kept_until = self.ring.end
        began_s = time.thread_time()
        windows = super().push(block_mic, block_played)
        self.cpu_s.append(time.thread_time() - began_s)
        self.kept.append(self.ring.since(kept_until))
        facts = self._control.canceller.facts if isinstance(self._control, ResidualEchoGuard) else None
        self.judgments += [
            Judgment(
                window,
                self.echo,
                None if facts is None else facts.evidence,
                None if facts is None else facts.coherence,
            )
            for window in windows
        ]
        return windows


class _Loudspeaker:
    """Renders the player's sound for the device, and beside it what it would be at full level."""

    def __init__(self, player: Player, transport: ScriptedTransport) -> None:
        self._player = player
        self._transport = transport
        self.played: list[Samples] = []
        self.reference: list[Samples] = []

    def render(self, frames: int) -> Samples:
        """Give the next samples."""
        before = self._player.status(0)
        played = self._player.render(frames)
        moved = 0 if before.epoch is None else self._player.status(0).rendered_frames - before.rendered_frames
        whole = np.zeros(frames, np.int16)
        if before.epoch is not None and moved > 0:
            whole[:moved] = self._transport.material(before.epoch, before.rendered_frames, moved)
        self.played.append(played)
        self.reference.append(whole)
        return played


async def _perform(rendered: RenderedScene, turn: TurnSettings, front_end: _ObservedFrontEnd) -> Performance:
    parts: list[Heard] = []
    device = device_in(rendered, parts.append)
    transport = ScriptedTransport(rendered, lambda: front_end.ring.end, turn.judgement)
    player, records = Player(device.rate_hz), _Records()
    loudspeaker = _Loudspeaker(player, transport)
    conversation = Conversation(turn, player, front_end, transport, records)
    silent_from, waiting_from = rendered.scene.reply_from_frame, 0
    serving = asyncio.create_task(transport.run(conversation))
    async with running(device, loudspeaker.render) as blocks:
        async for block in blocks:
            conversation.on_block(block, device.output_latency_frames)
            if conversation.phase is not Phase.INTERRUPTED:
                waiting_from = block.frame
            elif block.frame - waiting_from >= _WAITING_FRAMES:
                conversation.type_text("go on")
            if conversation.phase is not Phase.IDLE:
                silent_from = max(silent_from, block.frame)
            elif block.frame - silent_from >= _SILENT_FRAMES:
                conversation.type_text("please go on")
            if serving.done() or block.frame + len(block.mic) >= rendered.scene.frames:
                break
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving
    return Performance(
        rendered=rendered,
        records=records.kept,
        judgments=front_end.judgments,
        loudspeaker=np.concatenate(loudspeaker.played),
        reference=np.concatenate(loudspeaker.reference),
        mic=np.concatenate([part.mic for part in parts]),
        echo=_joined([part.echo for part in parts]),
        people=_joined([part.people for part in parts]),
        noise=_joined([part.noise for part in parts]),
        kept=np.concatenate(front_end.kept),
        cpu_s=front_end.cpu_s,
        block_frames=len(parts[0].mic),
    )


def _joined(pieces: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate(pieces)
