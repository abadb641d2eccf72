"""What Home Assistant says: how far its run is, its text, its reply, its failures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.records.home_assistant import ErrorReported, RunAnswered, RunHeard, RunSpoken, RunUnderstood
from interject.satellite.transports.assist.demux import STALE, Demux
from interject.satellite.transports.assist.effects import (
    Announce,
    Bind,
    DropFeed,
    Effect,
    EndFeed,
    FeedAudio,
    FeedText,
    Note,
    StopStreaming,
    TellText,
    TellWord,
)
from interject.satellite.transports.assist.errors import HomeAssistantError
from interject.satellite.transports.assist.events import Speech, SpeechStarted, SpeechStopped
from interject.satellite.transports.assist.runs import (
    HEARS_US_S,
    TEXT_S,
    end_silently,
    fail,
    launch,
    over,
    stop_run,
)
from interject.satellite.transports.assist.state import Announcement, Outcome, Policy, RunPhase, State, then
from interject.satellite.transports.assist.turn import settle

if TYPE_CHECKING:
    from interject.satellite.transports.assist.events import (
        Announced,
        Connected,
        Failed,
        Lost,
        Synthesized,
        Transcribed,
        WordDetected,
    )


# Between the text and the first sound of it, as measured for a synthesiser that has died.
SPEECH_S = 15.0
# A wake run that failed is tried again after this, and twice as long each time: its engine may just be starting.
_WAKE_AGAIN_S = 2.0
_WAKE_AGAIN_MAX_S = 60.0
# Nobody spoke, as far as Home Assistant heard.
_NO_TEXT = "stt-no-text-recognized"
# The same wake word was heard by another satellite first: that room answers.
_OTHER_ROOM = "duplicate_wake_up_detected"
_INVALID = "validation-error"


# Once all text is known, as for our own synthesiser; before that, a streaming agent may be thinking.
_GAP_S = 8.0
_GAP_WITHOUT_TEXT_S = 15.0
# An announcement begins before it is synthesised.
_ANNOUNCEMENT_GAP_S = 30.0
# A streaming agent's text follows its speech at once; nothing more hangs on it.
_TEXT_AFTER_S = 2.0


def connected(state: State, _event: Connected, _now: float, _policy: Policy) -> Outcome:
    """A connection begins: a run of the last one may still go on behind it."""
    return replace(state, connected=True, may_run=True), ()


def lost(state: State, event: Lost, now: float, _policy: Policy) -> Outcome:
    """All that Home Assistant still owed is lost; what has come is played."""
    alone = replace(
        state,
        connected=False,
        may_run=False,
        null_until=None,
        unacknowledged=0,
        owed_until=None,
        demux=Demux(),
    )
    announcement = state.announcement
    ended: tuple[Effect, ...] = () if announcement is None else (EndFeed(announcement.feed),)
    if state.run is not None and state.run.spoken:
        return then(ended, settle(replace(alone, run=replace(state.run, text=True))))
    return then(ended, fail(alone, event.error, now))


def transcribing(state: State, _event: object, now: float, _policy: Policy) -> Outcome:
    """The run has begun."""
    run = state.run
    if run is None or run.phase not in (RunPhase.LISTENING, RunPhase.STOPPED) or run.transcribing:
        return state, ()
    deadline = now + TEXT_S if run.phase is RunPhase.STOPPED else run.deadline
    begun = replace(run, transcribing=True, deadline=deadline)
    # Whatever was to acknowledge a null run came before this, or never comes.
    return replace(state, run=begun, unacknowledged=0), (Note(RunHeard(run=run.number)),)


def voice_started(state: State, _event: object, _now: float, _policy: Policy) -> Outcome:
    """Home Assistant hears us."""
    run = state.run
    if run is None or not run.transcribing:
        return state, ()
    deadline = None if run.phase is RunPhase.LISTENING else run.deadline
    return replace(state, run=replace(run, voice=True, deadline=deadline), voiceless=False), ()


def voice_stopped(state: State, _event: object, now: float, _policy: Policy) -> Outcome:
    """Home Assistant wants no more audio."""
    run = state.run
    if run is None or not run.transcribing or run.phase is not RunPhase.LISTENING:
        return state, ()
    stopped = replace(run, phase=RunPhase.STOPPED, complete=True, deadline=now + TEXT_S)
    return replace(state, run=stopped), (StopStreaming(),)


def transcribed(state: State, event: Transcribed, now: float, policy: Policy) -> Outcome:
    """Pass on what the turn says."""
    run = state.run
    if run is None or not run.transcribing or run.phase not in (RunPhase.LISTENING, RunPhase.STOPPED):
        return state, ()
    stopped: tuple[Effect, ...] = (StopStreaming(),) if run.phase is RunPhase.LISTENING else ()
    for piece in state.pieces:
        if piece.stream in run.tell:
            state = state.with_piece(replace(piece, final=True, ended=True))
    told = tuple(TellText(stream, "") for stream in run.tell[:-1])
    told = (*told, *(TellText(stream, event.text) for stream in run.tell[-1:]))
    answering = replace(run, phase=RunPhase.THINKING, tell=(), deadline=now + policy.reply_timeout_s)
    voiceless = state.voiceless or (bool(event.text) and not run.voice)
    heard = replace(state, run=answering, voiceless=voiceless)
    note = Note(RunUnderstood(run=run.number, text=event.text))
    return heard, (*stopped, note, *told)


def synthesized(state: State, event: Synthesized, now: float, _policy: Policy) -> Outcome:
    """Pass on the whole text of the reply; a streaming agent's comes after its speech."""
    run = state.run
    if run is None or not run.answering:
        return state, ()
    awaited = run.phase is RunPhase.THINKING and run.epoch is not None
    known = replace(run, text=True, deadline=now + SPEECH_S if awaited else run.deadline)
    note = Note(RunAnswered(epoch=run.epoch, text=event.text))
    return settle(replace(state, run=known), (note, FeedText(run.number, event.text)))


