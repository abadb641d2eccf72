"""The user speaks into a reply: duck, pause, then commit or resume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act
from interject.satellite.turn.events import (
    AbortStt,
    CancelReason,
    CancelReply,
    Decided,
    Duck,
    Effect,
    ErrorCue,
    ForgetStt,
    Partial,
    Pause,
    ReplyFailed,
    ReplyText,
    SttFailed,
    Transcribed,
    Typed,
    Unduck,
)
from interject.satellite.turn.floor import (
    Rule,
    decide,
    decide_by_length,
    is_side_speech,
    noting_refusal,
    noting_softness,
    said_in,
)
from interject.satellite.turn.listening import ask, listen, rest
from interject.satellite.turn.pausing import dismiss, go_on, go_on_softly, hold, let_play, resume, say_again
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
from interject.satellite.turn.settings import BargeIn, Judgement, TurnStart
from interject.satellite.turn.state import (
    Barge,
    Kind,
    Origin,
    Reply,
    SegmentState,
    State,
    Transcribing,
    reply_of,
)
from interject.satellite.turn.utterance import spend

if TYPE_CHECKING:
    from interject.satellite.turn.floor import Said
    from interject.satellite.turn.settings import TurnSettings


# Words that come up to twice as late as they did lately are still to be expected, and those of a recogniser that is
# mostly done when the voice ends may take a second: going on and being cut is worse than the longer pause.
_PATIENCE, _LEAST_PATIENCE_S = 2.0, 1.0


def on_time(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Weigh what was heard so far, and what is overdue."""
    reply = reply_of(state)
    if reply.reply_until is not None and now >= reply.reply_until:
        return reply_failed(state, ReplyFailed(state.epoch), now, settings)
    if reply.on_hold_until is not None and now >= reply.on_hold_until:
        return silence(state, CancelReason.STOP_WORD)
    overdue = first_overdue(state, now, settings)
    if overdue is not None:
        return then((AbortStt(overdue.stream),), stt_failed(state, SttFailed(overdue.stream), now, settings))
    if state.rings or settings.barge_in is BargeIn.SPEECH:
        return _weigh(state, now, settings)
    # Where a voice has ducked or held playback, any voice could interrupt when it began.
    playing, effects = let_play(state, Barge.NONE)
    if not settings.finds_stop_words:
        return then(effects, abort_streams(playing))
    return then(effects, _weigh(playing, now, settings))


def _weigh(state: State, now: float, settings: TurnSettings) -> Outcome:
    if state.utterance.active:
        return _while_speaking(noting_softness(state, now, settings), now, settings)
    if state.utterance.triggered:
        return _when_undecided_too_long(state, now, settings)
    return _after_utterance(state, now, settings)


def _while_speaking(state: State, now: float, settings: TurnSettings) -> Outcome:
    confirmed = state.utterance.confirmed
    if reply_of(state).barge is Barge.DISMISSED and not confirmed:
        return state, ()
    effects: tuple[Effect, ...] = ()
    if state.rings:
        if confirmed:
            # Whatever is said to a ring only means that it was heard.
            return silence(state, CancelReason.SPEECH)
    else:
        if state.open_segment is None and not state.utterance.deaf:
            state, effects = open_stream(state, settings)
        if settings.barge_in is not BargeIn.SPEECH:
            return state, effects
    state, begun = _make_room(state, now, settings)
    decide = _decide_while_speaking if confirmed else _when_undecided_too_long
    return then((*effects, *begun), decide(state, now, settings))


def _make_room(state: State, now: float, settings: TurnSettings) -> Outcome:
    """Duck what sounds until the utterance is confirmed; hold what does not, as waiting costs nothing."""
    reply = reply_of(state)
    if reply.barge is Barge.HELD:
        return state, ()
    undecided_until = now + settings.undecided_ms / 1000
    if reply.started and not state.utterance.confirmed:
        if reply.barge is Barge.DUCKED:
            return state, ()
        duck = () if reply.barge is Barge.SOFT else (Duck(),)
        return state.with_reply(replace(reply, barge=Barge.DUCKED, undecided_until=undecided_until)), duck
    held_until = undecided_until + settings.verdict_ms / 1000
    held = replace(reply, barge=Barge.HELD, undecided_until=undecided_until, held_until=held_until)
    return state.with_reply(held), (Pause(),)


def _decide_while_speaking(state: State, now: float, settings: TurnSettings) -> Outcome:
    said = said_in(state, state.open_segment, now, settings)
    whole = replace(said, speech_ms=state.utterance.speech_ms)
    by_length = decide_by_length(whole, settings, tells_confidence=state.tells_confidence)
    if by_length is not None:
        return commit(state, by_length, whole, now, settings)
    by_words = decide(said, settings)
    if state.open_segment is not None and by_words.takes_floor:
        return commit(state, by_words, said, now, settings)
    return _when_undecided_too_long(state, now, settings)


