"""The satellite's own parts on the virtual card, and somebody in its room who breaks in, or keeps silent."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import running
from interject.satellite.audio.portaudio import PortAudioChoice, find_portaudio
from interject.satellite.audio.portaudio_host import PortAudioHost
from interject.satellite.audio.supervised import DeviceHealth, supervise
from interject.satellite.conversation.loop import Conversation
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.trace import Record, line_of
from tools.bench.room.transport import ScriptedTransport
from tools.simulator.levels import RATE_HZ, frames_of
from tools.sound_card.pauses import Deck

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interject.satellite.aec.base import EchoReport
    from interject.satellite.audio.base import Block, Device, Samples
    from tools.simulator.rendering import RenderedScene
    from tools.simulator.scene import Scene
    from tools.sound_card.card import RoomCard
    from tools.sound_card.pauses import Running

# Until somebody speaks in the room the satellite has found and opened its device.
_LEAD_S = 3.0
# All delay but this is the sound server's own, and real.
_ROOM_DELAY_MS = 2.0
# About what lies between the room and the satellite's microphone; a recogniser need not know it better.
_AIR_S = 0.1
# A cut that nobody made ends in silence: so long, and then the talk goes on, for there is more to measure.
_IDLE_S = 2.0
_REPORT_EVERY_S = 1.0
# Long enough for a sharp correlation, far enough apart to see the echo wander.
_SNAPSHOT_S, _SNAPSHOT_EVERY_S = 10.0, 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Ten seconds of what was played and heard in the same periods, at the device's rate."""

    played: Samples
    mic: Samples


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    """What is known of a talk from inside the satellite; records have monotonic times (`mono`, s)."""

    rendered: RenderedScene
    records: Sequence[Mapping[str, Any]]
    reports: Sequence[EchoReport]
    snapshots: Sequence[Snapshot]
    running: Running
    failures: Sequence[str]
    ended_s: float


class _Records:
    """A trace that is kept, with the times at which things happened."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Any]] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        """Record that something happened now."""
        self.kept.append({"mono": time.monotonic(), **line_of(record, t)})


class _Observer:
    """Looks at the satellite once a period: what the canceller knows, and now and then all that it hears."""

    def __init__(self, rate_hz: int, echo: Callable[[], EchoReport]) -> None:
        self.reports: list[EchoReport] = []
        self.snapshots: list[Snapshot] = []
        self._rate_hz = rate_hz
        self._echo = echo
        self._report_at = self._snapshot_at = 0
        self._recent: deque[Block] = deque()

    def look(self, block: Block) -> None:
        """Take the period that was handled last."""
        self._recent.append(block)
        while len(self._recent) * len(block.mic) > _SNAPSHOT_S * self._rate_hz:
            self._recent.popleft()
        if block.frame >= self._report_at:
            self._report_at = block.frame + round(_REPORT_EVERY_S * self._rate_hz)
            self.reports.append(self._echo())
        if block.frame >= self._snapshot_at:
            self._snapshot_at = block.frame + round(_SNAPSHOT_EVERY_S * self._rate_hz)
            played, mic = (
                np.concatenate(parts)
                for parts in ([seen.played for seen in self._recent], [seen.mic for seen in self._recent])
            )
            self.snapshots.append(Snapshot(played, mic))


def on_card(scene: Scene) -> Scene:
    """Give the scene as it is played on a card: later, as a satellite has to start first, and with no delay added."""
    lead = frames_of(_LEAD_S)
    return replace(
        scene,
        frames=scene.frames + lead,
        delay_ms=_ROOM_DELAY_MS,
        reply_from_frame=scene.reply_from_frame + lead,
        utterances=tuple(replace(said, at_frame=said.at_frame + lead) for said in scene.utterances),
    )


async def hold_talk(card: RoomCard) -> Talk:
    """Run the satellite until the scene is over; a card that fails is opened anew, as the satellite does."""
    host, failures = PortAudioHost(), Failures()
    try:
        device = await supervise(lambda: find_portaudio(PortAudioChoice(), host), "the sound card", failures.note)
        return await _talk(device, card, failures)
    finally:
        host.close()


class Failures:
    """Why the sound card was lost, each time."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def note(self, health: DeviceHealth, text: str) -> None:
        """Take what a supervisor reports."""
        if health is DeviceHealth.FAILED:
            self.reasons.append(text)


async def _talk(device: Device, card: RoomCard, failures: Failures) -> Talk:
    rendered, deck, records, settings = card.rendered, Deck(device), _Records(), TurnSettings()
    front_end = FrontEnd(device.rate_hz, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.KALMAN))
    # The satellite's count of samples and the room's differ by when they began.
    began: list[int] = []
    transport = ScriptedTransport(rendered, lambda: began[0] + front_end.ring.end, settings.judgement)
    conversation = Conversation(settings, deck.player, front_end, transport, records)
    observer = _Observer(device.rate_hz, lambda: front_end.echo)
    serving = asyncio.create_task(transport.run(conversation))
    idle_since = rendered.scene.reply_from_frame * device.rate_hz // RATE_HZ
    try:
        async with running(device, deck.render) as blocks:
            async for block in blocks:
                if not began:
                    began.append(card.spoken_frames - frames_of(_AIR_S))
                deck.took(block)
                conversation.on_block(block, device.output_latency_frames)
                observer.look(block)
                if conversation.phase is not Phase.IDLE:
                    idle_since = block.frame
                elif block.frame - idle_since > _IDLE_S * device.rate_hz:
                    conversation.type_text("go on")
                if serving.done() or card.spoken_frames >= rendered.scene.frames:
                    break
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
    return Talk(
        rendered,
        records.kept,
        observer.reports,
        observer.snapshots,
        deck.running,
        tuple(failures.reasons),
        time.monotonic(),
    )