def failed(state: State, event: Failed, now: float, _policy: Policy) -> Outcome:
    """Take the acknowledgement of a null run, or the end of ours."""
    if event.code == _INVALID and state.unacknowledged:
        return acknowledged(replace(state, unacknowledged=state.unacknowledged - 1), now)
    run = state.run
    if run is None or run.phase in (RunPhase.HELD, RunPhase.PLANNED):
        return state, (Note(ErrorReported(code=event.code, text=event.text)),)
    note = Note(ErrorReported(code=event.code, text=event.text, run=run.number))
    if run.phase is RunPhase.WAKE:
        pause_s = min(_WAKE_AGAIN_S * 2**state.wake_failures, _WAKE_AGAIN_MAX_S)
        failed_again = replace(over(state), wake_after=now + pause_s, wake_failures=state.wake_failures + 1)
        return failed_again, (StopStreaming(), *(() if state.wake_failures else (note,)))
    if event.code == _OTHER_ROOM or (event.code == _NO_TEXT and not run.answering):
        return then((note,), end_silently(state))
    failing = replace(state, may_run=False, demux=state.demux.disowned() if run.opened else state.demux)
    return then((note,), fail(failing, HomeAssistantError(event.code, event.text), now))


def acknowledged(state: State, now: float) -> Outcome:
    """Nothing is under way at Home Assistant any more: begin what waits for that."""
    if state.null_until is None or state.unacknowledged:
        return state, ()
    return launch(replace(state, null_until=None), now)


def word_detected(state: State, event: WordDetected, now: float, _policy: Policy) -> Outcome:
    """Home Assistant heard its wake word, and its run goes on to what follows."""
    run = state.run
    if run is None or run.phase is not RunPhase.WAKE:
        return state, ()
    heard = replace(run, phase=RunPhase.LISTENING, detected=True, deadline=now + HEARS_US_S)
    return replace(state, run=heard, wake_failures=0), (TellWord(event.name),)


def unpaused(state: State, _event: object, now: float, _policy: Policy) -> Outcome:
    """Wait for the wake word in a run that Home Assistant knows of."""
    run = state.run
    return stop_run(state, now) if run is not None and run.phase is RunPhase.WAKE else (state, ())


