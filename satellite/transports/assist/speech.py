"""Speech from Home Assistant: which of it belongs to the reply, which to an announcement, and which to nobody."""

from __future__ import annotations

from dataclasses import replace

from interject.satellite.records.home_assistant import RunSpoken
from interject.satellite.transports.assist.demux import STALE
from interject.satellite.transports.assist.effects import Announce, DropFeed, Effect, EndFeed, FeedAudio, Note
from interject.satellite.transports.assist.events import Speech, SpeechStarted, SpeechStopped
from interject.satellite.transports.assist.state import Announcement, Outcome, Policy, RunPhase, State, then
from interject.satellite.transports.assist.turn import settle

# Once all text is known, as for our own synthesiser; before that, a streaming agent may be thinking.
_GAP_S = 8.0
_GAP_WITHOUT_TEXT_S = 15.0
# An announcement begins before it is synthesised.
_ANNOUNCEMENT_GAP_S = 30.0
# A streaming agent's text follows its speech at once; nothing more hangs on it.
_TEXT_AFTER_S = 2.0


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
