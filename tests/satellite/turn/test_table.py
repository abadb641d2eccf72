"""The table of transitions says all that can happen, and nothing that cannot."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

from interject.satellite.turn.events import (
    Announced,
    Event,
    ListenNow,
    Muted,
    Partial,
    ReplyFailed,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    StopNow,
    StopWord,
    SttFailed,
    TimerFinished,
    Transcribed,
    Typed,
    VoiceWindow,
    WakeWord,
)
from interject.satellite.turn.machine import TRANSITIONS
from interject.satellite.turn.settings import BargeIn, Judgement, TurnSettings, TurnStart
from interject.satellite.turn.state import Phase
from tests.satellite.turn.drive import Drive

if TYPE_CHECKING:
    from collections.abc import Callable

Arrow = tuple[Phase, type[Event], Phase]
TEXTS = ("", "uh-huh", "stop", "what time is it", "no", "wait a moment", "go on", "what")
# A walk of random events soon leaves the rare places: it begins in one of them, and is short. All arrows take some
# 5,000 walks.
STEPS = 6
LEAST_WALKS, MOST_WALKS = 2_000, 50_000


def settings_of(dice: random.Random) -> TurnSettings:
    return TurnSettings(
        barge_in=dice.choice([*8 * [BargeIn.SPEECH], *BargeIn]),
        turn_start=dice.choice(list(TurnStart)),
        judgement=dice.choice([*2 * [Judgement.WORDS], *Judgement]),
        listen_max_s=2.0,
        stt_timeout_s=1.0,
        reply_timeout_s=2.0,
        undecided_ms=500.0,
        verdict_ms=800.0,
        hold_max_s=2.0,
    )


def choices(drive: Drive, dice: random.Random) -> list[Callable[[], object]]:
    state, text = drive.state, dice.choice(TEXTS)
    begun: list[Callable[[], object]] = [
        lambda: drive.voice(dice.choice([32, 96, 200, 400, 1000])),
        lambda: drive.silence(dice.choice([32, 300, 700])),
        lambda: drive.wait(dice.choice([1.0, 700.0, 3000.0])),
        lambda: late_window(drive, dice.choice([0.1, 3.0]), dice.choice([0.02, 0.9])),
    ]
    events: list[Event] = [WakeWord("okay nabu"), StopWord(), ListenNow(), StopNow(), Announced(), Muted()]
    events += [*2 * [Typed(text or "tell me")], *2 * [TimerFinished()]]
    for segment in state.segments:
        stream = segment.stream
        events += [*3 * [Partial(stream, text)], *3 * [Transcribed(stream, text)], *3 * [SttFailed(stream)]]
    reply = state.reply
    if reply is not None:
        events += [*3 * [ReplyFailed(state.epoch)], *3 * [ReplyText(state.epoch, f"{text}?")]]
        if not reply.started:
            events += 6 * [ReplyStarted(state.epoch)]
        events += 3 * [ReplyPlayed(state.epoch)]
    chosen = dice.choice(events)
    return [*begun, *begun, *3 * [lambda: drive.send(chosen)]]


def late_window(drive: Drive, late_s: float, probability: float) -> None:
    """A block of audio that comes late is heard before the clock is looked at."""
    drive.now += late_s
    drive.send(VoiceWindow(probability))


def no_turn(_drive: Drive) -> None:
    """Nothing has happened yet."""


def turn_awaited(drive: Drive) -> None:
    """Bring a fresh machine to a turn whose text is awaited."""
    drive.send(ListenNow())
    drive.voice(600)
    drive.silence(700)


def turn_goes_on(drive: Drive) -> None:
    """Bring a fresh machine to a turn that has begun to go on while its text is awaited."""
    turn_awaited(drive)
    drive.voice(100)


def knock_after_text(drive: Drive) -> None:
    """Bring a fresh machine to a turn with its text, after which something short was heard."""
    turn_awaited(drive)
    drive.voice(64)
    drive.transcribe("turn on the lamp", drive.opened[0])


def two_parts(drive: Drive) -> None:
    """Bring a fresh machine to the second part of a turn, the first being awaited."""
    turn_awaited(drive)
    drive.voice(300)


def held(drive: Drive) -> None:
    """Bring a fresh machine to a reply that is paused before its first sound, if anything may interrupt it."""
    drive.processing()
    drive.voice(300)


def said_into_the_end(drive: Drive) -> None:
    """Bring a fresh machine to a turn that was said into the end of a reply."""
    drive.speaking()
    drive.voice(300)
    drive.silence(300)
    drive.send(ReplyPlayed(drive.state.epoch))


def ring_held(drive: Drive) -> None:
    """Bring a fresh machine to a ring that was paused before its first sound."""
    drive.send(TimerFinished())
    drive.voice(64)
    drive.send(ReplyStarted(drive.state.epoch))


def interrupted(drive: Drive) -> None:
    """Bring a fresh machine to a reply that is paused, if anything may interrupt it."""
    drive.speaking()
    drive.voice(300)


def goes_on_without_the_words(drive: Drive) -> None:
    """Bring a fresh machine to a reply that goes on while the words of an utterance are awaited, or is paused."""
    interrupted(drive)
    drive.silence(300)
    drive.wait(1500.0)


BEGINNINGS: tuple[Callable[[Drive], object], ...] = (
    no_turn,
    turn_awaited,
    turn_goes_on,
    knock_after_text,
    two_parts,
    Drive.processing,
    held,
    Drive.speaking,
    interrupted,
    goes_on_without_the_words,
    said_into_the_end,
    ring_held,
)


def walk(dice: random.Random) -> set[Arrow]:
    drive = Drive(settings_of(dice))
    dice.choice(BEGINNINGS)(drive)
    for _ in range(STEPS):
        dice.choice(choices(drive, dice))()
        if dice.random() < 0.02:
            drive.settings = replace(drive.settings, barge_in=dice.choice(list(BargeIn)))
    return drive.arrows


def test_every_event_has_its_row_in_every_phase() -> None:
    """None is ignored but by a row that says why."""
    assert set(TRANSITIONS) == {(phase, event) for phase in Phase for event in get_args(Event)}
    assert all(row.does for row in TRANSITIONS.values())
    assert all(row.handler for row in TRANSITIONS.values() if row.to)


def test_every_declared_arrow_is_reached_and_no_other() -> None:
    dice, reached = random.Random(13), set[Arrow]()
    declared = {(phase, event, to) for (phase, event), row in TRANSITIONS.items() for to in row.to}
    for walks in range(MOST_WALKS):
        reached |= walk(dice)
        if walks >= LEAST_WALKS and reached >= declared:
            break
    assert reached == declared