def announced(state: State, event: Announced, now: float, _policy: Policy) -> Outcome:
    """The room has made way; Home Assistant ended whatever run it had for us."""
    announcement = state.announcement
    if announcement is None or announcement.feed != event.feed:
        return state, ()
    noted = replace(state, announcement=replace(announcement, epoch=event.epoch))
    bound = (Bind(event.feed, event.epoch),)
    run = noted.run
    if run is None or run.epoch is not None:
        return noted, bound
    if run.idle:
        return then(bound, stop_run(replace(noted, may_run=False), now))
    return then(bound, end_silently(noted))


def speech_started(state: State, _event: SpeechStarted, now: float, _policy: Policy) -> Outcome:
    """Decide whose speech begins."""
    run = state.run
    owed = state.owed_until is not None and now < state.owed_until
    if owed and not (run is not None and run.text):
        return replace(state, owed_until=None, demux=state.demux.opened(STALE)), ()
    if run is not None and run.answering and not run.opened:
        speaking = replace(run, phase=RunPhase.SPEAKING, opened=True, deadline=_gap_ends(now, text=run.text))
        return replace(state, run=speaking, demux=state.demux.opened(run.number)), ()
    number = state.numbers + 1
    announcement = Announcement(number, deadline=now + _ANNOUNCEMENT_GAP_S)
    demux = state.demux.opened(number)
    announcing = replace(state, numbers=number, announcement=announcement, demux=demux)
    earlier: tuple[Effect, ...] = () if state.announcement is None else (DropFeed(state.announcement.feed),)
    return announcing, (*earlier, Announce(number))


def speech(state: State, event: Speech, now: float, policy: Policy) -> Outcome:
    """Pass on what is wanted, drop the rest."""
    demux, owner = state.demux.chunk(event.timestamp_ms, event.length_ms)
    if owner is None:
        if event.timestamp_ms:
            return state, ()
        # Its audio-start is missing.
        begun, effects = speech_started(state, SpeechStarted(), now, policy)
        demux, owner = begun.demux.chunk(event.timestamp_ms, event.length_ms)
        return then(effects, _pass_on(replace(begun, demux=demux), owner, event, now))
    return _pass_on(replace(state, demux=demux), owner, event, now)


def _pass_on(state: State, owner: int | None, event: Speech, now: float) -> Outcome:
    if owner is None or owner == STALE:
        return state, ()
    run, reply, announcement = state.run, state.reply, state.announcement
    if run is not None and run.number == owner and run.epoch is not None:
        state = replace(state, run=replace(run, deadline=_gap_ends(now, text=run.text)))
    if reply is not None and reply.feed == owner:
        state = replace(state, reply=replace(reply, audible=True))
    if announcement is not None and announcement.feed == owner:
        state = replace(state, announcement=replace(announcement, deadline=now + _ANNOUNCEMENT_GAP_S))
    return state, (FeedAudio(owner, event.audio, event.rate_hz),)


def speech_stopped(state: State, event: SpeechStopped, now: float, _policy: Policy) -> Outcome:
    """End the reply or the announcement that a stream belonged to."""
    demux, owner = state.demux.stopped(event.timestamp_ms)
    noted = replace(state, demux=demux)
    if owner is None or owner == STALE:
        return noted, ()
    run, announcement = noted.run, noted.announcement
    if announcement is not None and announcement.feed == owner:
        return replace(noted, announcement=replace(announcement, deadline=None)), (EndFeed(owner),)
    if run is None or run.number != owner:
        return noted, ()
    deadline = now + _TEXT_AFTER_S if run.epoch is not None else run.deadline
    spoken = replace(run, spoken=True, deadline=deadline)
    return settle(replace(noted, run=spoken), (Note(RunSpoken(run=owner)), EndFeed(owner)))


def _gap_ends(now: float, *, text: bool) -> float:
    return now + (_GAP_S if text else _GAP_WITHOUT_TEXT_S)
