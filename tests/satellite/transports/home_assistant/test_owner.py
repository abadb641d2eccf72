"""Whose connection is obeyed, as a function of what happens and when."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from interject.satellite.transports.wyoming.owner import (
    Asked,
    Caller,
    Closed,
    Effect,
    Event,
    Heard,
    Ownership,
    PingOwner,
    Refuse,
    Remember,
    Take,
    Tick,
    Warn,
    deadline,
    step,
)

HOME, AGAIN = Caller(1, "192.168.1.5"), Caller(2, "192.168.1.5")
STRANGER, OTHER = Caller(7, "192.168.1.66"), Caller(8, "192.168.1.67")
OWNED = Ownership(HOME.address, HOME)
AN_HOUR_S = 3600.0


def run(state: Ownership, *events: tuple[float, Event]) -> tuple[Ownership, list[Effect]]:
    effects: list[Effect] = []
    for at_s, event in events:
        state, wanted = step(state, event, at_s)
        effects += wanted
    return state, effects


def warnings(effects: list[Effect]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Warn)]


def test_the_first_address_of_all_is_taken_and_remembered_without_a_word() -> None:
    state, effects = run(Ownership(), (0, Asked(HOME)))
    assert effects == [Take(HOME), Remember(HOME.address)]
    assert (state.owner, state.remembered) == (HOME, HOME.address)


def test_the_same_address_replaces_its_connection_at_once_muted_or_not() -> None:
    for muted in (False, True):
        assert run(OWNED, (0, Asked(AGAIN, muted)))[1] == [Take(AGAIN)]


def test_another_address_is_refused_when_the_owner_answers_and_that_is_told_once() -> None:
    state, effects = run(OWNED, (0, Asked(STRANGER)))
    assert effects == [PingOwner()]
    assert deadline(state) == 2.0
    state, effects = run(state, (0.1, Heard()))
    assert Refuse(STRANGER) in effects
    (told,) = warnings(effects)
    assert STRANGER.address in told
    assert HOME.address in told
    again = replace(STRANGER, number=9)
    state, effects = run(state, (5, Asked(again)), (5.1, Heard()))
    assert effects == [PingOwner(), Refuse(again)]
    assert state.owner == HOME
    assert deadline(state) is None


def test_another_address_is_taken_when_the_owner_is_silent_with_a_warning_that_names_both() -> None:
    state, effects = run(OWNED, (0, Asked(STRANGER)), (1.0, Asked(OTHER)), (1.9, Tick()))
    assert effects == [PingOwner()]
    state, effects = run(state, (2.0, Tick()))
    assert effects[1:] == [Take(STRANGER), *effects[2:]]
    assert Refuse(OTHER) in effects
    assert STRANGER.address in warnings(effects)[0]
    assert HOME.address in warnings(effects)[0]
    assert state.owner == STRANGER
    assert state.remembered == HOME.address


def test_a_satellite_that_was_held_up_itself_asks_once_more() -> None:
    """Else a flood of events that delays the owner's answer would open the room."""
    state, effects = run(OWNED, (0, Asked(STRANGER)), (3.0, Tick()))
    assert effects == [PingOwner(), PingOwner()]
    assert deadline(state) == 5.0
    assert run(state, (3.1, Heard()))[0].owner == HOME
    assert run(state, (5.0, Tick()))[0].owner == STRANGER


def test_who_waits_is_taken_when_the_owner_goes_and_forgotten_when_it_goes_itself() -> None:
    waiting, _ = run(OWNED, (0, Asked(STRANGER)))
    assert Take(STRANGER) in run(waiting, (1, Closed(HOME)))[1]
    state, effects = run(waiting, (1, Closed(STRANGER)), (2, Tick()), (3, Heard()))
    assert effects == []
    assert state == OWNED


def test_a_microphone_that_the_owner_switched_off_is_not_opened_for_another_address() -> None:
    """It answers no pings then, and has not gone."""
    state, effects = run(OWNED, (0, Asked(STRANGER, is_owner_muted=True)), (60, Tick()))
    assert Refuse(STRANGER) in effects
    assert state.owner == HOME


def test_where_nobody_is_connected_the_remembered_address_comes_silently_and_another_one_does_not() -> None:
    away = Ownership(HOME.address)
    assert run(away, (0, Asked(AGAIN)))[1] == [Take(AGAIN)]
    _, effects = run(away, (0, Asked(STRANGER)))
    assert Take(STRANGER) in effects
    (told,) = warnings(effects)
    assert STRANGER.address in told
    assert HOME.address in told


def test_who_came_while_home_assistant_was_away_gives_way_to_it_at_once() -> None:
    taken, _ = run(Ownership(HOME.address), (0, Asked(STRANGER)))
    state, effects = run(taken, (60, Asked(HOME)))
    assert Take(HOME) in effects
    assert len(warnings(effects)) == 1
    # And has to begin anew.
    state, effects = run(state, (61, Closed(HOME)), (62, Asked(STRANGER)), (60 + AN_HOUR_S, Tick()))
    assert not any(isinstance(effect, Remember) for effect in effects)


def test_who_stays_for_an_hour_is_home_assistant_from_then_on() -> None:
    state, _ = run(Ownership(HOME.address), (0, Asked(STRANGER)))
    again = replace(STRANGER, number=9)
    state, effects = run(state, (10, Closed(STRANGER)), (20, Asked(again)))
    assert len(warnings(effects)) == 1
    assert deadline(state) == AN_HOUR_S
    state, effects = run(state, (AN_HOUR_S, Tick()))
    assert effects == [Remember(STRANGER.address)]
    assert run(state, (AN_HOUR_S + 1, Asked(HOME)))[1] == [PingOwner()]


@pytest.mark.parametrize("length", range(1, 5))
def test_no_order_of_events_gives_a_living_owners_place_to_another_address(length: int) -> None:
    """Whatever the stranger does, as long as the owner answers each ping before its time."""
    strangers: list[Event] = [Asked(STRANGER), Asked(OTHER), Closed(STRANGER), Closed(OTHER), Tick()]
    for events in product(strangers, repeat=length):
        state = OWNED
        for number, event in enumerate(events):
            state, effects = step(state, event, float(number))
            if PingOwner() in effects:
                state, _ = step(state, Heard(), number + 0.5)
            assert state.owner == HOME
        assert state.waiting == ()
