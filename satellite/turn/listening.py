"""The user's turn: from the first sound to the question that is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn import endpoint
from interject.satellite.turn.backchannel import Verdict, is_invention, judge
from interject.satellite.turn.events import (
    AbortStt,
    Ask,
    Decided,
    ErrorCue,
    NotUnderstoodCue,
    Partial,
    SttFailed,
    Transcribed,
    Typed,
)
from interject.satellite.turn.evidence import spend
from interject.satellite.turn.floor import Rule, is_unsure, said_in
from interject.satellite.turn.segments import (
    Outcome,
    abort_streams,
    drop_failed,
    end_stream,
    first_overdue,
    heard_so_far,
    open_stream,
    then,
    transcribed,
)
from interject.satellite.turn.settings import BargeIn, TurnStart
from interject.satellite.turn.state import TYPED, Barge, Kind, Phase, Segment, SegmentState, State
from interject.satellite.turn.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.turn.settings import TurnSettings


# Detectors hear a wake word before its last vowel is over, and the VAD's last voiced window ends later still: 160 ms of
# "okay nabu" came after its detection.
_WAKE_TAIL_MS = 200.0
# The windows of a voice that goes on begin at once, and one of them may be missed.
_WITHOUT_A_PAUSE_S = 0.1


def rest(state: State) -> State:
    """Give the floor to nobody."""
    return replace(
        state,
        phase=Phase.IDLE,
        live=False,
        kind=Kind.REPLY,
        failed=False,
        cut=False,
        into_reply=False,
        side_speeches=0,
        barge=Barge.NONE,
        segments=(),
        undecided_until=None,
        listen_until=None,
        stt_until=None,
        reply_until=None,
        voice_until=None,
        follow_up_until=None,
    )


def listen(state: State, settings: TurnSettings, now: float) -> State:
    """Give the floor to the user; a turn that goes on keeps its limit, or a television could hold it for ever."""
    listen_until = now + settings.listen_max_s if state.listen_until is None else state.listen_until
    return replace(
        state,
        phase=Phase.LISTENING,
        live=False,
        kind=Kind.REPLY,
        barge=Barge.NONE,
        undecided_until=None,
        reply_until=None,
        listen_until=listen_until,
        follow_up_until=None,
    )


def ask(state: State, text: str, settings: TurnSettings, now: float) -> Outcome:
    """Have the user's turn answered under a new epoch."""
    asked = replace(
        rest(state),
        phase=Phase.PROCESSING,
        epoch=state.epoch + 1,
        live=True,
        question=False,
        reply_until=now + settings.reply_timeout_s,
        user=_usual_voice(state),
    )
    return asked, (Ask(asked.epoch, text),)


def _usual_voice(state: State) -> Voice:
    """Return what the user's voice is like after this turn."""
    spoken = Voice()
    for segment in state.segments:
        spoken = spoken.with_voice(segment.voice)
    return state.user.towards(spoken)


