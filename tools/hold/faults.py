"""Servers that are killed or hang in each phase of a turn: the user is told once, the next question is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING

from tools.hold.part import Part, Row, Size
from tools.hold.talking_house import SERVERS, TalkingHouse, talking_house

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A reply of two sentences, which is still being written when it begins to be heard.
_LONG = "count_to_twenty"
_SHORT = "what_time_is_it"
_SHORT_TEXT = "what time is it"
# Nobody waits longer for a tone; the server comes back then, told of or not.
_TOLD_WITHIN_S = 14.0
# Up to these nothing is late: the user may still speak, another server works, or the reply is heard.
_STILL_WELL = ("stt-end", "transcript", "ask", "reply-played")
# A second tone for the same fault would come by then.
_SECOND_TONE_S = 1.0
_ANSWERED_WITHIN_S = 20.0
_REST_WITHIN_S = 20.0
_AGAIN_WITHIN_S = 6.0
# How far into the reply the user speaks: beyond the tone that a player fades in with.
_INTERRUPTED_AFTER_S = 0.5
# It tries to connect for 0.4 s before it says so.
_KILLED_TOLD_S = 1.0
# 2 s without news, 2 s without an answer to the ping, and a second for a busy machine.
_HUNG_TOLD_S = 5.0
_AGAIN_S = 1.2


class Fault(Enum):
    """What becomes of a server."""

    KILLED = "killed (SIGKILL), started again"
    HUNG = "hung (SIGSTOP), goes on (SIGCONT)"


class Phase(Enum):
    """Where a turn is when it happens."""

    IDLE = "idle"
    SPEAKS = "user speaks"
    AWAITED = "reply awaited"
    REPLY = "reply sounds"
    INTERRUPTED = "reply interrupted"


@dataclass(frozen=True, slots=True)
class Case:
    """One fault."""

    fault: Fault
    server: str
    phase: Phase

    def __str__(self) -> str:
        return f"{self.server}, {self.phase.value}"


@dataclass(slots=True)
class Outcome:
    """What came of it; times in seconds.

    failed: the log says that the server failed. unheard: the room waited in silence for as long as we did. told_s: from
    when the server was gone and needed, and the room silent, until the tone; None: no tone, which is right where
    nothing failed. tones: how many there were. again_s: from when the server answered again until the log said so;
    None: it never did. wrong: what must not happen at all.
    """

    case: Case
    failed: bool = False
    unheard: bool = False
    told_s: float | None = None
    tones: int = 0
    again_s: float | None = None
    answered: bool = False
    wrong: list[str] = field(default_factory=list)


async def run_servers(folder: Path, size: Size) -> list[Row]:
    """Take each server away in each phase, in a room of its own; the short size is two cases."""
    if size is Size.SHORT:
        chosen = [[Case(Fault.KILLED, "llm", Phase.AWAITED)], [Case(Fault.HUNG, "tts", Phase.AWAITED)]]
    else:
        chosen = [[Case(fault, name, phase) for fault, phase in product(Fault, Phase)] for name in SERVERS]
    rooms = [_room(folder / f"room-{number}", cases) for number, cases in enumerate(chosen)]
    outcomes = [outcome for room in await asyncio.gather(*rooms) for outcome in room]
    return [row for fault in Fault for row in rows(fault, [each for each in outcomes if each.case.fault is fault])]


SERVER_FAULTS = Part("servers", run_servers)


async def _room(folder: Path, cases: Sequence[Case]) -> list[Outcome]:
    async with talking_house(folder) as house:
        # A server is known to answer a ping while it works once it has done so.
        await _answered(house)
        return [await _try(house, case) for case in cases]


async def _try(house: TalkingHouse, case: Case) -> Outcome:
    outcome, since, log_from = Outcome(case), len(house.records), len(house.log("satellite"))
    spoken_until = await _reach(house, case, outcome)
    fault_at = time.monotonic()
    await _begin(house, case)
    if case.phase is Phase.IDLE:
        spoken_until = house.say(_SHORT)
    await _outcome_of_turn(house, outcome, since, max(spoken_until, fault_at))
    if case.fault is Fault.KILLED:
        await house.bring_back(case.server)
    else:
        house.go_on(case.server)
    back_at = time.monotonic()
    outcome.failed = f"{case.server} server: ".encode() in house.log("satellite")[log_from:]
    if outcome.failed:
        said_so = f"{case.server} server: it answers again".encode()
        if await house.seen(lambda: said_so in house.log("satellite")[log_from:], _AGAIN_WITHIN_S):
            outcome.again_s = time.monotonic() - back_at
    if not await house.rests(_REST_WITHIN_S):
        outcome.wrong.append("it never rested")
    outcome.tones = len(house.of("error-cue", since))
    outcome.answered = await _answered(house)
    if dead := house.died():
        outcome.wrong.append(f"{dead} ended")
    if house.tracebacks():
        outcome.wrong.append("a traceback")
    return outcome


async def _reach(house: TalkingHouse, case: Case, outcome: Outcome) -> float:
    """Bring a turn into its phase; returns when (s, monotonic) the user will have finished."""
    since = len(house.records)

    async def reached(kind: str, **fields: str) -> None:
        def found() -> bool:
            return any(record.items() >= fields.items() for record in house.of(kind, since))

        if not await house.seen(found, _ANSWERED_WITHIN_S):
            outcome.wrong.append(f"no {kind} before the fault")

    if case.phase is Phase.IDLE:
        return time.monotonic()
    spoken_until = house.say(_LONG if case.phase in {Phase.REPLY, Phase.INTERRUPTED} else _SHORT)
    await reached("phase", phase="listening")
    if case.phase is Phase.AWAITED:
        if case.server == "stt":
            # It would be done within milliseconds: it hangs from the user's last word on, also where it is killed then.
            await asyncio.sleep(max(0.0, spoken_until - time.monotonic()))
            house.hang("stt")
            await reached("stt-end")
        else:
            await reached("ask")
    elif case.phase is Phase.REPLY:
        await reached("reply-started")
    elif case.phase is Phase.INTERRUPTED:
        await reached("reply-started")
        await asyncio.sleep(_INTERRUPTED_AFTER_S)
        since = len(house.records)
        spoken_until = house.say(_SHORT)
        await reached("stt-open")
    return spoken_until


async def _begin(house: TalkingHouse, case: Case) -> None:
    if case.fault is Fault.KILLED:
        await house.kill(case.server)
    else:
        house.hang(case.server)


async def _outcome_of_turn(house: TalkingHouse, outcome: Outcome, since: int, silent_from: float) -> None:
    """Wait until the user was told, or until the turn is over without; then for a second tone."""

    def over() -> bool:
        phases = house.of("phase", since)
        rests = bool(phases) and phases[-1]["phase"] == "idle" and time.monotonic() > silent_from + _SECOND_TONE_S
        return rests or bool(house.of("error-cue", since))

    if not await house.seen(over, _TOLD_WITHIN_S):
        outcome.unheard = True
        return
    for cue in house.of("error-cue", since)[:1]:
        waited_for = [record for kind in _STILL_WELL for record in house.of(kind, since)]
        waits = [record["mono"] for record in waited_for if record["mono"] <= cue["mono"]]
        outcome.told_s = max(0.0, cue["mono"] - max([silent_from, *waits]))
    await house.seen(lambda: len(house.of("error-cue", since)) > 1, _SECOND_TONE_S)


async def _answered(house: TalkingHouse) -> bool:
    """Ask something, and tell whether it was understood, answered, and heard to its end."""
    since = len(house.records)
    house.say(_SHORT)
    over = await house.seen(lambda: bool(house.of("reply-played", since)), _ANSWERED_WITHIN_S)
    asked = [record["text"] for record in house.of("ask", since)]
    return over and asked == [_SHORT_TEXT] and not house.of("failed", since)


def rows(fault: Fault, outcomes: Sequence[Outcome]) -> list[Row]:
    """Say what came of the cases of one fault."""
    if not outcomes:
        return []
    tried = "each server in each phase of a turn"
    if len(outcomes) < len(SERVERS) * len(Phase):
        tried = "; ".join(str(outcome.case) for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.failed and not outcome.unheard]
    again = [outcome.again_s for outcome in failed if outcome.again_s is not None]
    attack = f"a server {fault.value}"
    return [
        _counted(attack, tried, "processes alive, no traceback", outcomes, [o for o in outcomes if not o.wrong]),
        _told(attack, tried, outcomes, _KILLED_TOLD_S if fault is Fault.KILLED else _HUNG_TOLD_S),
        _counted(attack, tried, "one tone", failed, [o for o in failed if o.tones == 1]),
        _counted(attack, tried, "next question answered", outcomes, [o for o in outcomes if o.answered]),
        Row(
            attack,
            tried,
            f"log: it answers again after {max(again):.1f} s at most" if again else "log: nothing",
            f"{_AGAIN_S:g} s after it does, each time",
            len(again) == len(failed) and max(again, default=0.0) <= _AGAIN_S,
            timed=True,
        ),
    ]


def _told(attack: str, tried: str, outcomes: Sequence[Outcome], goal_s: float) -> Row:
    told = [(outcome.told_s, str(outcome.case)) for outcome in outcomes if outcome.told_s is not None]
    slowest_s, case = max(told, default=(0.0, "no case"))
    unheard = [str(outcome.case) for outcome in outcomes if outcome.unheard]
    silence = f"; silence for {_TOLD_WITHIN_S:g} s: {'; '.join(unheard)}" if unheard else ""
    seen = f"tone after {slowest_s:.1f} s at most ({case}){silence}"
    return Row(attack, tried, seen, f"{goal_s:g} s", slowest_s <= goal_s and not unheard, timed=True)


def _counted(attack: str, tried: str, what: str, of: Sequence[Outcome], right: Sequence[Outcome]) -> Row:
    others = [f"{each.case}{': ' if each.wrong else ''}{', '.join(each.wrong)}" for each in of if each not in right]
    seen = f"{what}: {len(right)} of {len(of)}" + (f" (not: {'; '.join(others)})" if others else "")
    return Row(attack, tried, seen, f"{what}: all", not others)
