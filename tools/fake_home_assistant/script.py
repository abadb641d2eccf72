"""What is transcribed, thought and spoken in a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

SPEECH_RATE_HZ = 22_050
HEARING_RATE_HZ = 16_000
WIDTH = 2


class EndedBy(Enum):
    """Why no more audio went to STT."""

    SATELLITE = "audio-stop"
    VOICE_ACTIVITY = "silence after speech"
    TIMEOUT = "15 s without speech"
    STT = "STT had the text"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What STT got of one run: 16 kHz, 16-bit, mono; `wake_word` is what the satellite said had woken it."""

    audio: bytes
    ended_by: EndedBy
    wake_word: str | None = None

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.audio) / (HEARING_RATE_HZ * WIDTH)


class Order(Enum):
    """When a reply's text comes: measured with agents that answer at once, that stream, and with none at all."""

    TEXT_FIRST = "synthesize, then audio"
    STREAMED = "audio while the agent still streams; synthesize after it, and only then the run ends"
    NO_TEXT = "audio without synthesize"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent says, and how its speech comes: 22,050 Hz unless said otherwise, 16-bit, mono.

    An empty text without speech is an agent with nothing to say: nothing at all comes after `transcript`.
    `pace_s` is the time between two chunks; the real one leaves none, and 216 chunks for 10 s come within 20 to 200 ms.
    """

    text: str
    speech: bytes = b""
    order: Order = Order.TEXT_FIRST
    thinking_s: float = 0.0
    synthesis_s: float = 0.0
    pace_s: float = 0.0
    no_audio_start: bool = False
    # TTS failed: None not at all, 0 before any audio, else after so many chunks. Neither an error nor audio-stop comes.
    fails_after_chunks: int | None = None
    # Of an agent that streams and is cancelled: how many chunks of what it has said are still to come.
    ahead_chunks: int = 5
    # A lower one makes chunks last longer, so that a long reply has few.
    rate_hz: int = SPEECH_RATE_HZ


NOTHING = Reply("")


@dataclass(frozen=True, slots=True)
class Turn:
    """What becomes of an utterance; an empty transcript or an `error` code ends it."""

    transcript: str
    reply: Reply = NOTHING
    stt_s: float = 0.0
    error: str | None = None


Answer = Callable[[Utterance], Turn]


def in_order(turns: Sequence[Turn]) -> Answer:
    """Give the turns of a script, one for each utterance; whatever comes after them is not understood."""
    left = iter(turns)
    return lambda _: next(left, Turn(""))


def tone(seconds: float, rate_hz: int = SPEECH_RATE_HZ, value: int = 1000) -> bytes:
    """Return audio that is easy to tell from silence and from that of another value."""
    return value.to_bytes(WIDTH, "little", signed=True) * round(seconds * rate_hz)
