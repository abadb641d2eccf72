"""Drives the turn machine: audio blocks and what the servers say go in, its effects come out."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from satellite.hearing.echo import SAFE_ECHO_DB
from satellite.reply_record import ReplyRecord
from satellite.speaking.player import PlayerPhase
from satellite.speaking.tones import error_cue
from satellite.turn import events as turn
from satellite.turn.machine import deadline, step
from satellite.turn.settings import BargeIn
from satellite.turn.state import Phase, State
from wire.events import Interrupt

if TYPE_CHECKING:
    from satellite.devices.base import Block
    from satellite.hearing.frontend import FrontEnd
    from satellite.pipelines.base import Pipeline
    from satellite.speaking.player import Player
    from satellite.turn.settings import TurnSettings
    from wire.errors import InterjectError
    from wire.events import WordMark
    from wire.trace import Trace

_LOGGER = logging.getLogger(__name__)

_HEARING_RATE_HZ = 16_000
# More speech ahead than this is not worth its memory: the TTS server waits instead.
_AHEAD_S = 30.0
# The measured level moves by some dB; a level near the limit must not be told again and again.
_ECHO_HYSTERESIS_DB = 3.0
_ECHO_REMEDY = (
    "turn the loudspeaker down or away from the microphone, use headphones, or start with --barge-in stop-word or "
    "--barge-in off"
)


class Conversation:
    """One room's conversation; everything but the player's rendering happens on the event loop."""

    def __init__(
        self,
        settings: TurnSettings,
        player: Player,
        front_end: FrontEnd,
        pipeline: Pipeline,
        trace: Trace,
        *,
        volume: float = 1.0,
    ) -> None:
        self._settings = settings
        self._player = player
        self._front_end = front_end
        self._pipeline = pipeline
        self._trace = trace
        self._volume = volume
        self._state = State()
        self._now = 0.0
        self._latency_frames = 0
        self._reply = ReplyRecord(0, player.rate_hz)
        self._stream = 0
        self._stream_start = 0
        self._sent_until = 0
        self._has_room = asyncio.Event()
        self._echo_is_safe = True
        self._cut_by_voice = False
        self._told_of_empty_cut = False

    @property
    def phase(self) -> Phase:
        """Who has the floor."""
        return self._state.phase

    @property
    def epoch(self) -> int:
        """The number of the newest reply."""
        return self._state.epoch

    def heard(self) -> str:
        """Return what has been heard so far of the newest reply."""
        return self._reply.heard(self._position_ms())

    def on_block(self, block: Block, output_latency_frames: int) -> None:
        """Take one period of audio; this is what moves time."""
        self._latency_frames = output_latency_frames
        self._now = (block.frame + len(block.mic)) / self._player.rate_hz
        for window in self._front_end.push(block.mic, block.played):
            self._apply(turn.VoiceWindow(window.probability))
        self._send_audio()
        self._follow_playback()
        due = deadline(self._state, self._settings)
        if due is not None and self._now >= due:
            self._apply(turn.Tick())
        self._watch_echo()

    def type_text(self, text: str) -> None:
        """Take a typed message."""
        self._emit("typed", text=text)
        self._apply(turn.Typed(text))

    def partial(self, stream: int, text: str) -> None:
        """All words of a stream that are stable."""
        self._emit("partial", stream=stream, text=text)
        self._apply(turn.Partial(stream, text))

    def transcribed(self, stream: int, text: str) -> None:
        """The final text of a stream; nothing more comes of it."""
        if stream == self._stream:
            self._stream = 0
        self._emit("transcript", stream=stream, text=text)
        self._apply(turn.Transcribed(stream, text))

    def stt_failed(self, stream: int, error: InterjectError) -> None:
        """A stream gives no text; nothing more comes of it."""
        self._take_back(stream)
        self._emit("failed", stage="stt", stream=stream, error=str(error))
        self._apply(turn.SttFailed(stream))

    def reply_text(self, epoch: int, text: str) -> None:
        """All text of a reply known so far."""
        if self._wants(epoch):
            if not self._reply.text:
                self._emit("first-text", epoch=epoch)
            self._reply.text = text
            self._apply(turn.ReplyText(epoch, text))

    def reply_marks(self, epoch: int, marks: tuple[WordMark, ...]) -> None:
        """When the next words of a reply sound."""
        if self._wants(epoch):
            self._reply.marks.extend(marks)

    def reply_audio(self, epoch: int, audio: bytes, rate_hz: int) -> None:
        """More of a reply's speech: 16-bit mono."""
        if self._wants(epoch):
            if not self._reply.audio_ms:
                self._emit("first-audio", epoch=epoch)
            self._player.feed(epoch, self._reply.convert(audio, rate_hz))

    def reply_ended(self, epoch: int) -> None:
        """No more audio of a reply will come."""
        if self._wants(epoch):
            self._player.feed(epoch, self._reply.rest())
            self._player.end(epoch)
            self._reply.ended = True
            self._emit("reply-received", epoch=epoch, text=self._reply.text, audio_ms=self._reply.audio_ms)

    def reply_failed(self, epoch: int, error: InterjectError) -> None:
        """A stage of a reply failed; `reply_ended` still follows."""
        if self._wants(epoch):
            self._emit("failed", stage="reply", epoch=epoch, error=str(error))
            self._apply(turn.ReplyFailed(epoch))

    def history_corrected(self, epoch: int, content: str) -> None:
        """The bridge has noted what was heard of a reply."""
        self._emit("history-corrected", epoch=epoch, content=content)

    async def room_for_audio(self, epoch: int) -> None:
        """Wait while more of a reply is buffered than it is worth keeping."""
        while self._wants(epoch) and self._seconds_ahead() > _AHEAD_S:
            self._has_room.clear()
            await self._has_room.wait()

    def _wants(self, epoch: int) -> bool:
        return self._state.live and epoch == self._state.epoch == self._reply.epoch

    def _seconds_ahead(self) -> float:
        return self._player.status(self._latency_frames).buffered_frames / self._player.rate_hz

    def _apply(self, event: turn.Event) -> None:
        before = self._state
        self._state, effects = step(before, event, self._now, self._settings)
        if self._state.phase is not before.phase:
            self._emit("phase", was=before.phase.value, phase=self._state.phase.value)
        for effect in effects:
            self._carry_out(effect)
        if before.cut and self._state.phase is Phase.IDLE and self._cut_by_voice:
            self._note_empty_cut()
        if before.live and not self._state.live:
            # Whoever waits to feed a reply that is over must find that out.
            self._has_room.set()

    def _carry_out(self, effect: turn.Effect) -> None:
        match effect:
            case turn.OpenStt(stream, pre_roll_ms):
                self._open_stt(stream, pre_roll_ms)
            case turn.EndStt(stream):
                self._end_audio()
                self._emit("stt-end", stream=stream)
                self._pipeline.end_stt(stream)
            case turn.AbortStt(stream):
                self._abort_stt(stream)
            case turn.Ask(epoch, text):
                self._reply = ReplyRecord(epoch, self._player.rate_hz, self._volume)
                self._player.begin(epoch)
                self._cut_by_voice = False
                self._emit("ask", epoch=epoch, text=text)
                self._pipeline.ask(epoch, text)
            case turn.CancelReply(epoch, reason):
                self._cancel_reply(epoch, reason)
            case turn.ErrorCue():
                self._emit("error-cue")
                self._player.cue(error_cue(self._player.rate_hz))
            case turn.OfferText():
                self._emit("offer-text")
                _LOGGER.warning("speech recognition keeps failing; start the satellite with --text to type instead")
            case turn.Duck() | turn.Unduck() | turn.Pause() | turn.Resume():
                self._change_playback(effect)

    def _open_stt(self, stream: int, pre_roll_ms: float) -> None:
        earliest = self._front_end.ring.end - round(pre_roll_ms * _HEARING_RATE_HZ / 1000)
        self._stream = stream
        self._stream_start = max(earliest, self._sent_until, 0)
        self._sent_until = self._stream_start
        self._emit("stt-open", stream=stream, audio_from=self._stream_start / _HEARING_RATE_HZ)
        self._pipeline.open_stt(stream)
        self._send_audio()

    def _abort_stt(self, stream: int) -> None:
        self._take_back(stream)
        self._emit("stt-abort", stream=stream)
        self._pipeline.abort_stt(stream)

    def _end_audio(self) -> None:
        self._send_audio()
        self._stream = 0
        # The silence at the end may hold the first sound of what comes next, too short to be noticed yet.
        last_voice = round(self._state.evidence.last_voice_s * _HEARING_RATE_HZ)
        self._sent_until = min(self._sent_until, max(self._stream_start, last_voice))

    def _take_back(self, stream: int) -> None:
        """Close the stream that takes audio: what it got became no text, and may be the first sound of some."""
        if stream == self._stream:
            self._stream = 0
            self._sent_until = self._stream_start

    def _send_audio(self) -> None:
        if self._stream:
            audio = self._front_end.ring.since(self._sent_until)
            self._sent_until = self._front_end.ring.end
            if len(audio):
                self._pipeline.send_audio(self._stream, audio.tobytes())

    def _change_playback(self, effect: turn.Duck | turn.Unduck | turn.Pause | turn.Resume) -> None:
        rewound_ms = 0.0
        match effect:
            case turn.Duck():
                self._player.duck()
            case turn.Unduck():
                self._player.unduck()
            case turn.Pause():
                self._player.pause()
            case turn.Resume():
                paused_at_ms = (self._player.paused_at() or 0) * 1000 / self._player.rate_hz
                rewound_ms = self._reply.rewind_ms(paused_at_ms)
                self._player.resume(round(rewound_ms * self._player.rate_hz / 1000))
        self._emit(type(effect).__name__.lower(), position_ms=self._position_ms(), rewound_ms=rewound_ms)

    def _position_ms(self) -> float:
        """Return how much of the reply has been heard, or will have been a moment after a pause."""
        furthest = self._player.status(self._latency_frames).furthest_frames
        paused_at = self._player.paused_at()
        return max(furthest, paused_at or 0) * 1000 / self._player.rate_hz

    def _cancel_reply(self, epoch: int, reason: turn.CancelReason) -> None:
        position_ms = self._position_ms()
        heard = self._reply.heard(position_ms)
        self._player.flush(epoch)
        self._cut_by_voice = reason is turn.CancelReason.SPEECH
        self._emit("interrupt", epoch=epoch, reason=reason.value, heard=heard, heard_ms=position_ms)
        self._pipeline.cancel(Interrupt(reason.value, epoch, self._reply.text, heard, round(position_ms)))

    def _follow_playback(self) -> None:
        status = self._player.status(self._latency_frames)
        if status.buffered_frames <= _AHEAD_S * self._player.rate_hz:
            self._has_room.set()
        if status.epoch is None or not self._wants(status.epoch):
            return
        if status.furthest_frames > 0 and not self._reply.started:
            self._reply.started = True
            self._emit("reply-started", epoch=status.epoch)
            self._apply(turn.ReplyStarted(status.epoch))
        if status.phase is PlayerPhase.FINISHED:
            self._emit(
                "reply-played",
                epoch=status.epoch,
                played_ms=status.furthest_frames * 1000 / self._player.rate_hz,
                underruns=status.underruns,
            )
            self._apply(turn.ReplyPlayed(status.epoch))

    def _watch_echo(self) -> None:
        echo_db = self._front_end.echo_db
        if echo_db is None or self._settings.barge_in is not BargeIn.SPEECH:
            return
        safe = echo_db <= (SAFE_ECHO_DB if self._echo_is_safe else SAFE_ECHO_DB - _ECHO_HYSTERESIS_DB)
        if safe is self._echo_is_safe:
            return
        self._echo_is_safe = safe
        self._emit("echo", echo_db=echo_db, safe=safe)
        if safe:
            _LOGGER.warning("our own voice now comes back at %.0f dB: speech barge-in is safe again", echo_db)
        else:
            _LOGGER.warning(
                "our own voice comes back at %.0f dB, so the satellite may interrupt itself: speech barge-in is not "
                "safe above %.0f dB; %s",
                echo_db,
                SAFE_ECHO_DB,
                _ECHO_REMEDY,
            )

    def _note_empty_cut(self) -> None:
        """Somebody's voice cut a reply off, and said nothing: it may have been our own."""
        self._cut_by_voice = False
        self._emit("empty-interruption", echo_db=self._front_end.echo_db)
        log = _LOGGER.debug if self._told_of_empty_cut else _LOGGER.warning
        self._told_of_empty_cut = True
        log("a voice cut a reply off and said nothing; if it was the satellite's own, %s", _ECHO_REMEDY)

    def _emit(self, kind: str, **fields: object) -> None:
        self._trace.emit(kind, t=round(self._now, 4), **fields)
