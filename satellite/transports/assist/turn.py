"""What the turn machine asks for: utterances, questions, interruptions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.satellite.transports.assist.effects import (
    Bind,
    DropFeed,
    DropOwn,
    Effect,
    EndFeed,
    EndOwn,
    Forget,
    OpenOwn,
    SendPlayed,
    StreamAlso,
    TellSttFailed,
    TellText,
)
from interject.satellite.transports.assist.errors import NothingSaidError
from interject.satellite.transports.assist.runs import begin, drop_pieces, drop_run, hold, over, send_null, stop_audio
from interject.satellite.transports.assist.state import (
    Hearing,
    Outcome,
    Piece,
    Policy,
    Reply,
    Run,
    RunPhase,
    Start,
    State,
    new_run,
    then,
)
from interject.satellite.turn.events import CancelReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.satellite.transports.assist.events import (
        Aborted,
        Asked,
        Cancelled,
        Ended,
        Opened,
        OwnFailed,
        OwnText,
        Played,
        Woken,
    )

_EARLY = CancelReason.EARLY.value
_FAILED = CancelReason.FAILED.value
_STOP_WORD = CancelReason.STOP_WORD.value
_ANNOUNCEMENT = "announcement"
# What was being said goes on as the user's turn.
_TAKES_FLOOR = frozenset({CancelReason.SPEECH.value, CancelReason.TEXT.value, _EARLY, _FAILED})


def opened(state: State, event: Opened, now: float, policy: Policy) -> Outcome:
    """Stream an utterance at once, or keep it until it is known to interrupt."""
    if state.live:
        own = policy.hearing is Hearing.OWN_STT
        piece = Piece(event.stream, speculative=True, own=own)
        return replace(state, pieces=(*state.pieces, piece)), (OpenOwn(event.stream),) if own else ()
    return _goes_on(replace(state, pieces=(*state.pieces, Piece(event.stream))), now)


def _goes_on(state: State, now: float) -> Outcome:
    run = state.run
    if run is None or run.idle:
        fresh, run = new_run(replace(state, retried=False), streams=state.turn, tell=state.untold)
        return begin(fresh, run, now)
    extended = replace(run, streams=state.turn, tell=state.untold)
    if run.takes_audio or run.phase is RunPhase.HELD:
        also = run.phase is RunPhase.LISTENING and run.start is Start.SPEECH
        return replace(state, run=extended), (StreamAlso(state.turn),) if also else ()
    # Half of a command must not be acted on.
    given_up: tuple[Effect, ...] = (DropFeed(run.number),) if run.answering else ()
    fresh, again = new_run(state, streams=state.turn, tell=state.untold)
    return then(given_up, hold(fresh, again, now))


def ended(state: State, event: Ended, now: float, _policy: Policy) -> Outcome:
    """End the user's turn, as far as it is known."""
    piece = state.piece(event.stream)
    if piece is None:
        return state, ()
    marked = state.with_piece(replace(piece, ended=True))
    if piece.own:
        return marked, (EndOwn(event.stream),)
    run = marked.run
    if piece.speculative:
        return marked, ()
    if run is None or run.idle:
        # Its beginning silenced a reply, and nobody is asked what it says.
        dropped = marked.without_piece(event.stream)
        return dropped, (TellText(event.stream, ""), Forget((event.stream,)))
    return _complete(marked, run, now)


def _complete(state: State, run: Run, now: float) -> Outcome:
    if run.phase is RunPhase.HELD:
        return begin(state, replace(run, complete=True), now)
    if run.phase is RunPhase.PLANNED:
        return replace(state, run=replace(run, complete=True)), ()
    return stop_audio(state, now)


