"""The whole satellite on virtual time: a user who speaks at chosen samples, a loudspeaker that is recorded."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import Block
from interject.satellite.audio.player import Player
from interject.satellite.conversation.loop import Conversation
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.transports.direct.server import Server, fixed
from interject.satellite.transports.direct.transport import DirectTransport, Identity
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.trace import Record, line_of
from tools.testing.virtual_clock import elapse
from tools.virtual.network import FakeServer, Network, cancelled
from tools.virtual.servers import FakeBridge, FakeStt, FakeTts
from tools.virtual.signals import RATE_HZ, Run, find_replies, magnitude, user_voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.vad import VoiceDetector

BLOCK = 320
LATENCY = 320
# The quietest utterance is 16 dB below full scale; the room is 60 dB quieter.
_LOUD = 0.01


class EnergyVad:
    """Takes whatever is loud for a voice."""

    def process(self, window: NDArray[np.float32]) -> float:
        return 0.95 if float(window @ window) / len(window) > _LOUD**2 else 0.0

    def skip(self, window: NDArray[np.float32]) -> None:
        """Nothing is remembered."""


class Recorder:
    """Keeps every record."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.typed: list[Record] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        self.records.append(line_of(record, t))
        self.typed.append(record)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something that the user says: its words as the recogniser will have them."""

    at_s: float
    length_s: float
    text: str

    @property
    def samples(self) -> int:
        return round(self.length_s * RATE_HZ)

    @property
    def start(self) -> int:
        return round(self.at_s * RATE_HZ)


@dataclass
class Result:
    """What is left of a run."""

    trace: Recorder
    loudspeaker: Samples
    bridge: FakeBridge
    stt: FakeStt
    tts: FakeTts
    mic: Samples
    phase: Phase
    ended_s: float
    runs: list[Run] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return self.trace.of(kind)


class Room:
    """Puts a satellite into a room with three servers; `run` lets time pass until nothing goes on any more."""

    def __init__(
        self,
        *utterances: Utterance,
        settings: TurnSettings | None = None,
        words: Callable[[int], int] = lambda epoch: 8 if epoch == 1 else 3,
        vad: VoiceDetector | None = None,
        stt: FakeStt | None = None,
    ) -> None:
        self.utterances = utterances
        texts = {number: (said.text, said.samples) for number, said in enumerate(utterances, 1)}
        self.stt = stt or FakeStt(texts)
        self.bridge = FakeBridge(words)
        self.tts = FakeTts()
        self.trace = Recorder()
        self.at: list[tuple[float, Callable[[], None]]] = []
        self.player = Player(RATE_HZ)
        network = Network(self.stt, self.bridge, self.tts)
        self.transport = DirectTransport(
            stt=Server("stt", fixed(self.stt.uri), network.connect),
            llm=Server("llm", fixed(self.bridge.uri), network.connect),
            tts=Server("tts", fixed(self.tts.uri), network.connect),
            identity=Identity("kitchen", "conversation"),
        )
        hearing = HearingSettings(vad_noise_suppression=0, vad_gain_db=0)
        self.conversation = Conversation(
            settings or TurnSettings(),
            self.player,
            FrontEnd(RATE_HZ, hearing, vad or EnergyVad(), make_echo_control(CancellerKind.NONE)),
            self.transport,
            self.trace,
        )

    def _servers(self) -> dict[str, FakeServer]:
        return {"stt": self.stt, "llm": self.bridge, "tts": self.tts}

    async def run(self, longest_s: float = 12.0, quiet_s: float = 0.4) -> Result:
        """Let time pass until all was said and the room has been idle for `quiet_s`."""
        mic = self._mic(longest_s)
        running = asyncio.get_running_loop().create_task(self.transport.run(self.conversation))
        await asyncio.sleep(0)
        played: list[Samples] = []
        todo = sorted(self.at, key=lambda item: item[0])
        last_said = max((said.start + said.samples for said in self.utterances), default=0)
        idle_since: int | None = None
        frame = 0
        try:
            while frame + BLOCK <= len(mic) and not running.done():
                while todo and todo[0][0] * RATE_HZ <= frame:
                    todo.pop(0)[1]()
                await elapse(BLOCK / RATE_HZ)
                out = self.player.render(BLOCK)
                played.append(out)
                self.conversation.on_block(Block(mic[frame : frame + BLOCK], out, frame), LATENCY)
                frame += BLOCK
                busy = self.conversation.phase is not Phase.IDLE or frame <= last_said or bool(todo)
                idle_since = None if busy else (frame if idle_since is None else idle_since)
                if idle_since is not None and frame - idle_since >= quiet_s * RATE_HZ:
                    break
            if running.done():
                running.result()
        finally:
            await cancelled(running)
            self.links_left = sum(len(server.links) for server in self._servers().values())
            for server in self._servers().values():
                await server.stop()
        loudspeaker = np.concatenate(played)
        return Result(
            self.trace,
            loudspeaker,
            self.bridge,
            self.stt,
            self.tts,
            mic,
            self.conversation.phase,
            frame / RATE_HZ,
            find_replies(loudspeaker),
        )

    def _mic(self, longest_s: float) -> Samples:
        mic = np.random.default_rng(7).integers(-3, 4, round(longest_s * RATE_HZ)).astype(np.int16)
        for number, said in enumerate(self.utterances, 1):
            mic[said.start : said.start + said.samples] = user_voice(number, said.samples)
        return mic


def samples_of(audio: Samples, utterance: int) -> int:
    """Return how many samples of an utterance are in a piece of audio."""
    return int((np.abs(audio.astype(np.int32)) == magnitude(utterance)).sum())