def _when_undecided_too_long(state: State, now: float, settings: TurnSettings) -> Outcome:
    reply = reply_of(state)
    if reply.undecided_until is None or now < reply.undecided_until:
        return state, ()
    if reply.barge is Barge.HELD and state.ending is not None and now < _verdict_until(state, reply, settings):
        # Whoever has begun to say more meanwhile does not end the wait for what was said.
        return state.with_reply(replace(reply, undecided_until=_verdict_until(state, reply, settings))), ()
    ended, effects = _end_undecided(state, settings, now)
    if ended.utterance.active and not ended.utterance.confirmed:
        return then(effects, dismiss(ended))
    reply = reply_of(ended)
    if reply.barge is Barge.HELD and ended.ending is not None:
        spent = replace(ended, utterance=spend(ended.utterance))
        until = _verdict_until(spent, reply, settings)
        if now < until:
            return spent.with_reply(replace(reply, undecided_until=until)), effects
        return then(effects, go_on_softly(spent))
    return then(effects, resume(ended))


def _verdict_until(state: State, reply: Reply, settings: TurnSettings) -> float:
    """Tell until when the words of utterances that are over are worth a pause, by how long words took lately."""
    wait_s = settings.verdict_ms / 1000
    if state.stt_delay_s is not None:
        wait_s = min(wait_s, max(_LEAST_PATIENCE_S, _PATIENCE * state.stt_delay_s))
    awaited = [segment.ended_s for segment in state.segments if segment.state is SegmentState.ENDING]
    since = max(ended_s for ended_s in awaited if ended_s is not None)
    return min(since + wait_s, reply.held_until)


def _end_undecided(state: State, settings: TurnSettings, now: float) -> Outcome:
    """End the stream of an utterance that did not take the floor: its words may still decide, its length will not."""
    if settings.judgement is Judgement.WORDS:
        return end_stream(state, settings, now)
    noted = noting_refusal(state, state.open_segment, now, settings) if _was_long(state, settings) else state
    return abort_streams(noted)


def _after_utterance(state: State, now: float, settings: TurnSettings) -> Outcome:
    long_enough = settings.judgement is Judgement.DURATION and _was_long(state, settings)
    said = said_in(state, state.open_segment, now, settings)
    if long_enough and not said.side_speech:
        return commit(state, Rule.LENGTH, said, now, settings)
    ended, effects = _end_undecided(state, settings, now)
    barge = reply_of(ended).barge
    if barge is Barge.HELD and ended.waiting:
        return then(effects, _when_undecided_too_long(ended, now, settings))
    if barge is Barge.SOFT and ended.waiting:
        return ended, effects
    return then(effects, let_play(ended, Barge.NONE))


def _was_long(state: State, settings: TurnSettings) -> bool:
    segment = state.open_segment
    held = reply_of(state).barge is Barge.HELD
    return held and segment is not None and segment.speech_ms >= settings.commit_unheard_ms


def commit(state: State, rule: Rule, said: Said, now: float, settings: TurnSettings) -> Outcome:
    """Take the floor from the reply; the STT stream that is open goes on."""
    reason = CancelReason.STOP_WORD if rule is Rule.STOP_WORD else CancelReason.SPEECH
    reply = reply_of(state)
    if reason is CancelReason.SPEECH and not reply.started and reply.kind is Kind.REPLY:
        reason = CancelReason.EARLY
    origin = Origin.BARGE_IN if reason is CancelReason.SPEECH else Origin.CUT
    committed = listen(state, settings, now, origin)
    effects = (Decided(rule, said), CancelReply(state.epoch, reason))
    if committed.utterance.active and committed.open_segment is None:
        return then(effects, open_stream(committed, settings))
    return committed, effects


def silence(state: State, reason: CancelReason) -> Outcome:
    """End what sounds and begin nothing: what was said into it was meant for it alone."""
    aborted, effects = abort_streams(state)
    rested = replace(rest(aborted), utterance=spend(aborted.utterance))
    return rested, (CancelReply(state.epoch, reason), *effects)


def stt_partial(state: State, event: Partial, now: float, settings: TurnSettings) -> Outcome:
    """Stable words of the utterance may decide at once."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    noted = heard_so_far(state, segment, event)
    said = said_in(noted, noted.segment(event.stream), now, settings)
    rule = decide(said, settings)
    return commit(noted, rule, said, now, settings) if rule.takes_floor else (noted, ())


def stt_final(state: State, event: Transcribed, now: float, settings: TurnSettings) -> Outcome:
    """The whole text of an utterance decides: commit, or it was nothing."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    noted, final = transcribed(state, segment, event, now)
    said = said_in(noted, final, now, settings)
    rule = decide(said, settings)
    if rule.takes_floor:
        return commit(noted, rule, said, now, settings)
    about_reply = {Rule.HOLD: hold, Rule.GO_ON: go_on, Rule.SAY_AGAIN: say_again}.get(rule)
    if about_reply is not None:
        obeyed, effects = about_reply(noted.without(event.stream), now, settings)
        return obeyed, (Decided(rule, said), *effects, ForgetStt(event.stream))
    refused = noting_refusal(noted, segment, now, settings) if rule is Rule.SIDE_SPEECH else noted
    settled, effects = _settled(refused.without(event.stream))
    return settled, (Decided(rule, said), *effects, ForgetStt(event.stream))