def aborted(state: State, event: Aborted, now: float, _policy: Policy) -> Outcome:
    """Forget an utterance: the turn is what there was without it."""
    piece = state.piece(event.stream)
    if piece is None:
        return state, ()
    left = state.without_piece(event.stream)
    effects: tuple[Effect, ...] = (*((DropOwn(event.stream),) if piece.own else ()), Forget((event.stream,)))
    run = left.run
    if piece.speculative or run is None or event.stream not in run.tell:
        return left, effects
    tell = tuple(stream for stream in run.tell if stream != event.stream)
    if not tell and run.epoch is None:
        return then(effects, drop_run(left, now))
    less = replace(run, tell=tell, streams=tuple(stream for stream in run.streams if stream != event.stream))
    return then(effects, _complete(replace(left, run=less), less, now))


def asked(state: State, event: Asked, now: float, policy: Policy) -> Outcome:
    """Have the turn answered: by the run that is under way, or by one that gets all of it now."""
    own = tuple(DropOwn(piece.stream) for piece in state.pieces if piece.own)
    run = state.run
    if run is not None and not run.idle:
        waits_until = now + policy.reply_timeout_s if run.answering and run.deadline is None else run.deadline
        state = replace(state, run=replace(run, epoch=event.epoch, deadline=waits_until))
    elif state.pieces:
        state, run = new_run(state, streams=state.turn, complete=True, epoch=event.epoch, phase=RunPhase.HELD)
        state = replace(state, run=run)
    else:
        state, run = new_run(state)
        reply = Reply(event.epoch, run.number)
        return replace(state, reply=reply), (Bind(run.number, event.epoch), EndFeed(run.number, NothingSaidError()))
    reply = Reply(event.epoch, run.number, audible=run.opened)
    taken = replace(state, reply=reply, question=run.streams, pieces=(), prefix=())
    effects: tuple[Effect, ...] = (*own, Bind(run.number, event.epoch))
    bound = taken.run
    return then(effects, (taken, ()) if bound is None else settle(*_complete(taken, bound, now)))


def settle(state: State, effects: tuple[Effect, ...] = ()) -> Outcome:
    """Note that a run is over once all of its reply is there, and known to be wanted."""
    run = state.run
    if run is not None and run.spoken and run.text and run.epoch is not None:
        return over(state), effects
    return state, effects


def cancelled(state: State, event: Cancelled, now: float, _policy: Policy) -> Outcome:
    """Stop a reply or an announcement, and give the user's words the floor where the reason does."""
    reply, announcement = state.reply, state.announcement
    effects: tuple[Effect, ...] = ()
    if announcement is not None and announcement.epoch == event.epoch:
        effects = (SendPlayed(), DropFeed(announcement.feed))
        state = replace(state, announcement=None, demux=state.demux.disowned())
        return then(effects, _take_floor(state, event.reason, now))
    if reply is not None and reply.epoch == event.epoch:
        # An announcement must not take the end of the reply that made way for its own.
        played: tuple[Effect, ...] = (SendPlayed(),) if reply.audible and event.reason != _ANNOUNCEMENT else ()
        effects = (*played, DropFeed(reply.feed))
        state = replace(state, reply=None)
    else:
        return state, ()
    return then(effects, _after_cancel(replace(state, retried=False), event.reason, now))


def _after_cancel(state: State, reason: str, now: float) -> Outcome:
    keep = () if state.announcement is None else (state.announcement.feed,)
    effects: tuple[Effect, ...] = ()
    stopped = replace(state, demux=state.demux.disowned(*keep))
    if reason == _ANNOUNCEMENT:
        # Home Assistant itself ended the run for it.
        stopped = over(stopped)
    elif state.connected and _must_be_ended(state, reason):
        stopped, effects = send_null(state, now)
    if reason == _EARLY:
        # The next run has both: Home Assistant may begin another conversation with it, which knows of no question.
        stopped = replace(stopped, prefix=stopped.question, question=())
    else:
        effects = (*effects, *_forget(stopped.question))
        stopped = replace(stopped, question=())
    return then(effects, _take_floor(stopped, reason, now))


