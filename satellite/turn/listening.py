"""The user's turn: from the first sound to the question that is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act, is_invention
from interject.satellite.turn.endpointing import endpoint, finished_at, text_so_far
from interject.satellite.turn.events import (
    AbortStt,
    Ask,
    Decided,
    ErrorCue,
    NotUnderstoodCue,
    Partial,
    SttFailed,
    Transcribed,
    TurnEnded,
    Typed,
)
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
from interject.satellite.turn.state import (
    TYPED,
    Idle,
    Kind,
    Listening,
    Origin,
    Reply,
    Segment,
    SegmentState,
    State,
    Transcribing,
)
from interject.satellite.turn.utterance import Voice, spend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.satellite.turn.settings import TurnSettings


# Detectors hear a wake word before its last vowel is over, and the VAD's last voiced window ends later still: 160 ms of
# "okay nabu" came after its detection.
_WAKE_TAIL_MS = 200.0
# The windows of a voice that goes on begin at once, and one of them may be missed.
_WITHOUT_A_PAUSE_S = 0.1


def rest(state: State, follow_up_until: float | None = None) -> State:
    """Give the floor to nobody; until `follow_up_until` a voice begins a turn without a wake word."""
    return replace(state, floor=Idle(follow_up_until), segments=())


def listen(state: State, settings: TurnSettings, now: float, origin: Origin = Origin.SILENCE) -> State:
    """Give the floor to the user for a turn that begins so; a turn that goes on keeps its origin and its limit."""
    floor, limit = state.floor, now + settings.listen_max_s
    match floor:
        case Listening():
            return state
        case Transcribing(goes_on_from, until):
            return replace(state, floor=Listening(limit if until is None else until, goes_on_from))
        case Idle() | Reply():
            return replace(state, floor=Listening(limit, origin))


def ask(state: State, text: str, settings: TurnSettings, now: float) -> Outcome:
    """Have the user's turn answered under a new epoch."""
    asked = begin(replace(state, user=_usual_voice(state)), Kind.REPLY, settings, now)
    return asked, (Ask(asked.epoch, text),)


def begin(state: State, kind: Kind, settings: TurnSettings, now: float) -> State:
    """Begin an epoch, whose first sound is awaited."""
    reply = Reply(kind, reply_until=now + settings.reply_timeout_s)
    return replace(state, floor=reply, epoch=state.epoch + 1, segments=(), question=False)


def _usual_voice(state: State) -> Voice:
    """Return what the user's voice is like after this turn."""
    spoken = Voice()
    for segment in state.segments:
        spoken = spoken.with_voice(segment.voice)
    return state.user.towards(spoken)


