"""Ownership: the satellite takes orders from one Home Assistant, which is known by its address.

Whoever reaches the port can say `run-satellite`, and would have the microphone with it. So the address that said it
first is remembered. It may replace its connection at any time, as it does after a network change; another address is
taken only when nobody is connected, or when who is connected answers no ping. Decisions are pure functions of state,
event and clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# Home Assistant answers a ping at once, also while a turn is under way; a small machine that is busy, within a second.
_ANSWER_S = 2.0
# A clock that comes this much later has been held up, and the owner's answer may be here, unread.
_LATE_S = 0.25
# Who takes the place of an address that is away is not yet remembered in its stead: an update of Home Assistant, or a
# restart of its machine, is over well within this.
_SETTLES_S = 3600.0
# Addresses whose refusal was told; a network of IPv6 addresses must not fill the memory.
_MOST_TOLD = 1000


@dataclass(frozen=True, slots=True)
class Caller:
    """A connection that said `run-satellite`."""

    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A peer in place of the remembered address, and from when on it is remembered itself."""

    address: str
    settles_at_s: float


@dataclass(frozen=True, slots=True)
class Ownership:
    """The caller that is obeyed, those that wait for its place, and the address of the one before.

    remembered: Home Assistant's address; None: nobody ever connected. waiting: callers that are taken if `owner`
    sends nothing until `answer_due_s`, seconds of the clock. told: addresses whose refusal was told.
    """

    remembered: str | None = None
    owner: Caller | None = None
    newcomer: Newcomer | None = None
    waiting: tuple[Caller, ...] = ()
    answer_due_s: float | None = None
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """A connection said `run-satellite`; a muted owner is one that switched the microphone off, and answers nothing."""

    caller: Caller
    is_owner_muted: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """The owner sent something."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A connection is gone that said `run-satellite`."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = Asked | Heard | Closed | Tick


@dataclass(frozen=True, slots=True)
class Take:
    """Obey this connection, and no other."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell this connection that somebody else is obeyed, and close it."""

    caller: Caller


@dataclass(frozen=True, slots=True)
class PingOwner:
    """Ask the owner whether it is there."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Keep Home Assistant's address over a restart."""

    address: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Tell whoever reads the satellite's log."""

    text: str


Effect = Take | Refuse | PingOwner | Remember | Warn


def step(state: Ownership, event: Event, now_s: float) -> tuple[Ownership, tuple[Effect, ...]]:
    """Apply an event."""
    match event:
        case Asked(caller, is_owner_muted):
            return _asked(state, caller, now_s, is_owner_muted=is_owner_muted)
        case Heard():
            return _heard(state)
        case Closed(caller):
            return _closed(state, caller, now_s)
        case Tick():
            return _tick(state, now_s)


def deadline(state: Ownership) -> float | None:
    """Return when a Tick is wanted, seconds of the clock; None: never."""
    settles_at_s = state.newcomer.settles_at_s if state.newcomer is not None and _newcomer_rules(state) else None
    return min((at_s for at_s in (state.answer_due_s, settles_at_s) if at_s is not None), default=None)


def _asked(
    state: Ownership, caller: Caller, now_s: float, *, is_owner_muted: bool
) -> tuple[Ownership, tuple[Effect, ...]]:
    owner = state.owner
    if owner is None or caller.address in (owner.address, state.remembered):
        return _take(state, caller, now_s, "")
    if caller in state.waiting:
        return state, ()
    if is_owner_muted:
        # It would not answer; and who switched the microphone off must not find another one listening to it.
        return _refuse(state, (caller,), owner)
    state = replace(state, waiting=(*state.waiting, caller))
    if state.answer_due_s is not None:
        return state, ()
    return replace(state, answer_due_s=now_s + _ANSWER_S), (PingOwner(),)


def _heard(state: Ownership) -> tuple[Ownership, tuple[Effect, ...]]:
    if state.owner is None or state.answer_due_s is None:
        return state, ()
    return _refuse(replace(state, waiting=(), answer_due_s=None), state.waiting, state.owner)


def _closed(state: Ownership, caller: Caller, now_s: float) -> tuple[Ownership, tuple[Effect, ...]]:
    if caller == state.owner:
        state = replace(state, owner=None)
        return _take(state, state.waiting[0], now_s, "") if state.waiting else (state, ())
    waiting = tuple(other for other in state.waiting if other != caller)
    return replace(state, waiting=waiting, answer_due_s=state.answer_due_s if waiting else None), ()


def _tick(state: Ownership, now_s: float) -> tuple[Ownership, tuple[Effect, ...]]:
    if state.answer_due_s is not None and now_s >= state.answer_due_s and state.waiting:
        if now_s > state.answer_due_s + _LATE_S:
            return replace(state, answer_due_s=now_s + _ANSWER_S), (PingOwner(),)
        return _take(state, state.waiting[0], now_s, f", which did not answer within {_ANSWER_S:g} s")
    return _settled(state, now_s)


def _take(state: Ownership, caller: Caller, now_s: float, silence: str) -> tuple[Ownership, tuple[Effect, ...]]:
    before = state.owner.address if state.owner is not None else state.remembered
    others = tuple(other for other in state.waiting if other != caller)
    state, refused = _refuse(replace(state, owner=caller, waiting=(), answer_due_s=None), others, caller)
    effects: tuple[Effect, ...] = (Take(caller), *refused)
    if before is not None and before != caller.address:
        effects = (Warn(_change(caller.address, before, silence)), *effects)
    if state.remembered is None:
        return replace(state, remembered=caller.address), (*effects, Remember(caller.address))
    if caller.address == state.remembered:
        return replace(state, newcomer=None), effects
    if state.newcomer is None or state.newcomer.address != caller.address:
        state = replace(state, newcomer=Newcomer(caller.address, now_s + _SETTLES_S))
    state, remembered = _settled(state, now_s)
    return state, (*effects, *remembered)


def _settled(state: Ownership, now_s: float) -> tuple[Ownership, tuple[Effect, ...]]:
    newcomer = state.newcomer
    if newcomer is None or not _newcomer_rules(state) or now_s < newcomer.settles_at_s:
        return state, ()
    return replace(state, remembered=newcomer.address, newcomer=None), (Remember(newcomer.address),)


def _newcomer_rules(state: Ownership) -> bool:
    return state.newcomer is not None and state.owner is not None and state.owner.address == state.newcomer.address


def _refuse(state: Ownership, callers: tuple[Caller, ...], owner: Caller) -> tuple[Ownership, tuple[Effect, ...]]:
    effects: list[Effect] = []
    told = state.told
    for caller in callers:
        if caller.address not in told and len(told) < _MOST_TOLD:
            told |= {caller.address}
            effects.append(Warn(_refusal(caller.address, owner.address)))
        effects.append(Refuse(caller))
    return replace(state, told=told), tuple(effects)


def _change(address: str, before: str, silence: str) -> str:
    return (
        f"Home Assistant connects from {address}; before, it was at {before}{silence}. If {address} is not your Home "
        f"Assistant, keep it out: --allow 127.0.0.1 --allow {before}"
    )


def _refusal(address: str, owner: str) -> str:
    return (
        f"{address} wants to be this satellite's Home Assistant and is refused, as the one at {owner} is connected and "
        "answers. Where it has moved, stop the old one"
    )