def stt_failed(state: State, event: SttFailed, _now: float, settings: TurnSettings) -> Outcome:
    """Without a text only the length of the utterance can decide, and the user is told why nothing else does."""
    segment = state.segment(event.stream)
    if segment is None:
        return state, ()
    dropped, effects = drop_failed(state, event.stream, settings)
    if segment.state is SegmentState.OPEN:
        dropped = replace(dropped, utterance=replace(dropped.utterance, deaf=True))
    return then((ErrorCue(), *effects), _settled(dropped))


def _settled(state: State) -> Outcome:
    if reply_of(state).barge in {Barge.HELD, Barge.SOFT} and not state.waiting and not state.utterance.active:
        return resume(state)
    return state, ()


def typed(state: State, event: Typed, now: float, settings: TurnSettings) -> Outcome:
    """A typed message takes the floor at once, unless it is about the reply itself."""
    act = dialogue_act(event.text, answers_question=state.question, lexicon=settings.lexicon)
    reply = reply_of(state)
    if reply.kind is Kind.REPLY:
        if act is DialogueAct.HOLD:
            return hold(state, now, settings)
        if act is DialogueAct.GO_ON and reply.on_hold_until is not None:
            return go_on(state, now, settings)
        if act is DialogueAct.CANNOT_HEAR and reply.started:
            return say_again(state, now, settings)
    reason = CancelReason.STOP_WORD if act is DialogueAct.STOP else CancelReason.TEXT
    cleared, effects = silence(state, reason)
    if act is DialogueAct.STOP:
        return cleared, effects
    return then(effects, ask(cleared, event.text, settings, now))


def reply_text(state: State, event: ReplyText, _now: float, _settings: TurnSettings) -> Outcome:
    """Note whether the reply, as far as it goes, asks the user something."""
    return replace(state, question=event.text.rstrip().endswith("?")), ()


def reply_started(state: State, _event: object, _now: float, _settings: TurnSettings) -> Outcome:
    """The reply is to be heard; one that was held a moment too late is paused at once."""
    return state.with_reply(replace(reply_of(state), started=True, reply_until=None)), ()


def reply_played(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """The reply is over; what the user has begun to say becomes a turn of its own."""
    reply = reply_of(state)
    unduck: tuple[Effect, ...] = (Unduck(),) if reply.barge in {Barge.DUCKED, Barge.SOFT} else ()
    failure: tuple[Effect, ...] = (CancelReply(state.epoch, CancelReason.FAILED), ErrorCue()) if reply.failed else ()
    return then((*unduck, *failure), _hand_over(state, now, settings))


def reply_failed(state: State, _event: object, now: float, settings: TurnSettings) -> Outcome:
    """Tell the user at once if nothing was heard yet, else after what there is has been said."""
    reply = reply_of(state)
    if reply.started:
        return state.with_reply(replace(reply, failed=True)), ()
    effects = (CancelReply(state.epoch, CancelReason.FAILED), ErrorCue())
    return then(effects, _hand_over(state, now, settings))


def _hand_over(state: State, now: float, settings: TurnSettings) -> Outcome:
    from_afar = settings.turn_start is TurnStart.WAKE_WORD and is_side_speech(state, state.open_segment, now, settings)
    if settings.barge_in is not BargeIn.SPEECH or from_afar:
        # Whoever switched speech barge-in off has a room where this may be the reply itself; from afar it may be the
        # television, which has not said the wake word.
        aborted, aborts = abort_streams(state)
        return replace(_rest_invitingly(aborted, now, settings), utterance=spend(state.utterance)), aborts
    if state.open_segment is not None and state.utterance.active:
        return listen(state, settings, now, Origin.INTO_REPLY), ()
    ended, effects = end_stream(state, settings, now)
    if ended.waiting:
        return replace(ended, floor=Transcribing(Origin.INTO_REPLY)), effects
    return _rest_invitingly(ended, now, settings), effects


def _rest_invitingly(state: State, now: float, settings: TurnSettings) -> State:
    """After an answer the user may go on without a wake word."""
    answered = reply_of(state).kind is Kind.REPLY
    return rest(state, now + settings.follow_up_seconds if answered and settings.follow_up_seconds else None)