def idle_voice(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """A voice in an idle room begins a turn, unless it takes a wake word and the follow-up window is over."""
    utterance = state.utterance
    until = state.floor.follow_up_until if isinstance(state.floor, Idle) else None
    invited = until is not None and utterance.onset_s is not None and utterance.onset_s < until
    if not utterance.active or (settings.turn_start is TurnStart.WAKE_WORD and not invited):
        return state, ()
    opened, effects = open_stream(state, settings)
    return listen(opened, settings, now), effects


def listening_time(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Go on listening, or end the turn after its silence."""
    overdue = first_overdue(state, now, settings)
    if overdue is not None:
        return give_up(state, overdue, now, settings)
    if isinstance(state.floor, Listening) and state.floor.voice_until is not None:
        return _await_voice(state, state.floor, state.floor.voice_until, now, settings)
    utterance = state.utterance
    if utterance.active and state.open_segment is None:
        return open_stream(state, settings)
    if not utterance.triggered and now >= finished_at(state, settings):
        judged = endpoint(state, settings)
        ended = TurnEnded(judged.rule, judged.silence_ms, text_so_far(state))
        return then((ended,), finish(state, now, settings))
    if _out_of_time(state, now):
        return finish(state, now, settings)
    return state, ()


def _await_voice(state: State, floor: Listening, until: float, now: float, settings: TurnSettings) -> Outcome:
    """A wake word's own last sound is not yet the turn; a turn that does not come is given up."""
    segment, onset_s = state.open_segment, state.utterance.onset_s
    spoken_ms = 0.0 if segment is None else segment.speech_ms
    woken_s = until - settings.vad_wake_word_timeout
    goes_on = onset_s is None or onset_s < woken_s + _WITHOUT_A_PAUSE_S
    if spoken_ms >= settings.min_speech_ms + (_WAKE_TAIL_MS if goes_on else 0.0):
        return replace(state, floor=replace(floor, voice_until=None)), ()
    if now < until:
        return state, ()
    aborted, effects = abort_streams(state)
    return rest(aborted), effects


def _out_of_time(state: State, now: float) -> bool:
    until = state.floor.listen_until if isinstance(state.floor, Listening | Transcribing) else None
    return until is not None and now >= until


def finish(state: State, now: float, settings: TurnSettings) -> Outcome:
    """End the user's turn; what it says may still have to come from the STT server."""
    ended, effects = end_stream(state, settings, now)
    waiting = replace(_no_more(ended), utterance=spend(ended.utterance))
    return then(effects, conclude(waiting, now, settings))


def _no_more(state: State) -> State:
    floor = state.floor
    if not isinstance(floor, Listening):
        return state if isinstance(floor, Transcribing) else replace(state, floor=Transcribing())
    return replace(state, floor=Transcribing(floor.origin, floor.listen_until))


def conclude(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Ask what the turn says once all of it is known."""
    if state.waiting:
        return state, ()
    doubtful = [segment for segment in state.segments if _is_doubtful(state, segment, now, settings)]
    refused = tuple(Decided(Rule.UNSURE, said_in(state, segment, now, settings)) for segment in doubtful)
    text = _said([segment for segment in state.segments if segment not in doubtful], state, settings)
    cut, into_reply = state.origin.cut, state.origin is Origin.INTO_REPLY
    takes_back = cut or into_reply or len(state.segments) > 1
    taken_back = (
        takes_back and bool(state.segments) and _act_of(state.segments[-1], state, settings) is DialogueAct.STOP
    )
    if text and not taken_back:
        return then(refused, ask(state, text, settings, now))
    forgotten, effects = abort_streams(state)
    missed = not taken_back and (cut or (into_reply and bool(doubtful)))
    return rest(forgotten), (*refused, *effects, *((NotUnderstoodCue(),) if missed else ()))


def _is_doubtful(state: State, segment: Segment, now: float, settings: TurnSettings) -> bool:
    """Whether a text is more likely a recogniser's invention than the user's words; an unclear question is asked."""
    if segment.stream == TYPED or not segment.text.strip():
        return False
    invented = state.origin is not Origin.SILENCE or is_invention(segment.text, settings.lexicon)
    return invented and is_unsure(said_in(state, segment, now, settings), settings)


def _said(heard: Sequence[Segment], state: State, settings: TurnSettings) -> str:
    """Return the user's turn without what was murmured while an answer was awaited, or into an idle room."""
    said = [segment for segment in heard if segment.text.strip()]
    first_counts = state.origin.cut or len(said) > 1
    return " ".join(
        segment.text.strip()
        for number, segment in enumerate(said)
        if (number == 0 and first_counts) or segment.stream == TYPED or not _is_murmur(state, segment, settings)
    )


def _is_murmur(state: State, segment: Segment, settings: TurnSettings) -> bool:
    return _act_of(segment, state, settings) in {DialogueAct.BACKCHANNEL, DialogueAct.SOUND}


def _act_of(segment: Segment, state: State, settings: TurnSettings) -> DialogueAct:
    return dialogue_act(segment.text, answers_question=state.question, lexicon=settings.lexicon)


def transcribing_time(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """While the text of the turn is awaited, the user may go on with it."""
    overdue = first_overdue(state, now, settings)
    if overdue is not None:
        return give_up(state, overdue, now, settings)
    utterance = state.utterance
    goes_on = utterance.active and settings.barge_in is not BargeIn.OFF and not _out_of_time(state, now)
    if goes_on and state.open_segment is None:
        return open_stream(state, settings)
    if goes_on and utterance.confirmed:
        return listen(state, settings, now), ()
    if state.open_segment is not None and not goes_on:
        ended, effects = end_stream(state, settings, now)
        return then(effects, conclude(replace(ended, utterance=spend(ended.utterance)), now, settings))
    return state, ()


def typed(state: State, event: Typed, now: float, settings: TurnSettings) -> Outcome:
    """A typed message completes the user's turn; what was spoken before it belongs to it."""
    ended, effects = end_stream(state, settings, now)
    segment = Segment(TYPED, event.text, SegmentState.FINAL)
    added = replace(_no_more(ended), segments=(*ended.segments, segment))
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
    listening = isinstance(state.floor, Listening)
    if listening and segment.state is SegmentState.OPEN:
        # The server ended the turn by itself; it hears better than our silence does.
        return finish(noted, now, settings)
    return (noted, ()) if listening else conclude(noted, now, settings)


def stt_failed(state: State, event: SttFailed, now: float, settings: TurnSettings) -> Outcome:
    """A part of the turn has no text: say so, unless other parts carry it."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    dropped, effects = drop_failed(state, event.stream, settings)
    if segment.state is SegmentState.OPEN:
        # What follows of the same utterance would make no sense without its beginning.
        dropped = replace(dropped, utterance=spend(dropped.utterance))
    if not dropped.segments:
        return rest(dropped), (ErrorCue(), *effects)
    listening = isinstance(dropped.floor, Listening)
    return (dropped, effects) if listening else then(effects, conclude(dropped, now, settings))


def give_up(state: State, overdue: Segment, now: float, settings: TurnSettings) -> Outcome:
    """Treat a stream whose text does not come as failed."""
    return then((AbortStt(overdue.stream),), stt_failed(state, SttFailed(overdue.stream), now, settings))