def idle_voice(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """A voice in an idle room begins a turn, unless it takes a wake word and the follow-up window is over."""
    evidence, until = state.evidence, state.follow_up_until
    invited = until is not None and evidence.onset_s is not None and evidence.onset_s < until
    if not evidence.active or (settings.turn_start is TurnStart.WAKE_WORD and not invited):
        return state, ()
    opened, effects = open_stream(state, settings)
    return listen(opened, settings, now), effects


def listening_time(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Go on listening, or end the turn after its silence."""
    overdue = first_overdue(state, now)
    if overdue is not None:
        return give_up(state, overdue, now, settings)
    if state.voice_until is not None:
        return _await_voice(state, state.voice_until, now, settings)
    evidence = state.evidence
    if evidence.active and state.open_segment is None:
        return open_stream(state, settings)
    silent = not evidence.triggered and now >= endpoint.finished_at(evidence.last_voice_s, settings)
    if silent or _out_of_time(state, now):
        return finish(state, now, settings)
    return state, ()


def _await_voice(state: State, until: float, now: float, settings: TurnSettings) -> Outcome:
    """A wake word's own last sound is not yet the turn; a turn that does not come is given up."""
    segment, onset_s = state.open_segment, state.evidence.onset_s
    spoken_ms = 0.0 if segment is None else segment.speech_ms
    woken_s = until - settings.vad_wake_word_timeout
    goes_on = onset_s is None or onset_s < woken_s + _WITHOUT_A_PAUSE_S
    if spoken_ms >= settings.min_speech_ms + (_WAKE_TAIL_MS if goes_on else 0.0):
        return replace(state, voice_until=None), ()
    if now < until:
        return state, ()
    aborted, effects = abort_streams(state)
    return rest(aborted), effects


def _out_of_time(state: State, now: float) -> bool:
    return state.listen_until is not None and now >= state.listen_until


def finish(state: State, now: float, settings: TurnSettings) -> Outcome:
    """End the user's turn; what it says may still have to come from the STT server."""
    ended, effects = end_stream(state, settings, now)
    waiting = replace(ended, phase=Phase.PROCESSING, evidence=spend(ended.evidence))
    return then(effects, conclude(waiting, now, settings))


def conclude(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Ask what the turn says once all of it is known."""
    if state.waiting:
        return state, ()
    doubtful = [segment for segment in state.segments if _is_doubtful(state, segment, now, settings)]
    refused = tuple(Decided(Rule.UNSURE, said_in(state, segment, now, settings)) for segment in doubtful)
    text = _said([segment for segment in state.segments if segment not in doubtful], state)
    takes_back = state.cut or state.into_reply or len(state.segments) > 1
    taken_back = takes_back and bool(state.segments) and judge(state.segments[-1].text) is Verdict.STOP
    if text and not taken_back:
        return then(refused, ask(state, text, settings, now))
    forgotten, effects = abort_streams(state)
    missed = not taken_back and (state.cut or (state.into_reply and bool(doubtful)))
    return rest(forgotten), (*refused, *effects, *((NotUnderstoodCue(),) if missed else ()))


def _is_doubtful(state: State, segment: Segment, now: float, settings: TurnSettings) -> bool:
    """Whether a text is more likely a recogniser's invention than the user's words; an unclear question is asked."""
    if segment.stream == TYPED or not segment.text.strip():
        return False
    invented = state.into_reply or state.cut or is_invention(segment.text)
    return invented and is_unsure(said_in(state, segment, now, settings), settings)


def _said(heard: Sequence[Segment], state: State) -> str:
    """Return the user's turn without what was murmured while an answer was awaited, or into an idle room."""
    said = [segment for segment in heard if segment.text.strip()]
    first_counts = state.cut or len(said) > 1
    return " ".join(
        segment.text.strip()
        for number, segment in enumerate(said)
        if (number == 0 and first_counts) or segment.stream == TYPED or not _is_murmur(state, segment)
    )


def _is_murmur(state: State, segment: Segment) -> bool:
    return judge(segment.text, answers_question=state.question) in {Verdict.BACKCHANNEL, Verdict.SOUND}


def processing_time(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """While the text of the turn is awaited, the user may go on with it."""
    overdue = first_overdue(state, now)
    if overdue is not None:
        return give_up(state, overdue, now, settings)
    evidence = state.evidence
    goes_on = evidence.active and settings.barge_in is not BargeIn.OFF and not _out_of_time(state, now)
    if goes_on and state.open_segment is None:
        return open_stream(state, settings)
    if goes_on and evidence.confirmed:
        return listen(state, settings, now), ()
    if state.open_segment is not None and not goes_on:
        ended, effects = end_stream(state, settings, now)
        return then(effects, conclude(replace(ended, evidence=spend(ended.evidence)), now, settings))
    return state, ()


def typed(state: State, event: Typed, now: float, settings: TurnSettings) -> Outcome:
    """A typed message completes the user's turn; what was spoken before it belongs to it."""
    ended, effects = end_stream(state, settings, now)
    segment = Segment(TYPED, event.text, SegmentState.FINAL)
    added = replace(ended, phase=Phase.PROCESSING, segments=(*ended.segments, segment))
    return then(effects, conclude(added, now, settings))


def stt_partial(state: State, event: Partial, _now: float, _settings: TurnSettings) -> Outcome:
    """Note what is stable so far."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    return heard_so_far(state, segment, event), ()


def stt_final(state: State, event: Transcribed, now: float, settings: TurnSettings) -> Outcome:
    """Note the text of a part of the turn, and ask when it was the last part."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    noted, _ = transcribed(state, segment, event, now)
    if state.phase is Phase.LISTENING and segment.state is SegmentState.OPEN:
        # The server ended the turn by itself; it hears better than our silence does.
        return finish(noted, now, settings)
    return (noted, ()) if state.phase is Phase.LISTENING else conclude(noted, now, settings)


def stt_failed(state: State, event: SttFailed, now: float, settings: TurnSettings) -> Outcome:
    """A part of the turn has no text: say so, unless other parts carry it."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    dropped, effects = drop_failed(state, event.stream, settings)
    if segment.state is SegmentState.OPEN:
        # What follows of the same utterance would make no sense without its beginning.
        dropped = replace(dropped, evidence=spend(dropped.evidence))
    if dropped.segments:
        return (dropped, effects) if state.phase is Phase.LISTENING else then(effects, conclude(dropped, now, settings))
    return rest(dropped), (ErrorCue(), *effects)


def give_up(state: State, overdue: Segment, now: float, settings: TurnSettings) -> Outcome:
    """Treat a stream whose text does not come as failed."""
    return then((AbortStt(overdue.stream),), stt_failed(state, SttFailed(overdue.stream), now, settings))
