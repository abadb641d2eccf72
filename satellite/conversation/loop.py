"""Drives the turn machine: audio blocks and what the servers say go in, its effects come out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from wyoming.timer import TimerFinished

from interject.satellite.audio.sounds import RoomSounds
from interject.satellite.conversation.echo_words import EchoWords
from interject.satellite.conversation.effects import NO_EVIDENCE, Effects, evidence_of
from interject.satellite.conversation.playback import Playback
from interject.satellite.conversation.stop_words import StopWords
from interject.satellite.conversation.stt_audio import SttAudio
from interject.satellite.conversation.timers import TimerNames
from interject.satellite.duplex.monitor import DuplexMonitor
from interject.satellite.records.conversation import (
    AwaitsWakeWord,
    FirstAudio,
    FirstText,
    HistoryCorrected,
    ListenRequested,
    PartialUnderstood,
    PhaseChanged,
    ReplyFailed,
    ReplyKnown,
    ReplyPlayed,
    ReplyReceived,
    ReplyStarted,
    RingEnded,
    Started,
    StopRequested,
    StreamingStarted,
    StreamingStopped,
    SttFailed,
    TextTyped,
    TextUnderstood,
    WordDetected,
    WordsMarked,
)
from interject.satellite.records.device import Muted, StillMuted, Unmuted, timer_record
from interject.satellite.turn import events as turn
from interject.satellite.turn.machine import UndeclaredTransitionError, deadline, step
from interject.satellite.turn.settings import Judgement, TurnStart
from interject.satellite.turn.state import Kind, Listening, Phase, State
from interject.satellite.wake.base import Role, WakeWord

if TYPE_CHECKING:
    from wyoming.event import Event

    from interject.satellite.audio.base import Block
    from interject.satellite.audio.player import Player, PlayerStatus
    from interject.satellite.frontend.frontend import FrontEnd, Window
    from interject.satellite.transports.base import Transport
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.wake.base import WakeDetector
    from interject.satellite.wake.stop_search import StopFound, StopWordSearch
    from interject.wire.errors import InterjectError
    from interject.wire.events import WordMark
    from interject.wire.trace import Record, Trace

_LOGGER = logging.getLogger(__name__)

_HEARING_RATE_HZ = 16_000
# More speech ahead than this is not worth its memory: the TTS server waits instead.
_AHEAD_S = 30.0
# A computer that slept for hours has nothing to make up for.
_MOST_LOST_S = 10
# The end of a partial text is what is new of it; records that hold all of it each time would be a trace of gigabytes.
_PARTIAL_SHOWN = 200
# Who goes on without a pause after the wake word needs no sound to know that it was heard.
_AWAKE_PAUSE_S = 0.3


class MuteSwitch(Enum):
    """Switches that can turn the microphone off."""

    HOME_ASSISTANT = "home-assistant"
    SATELLITE = "satellite"


@dataclass(frozen=True, slots=True)
class WordListeners:
    """What listens for words beside the recogniser: wake: in any phase; stop: as somebody speaks into a reply."""

    wake: WakeDetector | None = None
    stop: StopWordSearch | None = None


class Conversation:
    """One room's conversation; everything but the player's rendering happens on the event loop."""

    def __init__(
        self,
        settings: TurnSettings,
        player: Player,
        front_end: FrontEnd,
        transport: Transport,
        trace: Trace,
        *,
        volume: float = 1.0,
        words: WordListeners | None = None,
        sounds: RoomSounds | None = None,
    ) -> None:
        self._settings = settings
        self._player = player
        self._playback = Playback(player, volume)
        self._front_end = front_end
        self._feed = SttAudio(front_end.ring)
        self._transport = transport
        self._trace = trace
        self._wake = words.wake if words is not None else None
        self._stop_words = StopWords(words.stop, self._emit) if words is not None and words.stop is not None else None
        self._sounds = sounds or RoomSounds.silent()
        self._effects = Effects(
            transport, self._playback, self._feed, player, self._sounds, self._emit, lambda: self._evidence
        )
        self._duplex = DuplexMonitor(settings, self._emit)
        self._echo_words = EchoWords()
        self._state = State()
        self._evidence = NO_EVIDENCE
        self._window = turn.VoiceWindow(0.0)
        self._waiting: deque[turn.Event] = deque()
        self._applying = False
        self._now = 0.0
        self._has_room = asyncio.Event()
        self._muted_by: frozenset[MuteSwitch] = frozenset()
        self._timers = TimerNames()
        self._pushed_until = 0
        self._due_frame = 0

    @property
    def phase(self) -> Phase:
        """The phase of the turn."""
        return self._state.phase

    @property
    def epoch(self) -> int:
        """The number of the newest reply."""
        return self._state.epoch

    @property
    def muted_by(self) -> frozenset[MuteSwitch]:
        """The switches that are off; the microphone is on where there is none."""
        return self._muted_by

    def heard(self) -> str:
        """Return what has been heard so far of the newest reply."""
        return self._playback.heard().text

    async def run(self) -> None:
        """Tell that the room is ready, then listen for wake words and stop words, until cancelled."""
        self._emit(Started())
        if self._settings.turn_start is TurnStart.WAKE_WORD:
            self._carry_out(turn.AwaitWakeWord())
        async with asyncio.TaskGroup() as tasks:
            if self._wake is not None:
                tasks.create_task(self._wake.run(self.wake_word), name="wake words")
            if self._stop_words is not None:
                tasks.create_task(self._stop_words.run(self.stop_word), name="stop words")
            await asyncio.Event().wait()

    def on_block(self, block: Block, output_latency_frames: int) -> None:
        """Take one period of audio; this is what moves time."""
        self._effects.latency_s = output_latency_frames / self._player.rate_hz
        self._now = (block.frame + len(block.mic)) / self._player.rate_hz
        for window in self._hear(block):
            voice = turn.VoiceWindow(window.probability, window.is_echo, window.level_db, window.bright_share)
            if self._stop_words is not None:
                self._stop_words.take(voice, self._now, self._state, self._duplex.settings)
            self._apply(replace(voice, is_echo=voice.is_echo and not self._takes_words()))
        self._listen_for_words()
        self._sound_awake()
        self._effects.send_audio()
        self._follow_playback(self._playback.follow(output_latency_frames))
        due = deadline(self._state, self._duplex.settings)
        if due is not None and self._now >= due:
            self._apply(turn.Tick())
        if not self._muted_by:
            self._duplex.follow(block, lambda: self._front_end.echo, self._now, self._state)

    def type_text(self, text: str) -> None:
        """Take a typed message."""
        self._emit(TextTyped(text=text))
        self._apply(turn.Typed(text))

    def wake_word(self, word: WakeWord) -> None:
        """A wake word or a stop word was heard."""
        if self._muted_by:
            return
        ago_ms = self._tell_detection(word)
        if word.role is Role.STOP:
            self._apply(turn.StopWord())
            return
        self._effects.woken = word
        self._apply(turn.WakeWord(word.name, ago_ms))

    def stop_word(self, found: StopFound) -> None:
        """A stop word was found at the beginning of an utterance, which may go on: "stop the timer"."""
        stops, end = self._stop_words, self._front_end.ring.end
        if stops is None or self._muted_by:
            return
        if not stops.counts(found, end, self._playback, self._settings.confirm_speech_ms):
            return
        word = WakeWord(found.phrase.unit, found.phrase.text, Role.STOP, found.heard_index)
        segment = self._state.open_segment
        if segment is None or self._state.rings or self._settings.judgement is Judgement.DURATION:
            self.wake_word(word)
            return
        self._tell_detection(word)
        stops.note(segment.stream, found.phrase.text)
        self._apply(turn.Partial(segment.stream, found.phrase.text))
        if self._state.live:
            self._apply(turn.StopWord())

    def announce(self) -> int:
        """Make way for an announcement; its audio comes as that of a reply with the epoch returned."""
        self._apply(turn.Announced())
        return self._state.epoch

    def listen(self) -> None:
        """Listen as after a wake word, whatever sounds; a muted microphone hears nothing all the same."""
        self._emit(ListenRequested())
        self._effects.woken = None
        self._apply(turn.ListenNow())

    def stop(self) -> None:
        """Silence what sounds, and drop what the user has said so far."""
        self._emit(StopRequested())
        self._apply(turn.StopNow())

    def mute(self, switch: MuteSwitch = MuteSwitch.HOME_ASSISTANT) -> None:
        """Hear nothing while a switch is off."""
        before = self._muted_by
        self._muted_by = before | {switch}
        if not before:
            self._emit(Muted(by=switch.value))
            self._apply(turn.Muted())
        elif before != self._muted_by:
            self._emit(StillMuted(by=switch.value, switched="off"))

    def unmute(self, switch: MuteSwitch = MuteSwitch.HOME_ASSISTANT) -> None:
        """Switch the microphone on; that of the satellite switches Home Assistant's on too, and not the reverse.

        Home Assistant unmutes when it restarts, and must not undo what somebody did who stands before the device.
        """
        before = self._muted_by
        self._muted_by = frozenset() if switch is MuteSwitch.SATELLITE else before - {switch}
        if before and not self._muted_by:
            self._emit(Unmuted(by=switch.value))
        elif before != self._muted_by:
            self._emit(StillMuted(by=switch.value, switched="on"))

    def timer(self, event: Event) -> None:
        """A timer was started, updated, cancelled, or has finished."""
        self._emit(timer_record(event.type, dict(event.data), self._timers.follow(event)))
        if TimerFinished.is_type(event.type):
            self._apply(turn.TimerFinished())

    def note(self, record: Record) -> None:
        """Record something for traces, hooks and the log."""
        self._emit(record)

    def partial(self, stream: int, text: str, confidence: float | None = None) -> None:
        """All words of a stream that are stable; confidence: how likely it is that they were said, 0 to 1, if known."""
        text = self._theirs(stream, text)
        self._emit(
            PartialUnderstood(stream=stream, text=text[-_PARTIAL_SHOWN:], characters=len(text), confidence=confidence)
        )
        self._apply(turn.Partial(stream, text, confidence))

    def transcribed(self, stream: int, text: str, confidence: float | None = None) -> None:
        """The final text of a stream; nothing more comes of it."""
        text = self._theirs(stream, text)
        self._feed.finished(stream)
        self._emit(TextUnderstood(stream=stream, text=text, confidence=confidence))
        self._apply(turn.Transcribed(stream, text, confidence))

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        """A stream gives no text; nothing more comes of it."""
        self._feed.take_back(stream)
        self._emit(SttFailed(stream=stream, error=str(error), brief=error.brief))
        self._apply(turn.SttFailed(stream))

    def reply_text(self, epoch: int, text: str) -> None:
        """All text of a reply known so far."""
        if self._wants(epoch):
            if not self._playback.record.text:
                self._emit(FirstText(epoch=epoch))
            self._playback.record.text = text
            self._apply(turn.ReplyText(epoch, text))

    def reply_marks(self, epoch: int, marks: tuple[WordMark, ...]) -> None:
        """When the next words of a reply sound."""
        if self._wants(epoch):
            self._emit(WordsMarked(epoch=epoch, marks=[(mark.text, mark.start_ms, mark.end_ms) for mark in marks]))
            self._playback.add_marks(marks)

    def reply_audio(self, epoch: int, audio: bytes, rate_hz: int) -> None:
        """More of a reply's speech: 16-bit mono."""
        if self._wants(epoch):
            if not self._playback.record.audio_ms:
                self._emit(FirstAudio(epoch=epoch))
            self._playback.add_audio(audio, rate_hz)

    def reply_ended(self, epoch: int) -> None:
        """No more audio of a reply will come."""
        if self._wants(epoch):
            self._playback.complete()
            record = self._playback.record
            if record.text:
                self._emit(ReplyKnown(epoch=epoch, text=record.text))
            self._emit(ReplyReceived(epoch=epoch, text=record.text, audio_ms=record.audio_ms))

    def reply_failed(self, epoch: int, error: InterjectError) -> None:
        """A stage of a reply failed; `reply_ended` still follows."""
        if self._wants(epoch):
            self._emit(ReplyFailed(epoch=epoch, error=str(error), brief=error.brief))
            self._apply(turn.ReplyFailed(epoch))

    def history_corrected(self, epoch: int, content: str) -> None:
        """The bridge has noted what was heard of a reply."""
        self._emit(HistoryCorrected(epoch=epoch, content=content))

    async def room_for_audio(self, epoch: int) -> None:
        """Wait while more of a reply is buffered than it is worth keeping."""
        while self._wants(epoch) and self._playback.seconds_ahead() > _AHEAD_S:
            self._has_room.clear()
            await self._has_room.wait()

    def _hear(self, block: Block) -> list[Window]:
        lost = min(block.frame - self._due_frame, _MOST_LOST_S * self._player.rate_hz)
        self._due_frame = block.frame + len(block.mic)
        missed = self._front_end.lose(lost) if lost > 0 else []
        # Nothing behind this line ever gets what a muted microphone hears.
        mic = np.zeros_like(block.mic) if self._muted_by else block.mic
        return missed + self._front_end.push(mic, block.played)

    def _tell_detection(self, word: WakeWord) -> float:
        """Record a word; returns how long ago it ended, ms."""
        end = self._front_end.ring.end
        ago_ms = 0.0 if word.end_index is None else max(0.0, (end - word.end_index) * 1000 / _HEARING_RATE_HZ)
        self._emit(WordDetected(name=word.name, phrase=word.phrase, role=word.role.value, ago_ms=ago_ms))
        return ago_ms

    def _takes_words(self) -> bool:
        """Whether the recogniser listens for a word that interrupts: it is to hear all then, our voice too."""
        in_reply = self._state.live and not self._state.rings
        return in_reply and self._duplex.settings.finds_stop_words

    def _theirs(self, stream: int, text: str) -> str:
        """Take our own words out of a text where the recogniser hears them, and put in a stop word that it missed."""
        if self._takes_words():
            self._echo_words.follow(stream, self._playback.record, self._playback.position_ms())
        text = self._echo_words.without_ours(stream, text)
        return self._stop_words.settle(stream, text) if self._stop_words is not None else text

    def _wants(self, epoch: int) -> bool:
        return self._state.live and epoch == self._state.epoch == self._playback.epoch

    def _apply(self, event: turn.Event) -> None:
        """Apply an event; one that an effect brings about waits until all that was to be done before it is done."""
        self._waiting.append(event)
        if self._applying:
            return
        self._applying = True
        try:
            while self._waiting:
                self._step(self._waiting.popleft())
        finally:
            self._applying = False

    def _step(self, event: turn.Event) -> None:
        before = self._state
        if isinstance(event, turn.VoiceWindow):
            self._window = event
        try:
            self._state, effects = step(self._state, event, self._now, self._duplex.settings)
        except UndeclaredTransitionError as error:
            # The room goes on with what the rules came to.
            _LOGGER.exception("the turn machine took a step that its table does not have")
            self._state, effects = error.outcome
        if effects:
            self._evidence = evidence_of(before, self._state, event, self._window, self._now)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: turn.Effect) -> None:
        match effect:
            case turn.VoiceBegan(onset_s):
                self._feed.voice_began(round(onset_s * _HEARING_RATE_HZ))
                self._player.stop_cues()
            case turn.VoiceEnded():
                self._feed.voice_ended()
            case turn.PhaseChanged(was, phase):
                known = self._evidence
                self._emit(PhaseChanged(was.value, phase.value, known.event, known.speech_ms, known.silent_ms))
                if Phase.LISTENING in (phase, was):
                    self._emit(StreamingStarted() if phase is Phase.LISTENING else StreamingStopped())
            case turn.AwaitWakeWord():
                self._emit(AwaitsWakeWord())
            case turn.TurnDropped():
                self._transport.turn_dropped()
            case turn.ReplyOver():
                # Whoever waits to feed a reply that is over must find that out.
                self._has_room.set()
            case turn.EmptyBargeIn():
                self._duplex.cut_off_for_nothing(self._now, self._front_end.echo)
            case _:
                self._effects.carry_out(effect, self._state.utterance.last_voice_s)
                if isinstance(effect, turn.OpenStt) and effect.into_reply:
                    self._echo_words.opened(effect.stream, self._playback.position_ms())

    def _follow_playback(self, status: PlayerStatus) -> None:
        if status.buffered_frames <= _AHEAD_S * self._player.rate_hz:
            self._has_room.set()
        epoch = status.epoch
        if epoch is None or not self._wants(epoch):
            return
        record = self._playback.record
        if status.furthest_frames > 0 and not record.started:
            record.started = True
            self._emit(ReplyStarted(epoch=epoch))
            self._apply(turn.ReplyStarted(epoch))
        if self._playback.has_finished(status):
            played_ms = status.furthest_frames * 1000 / self._player.rate_hz
            if self._playback.kind is Kind.RING:
                self._emit(RingEnded(epoch=epoch, reason="played"))
            else:
                self._emit(ReplyPlayed(epoch=epoch, played_ms=played_ms, underruns=status.underruns))
                self._transport.played(epoch)
            self._apply(turn.ReplyPlayed(epoch))

    def _listen_for_words(self) -> None:
        if self._wake is not None:
            samples = self._front_end.ring.since(self._pushed_until)
            self._pushed_until = self._front_end.ring.end
            self._wake.push(samples, self._pushed_until)
        if self._stop_words is not None:
            self._stop_words.listen(self._front_end.ring, self._state, self._duplex.settings)

    def _sound_awake(self) -> None:
        """Let who pauses after the wake word know that it was heard."""
        if not self._effects.awake_sound_due:
            return
        floor = self._state.floor
        if not isinstance(floor, Listening) or floor.voice_until is None:
            self._effects.awake_sound_due = False
        elif self._now - self._state.utterance.last_voice_s >= _AWAKE_PAUSE_S:
            self._effects.awake_sound_due = False
            self._effects.sound(self._sounds.awake)

    def _emit(self, record: Record) -> None:
        self._trace.emit(record, round(self._now, 4))
