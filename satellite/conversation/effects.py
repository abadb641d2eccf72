"""Carries out the effects of the turn machine: on the player, on STT audio, on the transport."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.satellite.records.conversation import (
    AnnouncementBegun,
    Decided,
    ErrorCued,
    NotUnderstoodCued,
    PlaybackChanged,
    PlaybackDucked,
    PlaybackPaused,
    PlaybackResumed,
    PlaybackUnducked,
    QuestionAsked,
    ReplyInterrupted,
    RingBegun,
    RingEnded,
    SentenceRepeated,
    SttAborted,
    SttEnded,
    SttOpened,
    TextOffered,
    TurnEnded,
)
from interject.satellite.turn import events as turn
from interject.satellite.turn.events import Partial, Transcribed, Typed
from interject.satellite.turn.state import Kind
from interject.wire.events import Interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.satellite.audio.base import Samples
    from interject.satellite.audio.player import Player
    from interject.satellite.audio.sounds import RoomSounds
    from interject.satellite.conversation.playback import Playback
    from interject.satellite.conversation.stt_audio import SttAudio
    from interject.satellite.transports.base import Transport
    from interject.satellite.turn.events import Event, VoiceWindow
    from interject.satellite.turn.state import State
    from interject.satellite.wake.base import WakeWord
    from interject.wire.trace import Record


_WORD_END = re.compile(r"(?<=[a-z])(?=[A-Z])")


_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of a decision.

    event: what tipped it. probability: of speech in the last window, by the VAD, 0 to 1. is_echo: the echo guard took
    that window for the loudspeaker. speech_ms: how much of the utterance is voiced. silent_ms: how long ago its last
    voice was. text: its stable words. side_speech: it is too soft to be meant for us.
    """

    event: str
    probability: float
    is_echo: bool
    speech_ms: float
    silent_ms: float
    text: str
    side_speech: bool


NO_EVIDENCE = Evidence("", 0.0, is_echo=False, speech_ms=0.0, silent_ms=0.0, text="", side_speech=False)


def evidence_of(before: State, after: State, event: Event, window: VoiceWindow, now: float) -> Evidence:
    """Put together what a step was taken upon; `now` in seconds of the device's clock, as the states have them."""
    segment = after.open_segment or before.open_segment or before.ending
    text = "" if segment is None else segment.text
    if isinstance(event, Partial | Transcribed | Typed):
        text = event.text
    # An utterance that is over is forgotten with the window that ended it.
    utterance = after.utterance if after.utterance.onset_s is not None else before.utterance
    return Evidence(
        event=_WORD_END.sub("-", type(event).__name__).lower(),
        probability=round(window.probability, 3),
        is_echo=window.is_echo,
        speech_ms=utterance.speech_ms if segment is None or utterance.onset_s is not None else segment.speech_ms,
        silent_ms=round(max(0.0, now - utterance.last_voice_s) * 1000, 1),
        text=text,
        side_speech=segment is not None and segment.side_speech,
    )


