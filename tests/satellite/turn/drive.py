"""Drives a turn machine by hand: windows of voice and silence on a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from interject.satellite.turn.events import (
    Ask,
    AwaitWakeWord,
    Decided,
    Effect,
    EmptyBargeIn,
    Event,
    OpenStt,
    PhaseChanged,
    ReplyOver,
    ReplyPlayed,
    ReplyStarted,
    Tick,
    Transcribed,
    TurnDropped,
    TurnEnded,
    TurnEndedCue,
    Typed,
    VoiceBegan,
    VoiceEnded,
    VoiceWindow,
)
from interject.satellite.turn.machine import deadline, step
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase, State

if TYPE_CHECKING:
    from collections.abc import Sequence

E = TypeVar("E", bound=Effect)

TOLD = (
    PhaseChanged,
    TurnDropped,
    TurnEnded,
    VoiceBegan,
    VoiceEnded,
    TurnEndedCue,
    AwaitWakeWord,
    ReplyOver,
    EmptyBargeIn,
)
# More ticks at one moment than any chain of timers has: the machine asks for a time that it does nothing about.
_TICKS_AT_ONCE = 10


@dataclass
class Drive:
    """A machine, the time, and everything that it asked for."""

    settings: TurnSettings = field(default_factory=TurnSettings)
    state: State = field(default_factory=State)
    now: float = 0.0
    # How loud the windows are, in dBFS.
    level_db: float | None = None
    # How much of their power lies above 1.5 kHz.
    bright_share: float = 0.1
    log: list[tuple[float, Effect]] = field(default_factory=list)
    # By which rules it was decided, apart from what is done about it.
    decisions: list[Decided] = field(default_factory=list)
    # What began and ended, apart from what is done about it.
    told: list[Effect] = field(default_factory=list)
    # The changes of phase so far.
    arrows: set[tuple[Phase, type[Event], Phase]] = field(default_factory=set)

    def send(self, event: Event) -> tuple[Effect, ...]:
        """Apply an event; returns what is to be done, apart from what is only told."""
        before = self.state.phase
        self.state, effects = step(self.state, event, self.now, self.settings)
        if self.state.phase is not before:
            self.arrows.add((before, type(event), self.state.phase))
        self.decisions += [effect for effect in effects if isinstance(effect, Decided)]
        self.told += [effect for effect in effects if isinstance(effect, TOLD)]
        done = tuple(effect for effect in effects if not isinstance(effect, (Decided, *TOLD)))
        self.log.extend((self.now, effect) for effect in done)
        return done

    def window(self, probability: float, *, is_echo: bool = False) -> tuple[Effect, ...]:
        """One window of the VAD passes, with the ticks that fall into it."""
        ticked = self.wait(self.settings.window_ms)
        return (*ticked, *self.send(VoiceWindow(probability, is_echo, self.level_db, self.bright_share)))

    def voice(self, ms: float) -> tuple[Effect, ...]:
        """Somebody speaks for so long (whole windows, rounded up)."""
        return self._windows(ms, 0.9)

    def silence(self, ms: float) -> tuple[Effect, ...]:
        """Nobody speaks for so long (whole windows, rounded up)."""
        return self._windows(ms, 0.02)

    def wait(self, ms: float) -> tuple[Effect, ...]:
        """Time passes with ticks and no windows."""
        end = self.now + ms / 1000
        effects: tuple[Effect, ...] = ()
        ticks_here = 0
        while (due := deadline(self.state, self.settings)) is not None and due <= end:
            ticks_here = ticks_here + 1 if due <= self.now else 0
            assert ticks_here <= _TICKS_AT_ONCE, f"a deadline that nothing answers: {self.state}"
            self.now = max(self.now, due)
            effects = (*effects, *self.send(Tick()))
        self.now = end
        return effects

    def until_idle(self, limit_s: float) -> None:
        """Silence until nobody has the floor; what plays comes to its end."""
        start = self.now
        while self.state.phase is not Phase.IDLE:
            assert self.now - start <= limit_s, f"not idle after {limit_s} s of silence: {self.state}"
            self.silence(self.settings.window_ms)
            if self.state.phase is Phase.SPEAKING:
                self.send(ReplyPlayed(self.state.epoch))

    def speaking(self) -> Drive:
        """Bring a fresh machine to a reply that is being heard."""
        self.processing()
        self.send(ReplyStarted(self.state.epoch))
        assert self.state.phase is Phase.SPEAKING
        return self

    def processing(self) -> Drive:
        """Bring a fresh machine to a reply that is awaited."""
        self.send(Typed("tell me a story"))
        assert self.state.live
        self.silence(100)
        self.log.clear()
        return self

    def transcribe(self, text: str, stream: int | None = None, confidence: float | None = None) -> tuple[Effect, ...]:
        """The STT server gives the text of a stream: the newest unless told otherwise."""
        return self.send(Transcribed(self.state.streams if stream is None else stream, text, confidence))

    def all_of(self, kind: type[E]) -> list[E]:
        """Every effect of a kind so far."""
        return [effect for _, effect in self.log if isinstance(effect, kind)]

    def time_of(self, kind: type[Effect]) -> float:
        """When the only effect of a kind came."""
        (time,) = [when for when, effect in self.log if isinstance(effect, kind)]
        return time

    def phase(self) -> Phase:
        """Who has the floor now."""
        return self.state.phase

    @property
    def kinds(self) -> list[str]:
        """The names of all effects so far, in order."""
        return [type(effect).__name__ for _, effect in self.log]

    @property
    def asked(self) -> list[str]:
        """Every question so far."""
        return [ask.text for ask in self.all_of(Ask)]

    @property
    def opened(self) -> list[int]:
        """Every STT stream so far."""
        return [effect.stream for effect in self.all_of(OpenStt)]

    def _windows(self, ms: float, probability: float) -> tuple[Effect, ...]:
        count = -int(-ms // self.settings.window_ms)
        effects: Sequence[Effect] = ()
        for _ in range(count):
            effects = (*effects, *self.window(probability))
        return tuple(effects)
