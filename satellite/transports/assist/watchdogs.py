"""What happens when Home Assistant does not do what comes next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.records.home_assistant import RunRetried
from interject.satellite.transports.assist.answers import SPEECH_S, acknowledged
from interject.satellite.transports.assist.effects import EndFeed, Note
from interject.satellite.transports.assist.errors import HomeAssistantSilentError
from interject.satellite.transports.assist.runs import (
    HEARS_US_S,
    TEXT_S,
    begin,
    drop_run,
    fail,
    over,
    stop_run,
)
from interject.satellite.transports.assist.state import Outcome, Policy, Run, RunPhase, Start, State

if TYPE_CHECKING:
    from interject.satellite.transports.assist.events import Tick


def deadline(state: State) -> float | None:
    """Return when a Tick is due; None while nothing can happen by itself."""
    times = (
        state.null_until,
        state.run.deadline if state.run is not None else None,
        state.announcement.deadline if state.announcement is not None else None,
        state.wake_after,
    )
    return min((time for time in times if time is not None), default=None)


def tick(state: State, _event: Tick, now: float, policy: Policy) -> Outcome:
    """Do what is due."""
    if state.null_until is not None and now >= state.null_until:
        # An old Home Assistant does not acknowledge; one that still does later is not to be mistaken.
        launched, effects = acknowledged(replace(state, unacknowledged=0), now)
        return replace(launched, unacknowledged=state.unacknowledged), effects
    announcement = state.announcement
    if announcement is not None and announcement.deadline is not None and now >= announcement.deadline:
        return replace(state, announcement=replace(announcement, deadline=None)), (EndFeed(announcement.feed),)
    if state.wake_after is not None and now >= state.wake_after:
        return replace(state, wake_after=None), ()
    return _tick_run(state, now, policy)


def _tick_run(state: State, now: float, policy: Policy) -> Outcome:
    run = state.run
    if run is None or run.deadline is None or now < run.deadline:
        return state, ()
    if run.phase is RunPhase.WAKE:
        return stop_run(state, now)
    return _overdue(state, run, now, policy)


def _overdue(state: State, run: Run, now: float, policy: Policy) -> Outcome:
    if run.answering:
        return _without_answer(state, run, now, policy)
    if run.detected and not run.tell:
        return drop_run(state, now)
    if run.transcribing:
        if run.phase is RunPhase.STOPPED:
            return fail(state, HomeAssistantSilentError("transcript", TEXT_S), now)
        if run.voice or state.voiceless or state.retried:
            return replace(state, run=replace(run, deadline=None)), ()
    if state.retried:
        return fail(state, HomeAssistantSilentError("transcribe", HEARS_US_S), now)
    return _retry(state, run, now)


def _without_answer(state: State, run: Run, now: float, policy: Policy) -> Outcome:
    if run.epoch is None:
        # The turn machine has not decided yet: it asks, or drops the turn.
        return replace(state, run=replace(run, deadline=None)), ()
    return (over(state), ()) if run.spoken else fail(state, _silence(run, policy.reply_timeout_s), now)


def _silence(run: Run, reply_s: float) -> HomeAssistantSilentError:
    if run.phase is RunPhase.SPEAKING:
        return HomeAssistantSilentError("end of its speech", SPEECH_S)
    return HomeAssistantSilentError("speech", SPEECH_S) if run.text else HomeAssistantSilentError("reply", reply_s)


def _retry(state: State, run: Run, now: float) -> Outcome:
    """Begin a run anew that Home Assistant does not hear, with all of its audio."""
    again = Run(
        run.number,
        streams=run.streams,
        tell=run.tell,
        start=Start.SPEECH,
        complete=run.complete,
        epoch=run.epoch,
    )
    begun, effects = begin(replace(state, retried=True), again, now)
    return begun, (Note(RunRetried(run=run.number)), *effects)
