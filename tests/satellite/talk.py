"""A conversation whose time is moved by hand, and a pipeline that keeps what it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import Block
from interject.satellite.audio.player import Player
from interject.satellite.conversation.loop import Conversation, WordListeners
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.events import Interrupt, WordMark
from tools.virtual.room import BLOCK, EnergyVad, Recorder
from tools.virtual.signals import RATE_HZ, reply_voice, user_voice

if TYPE_CHECKING:
    from interject.satellite.aec.base import EchoControl
    from interject.satellite.audio.base import Samples
    from interject.satellite.audio.sounds import RoomSounds
    from interject.satellite.transports.base import TransportListener
    from interject.satellite.wake.base import WakeWord


class Asked:
    """A pipeline that keeps what it is asked for."""

    def __init__(self) -> None:
        self.audio: dict[int, bytes] = {}
        self.ended: list[int] = []
        self.aborted: list[int] = []
        self.dropped = 0
        self.questions: list[tuple[int, str]] = []
        self.interrupts: list[Interrupt] = []
        self.words: list[str] = []
        self.heard_whole: list[int] = []

    async def run(self, listener: TransportListener) -> None:
        """Nothing happens by itself."""

    def woken(self, word: WakeWord) -> None:
        self.words.append(word.name)

    def open_stt(self, stream: int) -> None:
        self.audio[stream] = b""

    def send_audio(self, stream: int, audio: bytes) -> None:
        self.audio[stream] += audio

    def end_stt(self, stream: int) -> None:
        self.ended.append(stream)

    def abort_stt(self, stream: int) -> None:
        self.aborted.append(stream)

    def turn_dropped(self) -> None:
        self.dropped += 1

    def ask(self, epoch: int, text: str) -> None:
        self.questions.append((epoch, text))

    def cancel(self, interrupt: Interrupt) -> None:
        self.interrupts.append(interrupt)

    def played(self, epoch: int) -> None:
        self.heard_whole.append(epoch)


class Talk:
    """A conversation whose time is moved by hand."""

    def __init__(
        self,
        settings: TurnSettings | None = None,
        *,
        echo: float = 0.0,
        control: EchoControl | None = None,
        words: WordListeners | None = None,
        sounds: RoomSounds | None = None,
    ) -> None:
        self.transport = Asked()
        self.trace = Recorder()
        self.player = Player(RATE_HZ)
        control = control or make_echo_control(CancellerKind.NONE)
        front_end = FrontEnd(RATE_HZ, HearingSettings(vad_noise_suppression=0, vad_gain_db=0), EnergyVad(), control)
        self.it = Conversation(
            settings or TurnSettings(), self.player, front_end, self.transport, self.trace, words=words, sounds=sounds
        )
        self.heard_so_far = np.zeros(0, np.int16)
        self.played_so_far = np.zeros(0, np.int16)
        self._echo = echo
        self._frame = 0

    def hears(self, samples: Samples) -> None:
        for first in range(0, len(samples) - BLOCK + 1, BLOCK):
            played = self.player.render(BLOCK)
            self.played_so_far = np.concatenate([self.played_so_far, played])
            mic = samples[first : first + BLOCK] + (played * self._echo).astype(np.int16)
            self.heard_so_far = np.concatenate([self.heard_so_far, mic])
            self.it.on_block(Block(mic, played, self._frame), 0)
            self._frame += BLOCK

    def loses(self, seconds: float) -> None:
        """The device drops what was heard for so long."""
        self._frame += round(seconds * RATE_HZ)

    def silence(self, seconds: float) -> None:
        self.hears(np.zeros(round(seconds * RATE_HZ), np.int16))

    def voice(self, seconds: float) -> None:
        self.hears(user_voice(1, round(seconds * RATE_HZ)))

    def sent(self, stream: int) -> Samples:
        return np.frombuffer(self.transport.audio[stream], "<i2")

    def replies(self, seconds: float) -> None:
        """Give a whole reply to the newest question, a word each 200 ms."""
        epoch = self.it.epoch
        words = round(seconds / 0.2)
        self.it.reply_text(epoch, " ".join(f"w{number}" for number in range(words)))
        self.it.reply_marks(epoch, tuple(WordMark(f"w{n}", n * 200.0, n * 200.0 + 200) for n in range(words)))
        self.it.reply_audio(epoch, reply_voice(1)[: round(seconds * RATE_HZ)].tobytes(), RATE_HZ)
        self.it.reply_ended(epoch)

    def speaking(self) -> Talk:
        self.it.type_text("tell me a story")
        self.replies(4.0)
        self.silence(1.0)
        assert self.it.phase is Phase.SPEAKING
        return self


def phase_of(talk: Talk) -> Phase:
    return talk.it.phase
