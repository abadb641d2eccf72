"""The stretches of speech that make up what the user says: opening, ending, failing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.events import AbortStt, Effect, EndStt, ForgetStt, OfferText, OpenStt
from interject.satellite.turn.state import TYPED, Segment, SegmentState, State

if TYPE_CHECKING:
    from interject.satellite.turn.events import Partial, Transcribed
    from interject.satellite.turn.settings import TurnSettings


# A recogniser that was slow once may be so again: its delay is followed up at once, and down by this share each time.
_FASTER_SHARE = 0.3

Outcome = tuple[State, tuple[Effect, ...]]


def then(effects: tuple[Effect, ...], outcome: Outcome) -> Outcome:
    """Put effects before those of an outcome."""
    return outcome[0], (*effects, *outcome[1])


def open_stream(state: State, settings: TurnSettings) -> Outcome:
    """Open a stream for the utterance that is going on."""
    stream = state.streams + 1
    segment = Segment(stream, speech_ms=state.utterance.speech_ms, voice=state.utterance.voice)
    opened = replace(state, streams=stream, segments=(*state.segments, segment))
    sounds = state.reply is not None and state.reply.started
    pre_roll_ms = settings.reply_pre_roll_ms if sounds else settings.pre_roll_ms
    return opened, (OpenStt(stream, pre_roll_ms, into_reply=state.live),)


def abort_streams(state: State) -> Outcome:
    """Forget all that was said and not yet asked."""
    aborted = tuple(
        ForgetStt(segment.stream) if segment.state is SegmentState.FINAL else AbortStt(segment.stream)
        for segment in state.segments
        if segment.stream != TYPED
    )
    return replace(state, segments=()), aborted


def end_stream(state: State, settings: TurnSettings, now: float) -> Outcome:
    """End the open stream, if any: wait for its text, or forget it when it can only be a knock."""
    segment = state.open_segment
    if segment is None:
        return state, ()
    if segment.speech_ms < settings.min_speech_ms:
        return state.without(segment.stream), (AbortStt(segment.stream),)
    return state.with_segment(replace(segment, state=SegmentState.ENDING, ended_s=now)), (EndStt(segment.stream),)


def drop_failed(state: State, stream: int, settings: TurnSettings) -> Outcome:
    """Drop a segment whose stream failed."""
    failures = state.stt_failures + 1
    dropped = replace(state.without(stream), stt_failures=failures)
    return dropped, ((OfferText(),) if failures == settings.stt_failures_to_text else ())


def overdue_at(state: State, settings: TurnSettings) -> float | None:
    """Return when the awaited text should have come (seconds), counted from the stream that ended last."""
    if state.ending is None:
        return None
    return max(segment.ended_s for segment in state.segments if segment.ended_s is not None) + settings.stt_timeout_s


def first_overdue(state: State, now: float, settings: TurnSettings) -> Segment | None:
    """Find a segment whose text should have come by now."""
    until = overdue_at(state, settings)
    return state.ending if until is not None and now >= until else None


def heard_so_far(state: State, segment: Segment, event: Partial) -> State:
    """Note what of a segment is stable."""
    told = state.tells_confidence or event.confidence is not None
    noted = replace(segment, text=event.text, confidence=event.confidence)
    return replace(state.with_segment(noted), tells_confidence=told)


def transcribed(state: State, segment: Segment, event: Transcribed, now: float) -> tuple[State, Segment]:
    """Note the final text of a segment, and how long it took; return the segment as well."""
    final = replace(segment, text=event.text, confidence=event.confidence, state=SegmentState.FINAL)
    told = state.tells_confidence or event.confidence is not None
    noted = replace(state.with_segment(final), stt_failures=0, tells_confidence=told)
    if segment.ended_s is None:
        return noted, final
    delay_s, before_s = now - segment.ended_s, state.stt_delay_s
    if before_s is not None:
        delay_s = max(delay_s, before_s + _FASTER_SHARE * (delay_s - before_s))
    return replace(noted, stt_delay_s=delay_s), final