def _must_be_ended(state: State, reason: str) -> bool:
    """Whether Home Assistant may be busy with what was cut; its own wake word goes on in the run that heard it."""
    if state.run is not None and state.run.detected and state.run.epoch is None:
        return False
    return state.may_run or reason != _FAILED


def _take_floor(state: State, reason: str, now: float) -> Outcome:
    if reason in _TAKES_FLOOR:
        return _give_floor(state, now)
    if reason == _STOP_WORD:
        pieces, dropped = _floor(state.pieces)
        return replace(state, pieces=pieces), _forget(dropped)
    return drop_pieces(state)


def dropped(state: State, _event: object, now: float, _policy: Policy) -> Outcome:
    """Want nothing more of the user's turn, nor of the run that answers it unasked."""
    run = state.run
    if run is None or run.idle or run.epoch is not None:
        return drop_pieces(state)
    return drop_run(state, now)


def played(state: State, event: Played, now: float, _policy: Policy) -> Outcome:
    """Tell Home Assistant, and give the floor to what was said into the end."""
    reply, announcement = state.reply, state.announcement
    if announcement is not None and announcement.epoch == event.epoch:
        over_it = replace(state, announcement=None)
        return then((SendPlayed(), DropFeed(announcement.feed)), _give_floor(over_it, now))
    if reply is None or reply.epoch != event.epoch:
        return state, ()
    run = state.run
    rested = replace(state, reply=None, question=(), retried=False)
    if run is not None and run.number == reply.feed:
        rested = replace(rested, run=None)
    told: tuple[Effect, ...] = (SendPlayed(),) if reply.audible else ()
    effects = (*told, DropFeed(reply.feed), *_forget(state.question))
    return then(effects, _give_floor(rested, now))


def _floor(pieces: tuple[Piece, ...]) -> tuple[tuple[Piece, ...], tuple[int, ...]]:
    """Tell which utterances into a reply count as the user's turn: their streams, and those of the others."""
    kept = tuple(p for p in pieces if not p.ended or p.own or p.final or p is pieces[-1])
    dropped = tuple(piece.stream for piece in pieces if piece not in kept)
    return tuple(replace(piece, speculative=False) for piece in kept), dropped


def _give_floor(state: State, now: float) -> Outcome:
    pieces, dropped = _floor(state.pieces)
    own = tuple(DropOwn(piece.stream) for piece in pieces if piece.own)
    effects: tuple[Effect, ...] = (*own, *_forget(dropped))
    turn = replace(state, pieces=tuple(replace(piece, own=False) for piece in pieces))
    if not turn.untold:
        # Our own STT server has told it all: Home Assistant gets it with the question.
        return turn, effects
    fresh, run = new_run(turn, streams=turn.turn, tell=turn.untold, complete=turn.open_piece is None)
    return then(effects, begin(fresh, run, now))


def _forget(streams: Iterable[int]) -> tuple[Effect, ...]:
    forgotten = tuple(streams)
    return (Forget(forgotten),) if forgotten else ()


def woken(state: State, event: Woken, _now: float, _policy: Policy) -> Outcome:
    """Let the next run begin with `detection`, by which Home Assistant lets only one of several rooms answer.

    The word's pipeline has that run and all that follow, until the next wake word.
    """
    return replace(state, woken=event, pipeline=event.pipeline), ()


def own_text(state: State, event: OwnText, _now: float, _policy: Policy) -> Outcome:
    """Pass on what our own STT server made out."""
    piece = state.piece(event.stream)
    if piece is None or not piece.own:
        return state, ()
    noted = state.with_piece(replace(piece, own=False, final=True, ended=True))
    return noted, (TellText(event.stream, event.text, event.confidence),)


def own_failed(state: State, event: OwnFailed, _now: float, _policy: Policy) -> Outcome:
    """Pass on that our own STT server makes nothing out."""
    piece = state.piece(event.stream)
    if piece is None or not piece.own:
        return state, ()
    return state.without_piece(event.stream), (TellSttFailed(event.stream, event.error), Forget((event.stream,)))