class Effects:
    """The hands of a conversation: audio to the recogniser, playback, short sounds, the transport."""

    def __init__(
        self,
        transport: Transport,
        playback: Playback,
        feed: SttAudio,
        player: Player,
        sounds: RoomSounds,
        emit: Callable[[Record], None],
        evidence: Callable[[], Evidence],
    ) -> None:
        self._transport = transport
        self._playback = playback
        self._feed = feed
        self._player = player
        self._sounds = sounds
        self._emit = emit
        self._evidence = evidence
        # The wake word that the next `Awake` is about.
        self.woken: WakeWord | None = None
        # Since the last `Awake`, until its sound was played or is not wanted any more.
        self.awake_sound_due = False
        # How long a sound of ours takes to leave the loudspeaker.
        self.latency_s = 0.0

    def carry_out(self, effect: turn.Effect, last_voice_s: float) -> None:
        """Do one thing; `last_voice_s` is when the last voice ended (seconds of the device's clock)."""
        match effect:
            case turn.Decided() | turn.TurnEnded():
                self._emit_decision(effect)
            case turn.OpenStt(stream, pre_roll_ms, _):
                audio_from_s = self._feed.open(stream, pre_roll_ms)
                self._emit(SttOpened(stream=stream, audio_from=audio_from_s))
                self._transport.open_stt(stream)
                self.send_audio()
            case turn.EndStt(stream):
                self._send(self._feed.rest())
                self._feed.end(last_voice_s)
                self._emit(SttEnded(stream=stream))
                self._transport.end_stt(stream)
            case turn.AbortStt(stream):
                self._feed.take_back(stream)
                self._emit(SttAborted(stream=stream))
                self._transport.abort_stt(stream)
            case turn.ForgetStt(stream):
                self._transport.abort_stt(stream)
            case turn.Awake():
                self.awake_sound_due = True
                if self.woken is not None:
                    self._transport.woken(self.woken)
            case turn.ErrorCue() | turn.NotUnderstoodCue() | turn.RingOnce() | turn.TurnEndedCue():
                self._cue(effect)
            case turn.OfferText():
                self._emit(TextOffered())
                _LOGGER.warning("speech recognition keeps failing; start the satellite with --text to type instead")
            case turn.Ask() | turn.Announce() | turn.StartRing() | turn.CancelReply():
                self._change_epoch(effect)
            case turn.Duck() | turn.Unduck() | turn.Pause() | turn.Resume() | turn.SayAgain():
                self._change_playback(effect)

    def _cue(self, effect: turn.ErrorCue | turn.NotUnderstoodCue | turn.RingOnce | turn.TurnEndedCue) -> None:
        match effect:
            case turn.ErrorCue():
                self._emit(ErrorCued())
                self.sound(self._sounds.error)
            case turn.NotUnderstoodCue():
                self._emit(NotUnderstoodCued())
                self.sound(self._sounds.not_understood)
            case turn.RingOnce():
                self.sound(self._sounds.ring_once)
            case turn.TurnEndedCue():
                self.sound(self._sounds.done)

    def _emit_decision(self, decided: turn.Decided | turn.TurnEnded) -> None:
        if isinstance(decided, turn.TurnEnded):
            rule_of_end = decided.rule.value
            self._emit(TurnEnded(rule=rule_of_end, silence_ms=decided.silence_ms, text=decided.text))
            return
        rule, said = decided.rule, decided.said
        self._emit(
            Decided(
                stream=said.stream,
                rule=rule.value,
                takes_floor=rule.takes_floor,
                text=said.text,
                confidence=said.confidence,
                speech_ms=said.speech_ms,
                softer_db=None if said.softer_db is None else round(said.softer_db, 1),
                late=said.late,
            )
        )

    def _change_epoch(self, effect: turn.Ask | turn.Announce | turn.StartRing | turn.CancelReply) -> None:
        match effect:
            case turn.Ask(epoch, text):
                self._playback.begin(epoch, Kind.REPLY)
                self._emit(QuestionAsked(epoch=epoch, text=text))
                self._transport.ask(epoch, text)
            case turn.Announce(epoch):
                self._playback.begin(epoch, Kind.ANNOUNCEMENT)
                self._emit(AnnouncementBegun(epoch=epoch))
            case turn.StartRing(epoch):
                self._emit(RingBegun(epoch=epoch))
                self._playback.begin_ring(epoch, self._sounds.ring())
            case turn.CancelReply(epoch, reason):
                self._cancel_reply(epoch, reason)

    def _change_playback(self, effect: turn.Duck | turn.Unduck | turn.Pause | turn.Resume | turn.SayAgain) -> None:
        rewound_ms = 0.0
        changed: type[PlaybackChanged]
        match effect:
            case turn.Duck():
                self._playback.duck()
                changed = PlaybackDucked
            case turn.Unduck():
                self._playback.unduck()
                changed = PlaybackUnducked
            case turn.Pause():
                self._playback.pause()
                changed = PlaybackPaused
            case turn.Resume():
                rewound_ms = self._playback.resume()
                changed = PlaybackResumed
            case turn.SayAgain():
                rewound_ms = self._playback.say_again()
                changed = SentenceRepeated
        evidence = self._evidence()
        self._emit(
            changed(
                self._playback.position_ms(),
                rewound_ms,
                probability=evidence.probability,
                is_echo=evidence.is_echo,
                speech_ms=evidence.speech_ms,
                text=evidence.text,
                side_speech=evidence.side_speech,
            )
        )

    def _cancel_reply(self, epoch: int, reason: turn.CancelReason) -> None:
        heard = self._playback.heard()
        self._playback.stop()
        if self._playback.kind is Kind.RING:
            self._emit(RingEnded(epoch=epoch, reason=reason.value))
            return
        self._emit(ReplyInterrupted(epoch=epoch, reason=reason.value, heard=heard.text, heard_ms=heard.position_ms))
        text = self._playback.record.text
        self._transport.cancel(Interrupt(reason.value, epoch, text, heard.text, round(heard.position_ms)))

    def sound(self, samples: Samples | None) -> None:
        """Play a short sound that the recogniser must not hear."""
        if samples is None or not len(samples) or not self._player.cue(samples):
            return
        if self._sounds.echo_tail_s is not None:
            sounding_s = self._player.cue_frames / self._player.rate_hz
            self._feed.hide(sounding_s + self.latency_s + self._sounds.echo_tail_s)

    def send_audio(self) -> None:
        """Send the open stream what has been heard since the last time."""
        self._send(self._feed.next_audio())

    def _send(self, audio: Samples) -> None:
        if len(audio):
            self._transport.send_audio(self._feed.stream, audio.tobytes())
