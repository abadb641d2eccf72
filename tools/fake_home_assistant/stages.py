"""The stages of a run: wake word, STT, agent, TTS.

Measured with Home Assistant 2026.11.0 and 2026.2.3: `transcribe` → `voice-started` → `voice-stopped` → `transcript` →
`synthesize{whole text}` → audio; a stage that fails ends the run with `error{code}`; the same wake word twice within
2 s, in whatever room, gives `duplicate_wake_up_detected` instead of `transcribe`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.pipeline import PipelineStage
from wyoming.tts import Synthesize, SynthesizeVoice
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detect, Detection

from tools.fake_home_assistant.script import HEARING_RATE_HZ, WIDTH, EndedBy, Order, Utterance
from tools.fake_home_assistant.speech import stream_reply
from tools.fake_home_assistant.voice import VOICE_TIMES, Heard, VoiceActivity, VoiceTimes

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from wyoming.pipeline import RunPipeline

    from tools.fake_home_assistant.release import Times
    from tools.fake_home_assistant.script import Answer, Reply
    from tools.fake_home_assistant.speech import Send


class StageFailedError(Exception):
    """A run ends with an error that the satellite is told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stt:
    """The STT of the pipeline: whether Home Assistant's own detection ends the turn, or STT after so much audio."""

    external_vad: bool = True
    has_text_after_s: float | None = None
    voice_times: VoiceTimes = VOICE_TIMES


ANY_STT = Stt()


@dataclass
class Stages:
    """Carries out runs; `wake_ups` is shared by all rooms of a house: phrase → when it was last heard."""

    answer: Answer
    send: Send
    # Runs something in the background until it ends or the house goes down.
    start: Callable[[Coroutine[None, None, None], str], asyncio.Task[None]]
    times: Times
    stt: Stt = ANY_STT
    # Called with each chunk of audio while a run waits for its wake word; returns the name of the word it ends.
    hears_wake_word: Callable[[bytes], str | None] | None = None
    wake_ups: dict[str, float] = field(default_factory=dict)

    async def run(self, request: RunPipeline, phrase: str | None, audio: asyncio.Queue[bytes | None]) -> None:
        """Run a pipeline from its first stage to its last; raises StageFailedError."""
        if request.start_stage not in {PipelineStage.WAKE, PipelineStage.ASR}:
            # Over Wyoming no text comes with a run, and those that start with text are invalid without one.
            await asyncio.sleep(self.times.validation)
            raise StageFailedError("validation-error")
        if request.start_stage is PipelineStage.WAKE and not await self._wait_for_wake_word(audio):
            return
        turn = self.answer(await self._transcribe(phrase, audio))
        await asyncio.sleep(turn.stt_s)
        if turn.error is not None:
            raise StageFailedError(turn.error)
        if not turn.transcript:
            raise StageFailedError("stt-no-text-recognized")
        await self.send(Transcript(text=turn.transcript).event())
        if request.end_stage is not PipelineStage.ASR:
            await self._reply(turn.reply)

    async def _wait_for_wake_word(self, audio: asyncio.Queue[bytes | None]) -> bool:
        if self.hears_wake_word is None:
            raise StageFailedError("wake-engine-missing")
        await self.send(Detect().event())
        while chunk := await audio.get():
            name = self.hears_wake_word(chunk)
            if name is not None:
                self._accept_wake_word(name)
                await self.send(Detection(name=name).event())
                return True
        return False

    def _accept_wake_word(self, phrase: str) -> None:
        now = asyncio.get_running_loop().time()
        last = self.wake_ups.get(phrase)
        if last is not None and now - last < self.times.wake_cooldown:
            raise StageFailedError("duplicate_wake_up_detected")
        self.wake_ups[phrase] = now

    async def _transcribe(self, phrase: str | None, audio: asyncio.Queue[bytes | None]) -> Utterance:
        if phrase is not None:
            self._accept_wake_word(phrase)
        await self.send(Transcribe(language="en").event())
        heard = bytearray()
        ended_by = await self._collect(heard, audio)
        return Utterance(bytes(heard), ended_by, phrase)

    async def _collect(self, heard: bytearray, audio: asyncio.Queue[bytes | None]) -> EndedBy:
        voice = VoiceActivity(self.stt.voice_times)
        while chunk := await audio.get():
            heard += chunk
            after_s = self.stt.has_text_after_s
            if after_s is not None and len(heard) >= after_s * HEARING_RATE_HZ * WIDTH:
                return EndedBy.STT
            if not self.stt.external_vad:
                continue
            change = voice.hear(chunk)
            if change is Heard.STARTED:
                await self.send(VoiceStarted(timestamp=voice.timestamp_ms).event())
            elif change is not Heard.NOTHING:
                await self.send(VoiceStopped(timestamp=voice.timestamp_ms).event())
                return EndedBy.VOICE_ACTIVITY if change is Heard.STOPPED else EndedBy.TIMEOUT
        return EndedBy.SATELLITE

    async def _reply(self, reply: Reply) -> None:
        await asyncio.sleep(reply.thinking_s)
        if not reply.text and not reply.speech:
            return
        synthesize = Synthesize(text=reply.text, voice=SynthesizeVoice(name=None, language="en")).event()
        if reply.order is Order.TEXT_FIRST:
            await self.send(synthesize)
        cut = asyncio.Event()
        streaming = self.start(stream_reply(reply, self.send, cut), "reply audio")
        if reply.order is Order.STREAMED:
            try:
                await asyncio.wait({streaming})
            except asyncio.CancelledError:
                cut.set()
                raise
            await self.send(synthesize)
