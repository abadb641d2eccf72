"""The machine with a room and a Home Assistant around it that do whatever they may: for property-based tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from interject.satellite.transports.assist import effects, events
from interject.satellite.transports.assist.errors import HomeAssistantAwayError
from interject.satellite.transports.assist.machine import deadline, step
from interject.satellite.transports.assist.state import Policy, State

CHUNK_MS = 46
RATE_HZ = 22_050
NULL_S = 0.25


class Minds(Enum):
    """What the turn machine makes of a turn that has words."""

    ASKS = "asks"
    NOTHING = "nothing"
    # The silence that ends the turn is still to come.
    LATER = "later"


@dataclass
class Speech:
    """A stream of speech that Home Assistant sends; its samples say whose it is."""

    tag: int
    next_ms: int = 0


@dataclass
class HomeAssistant:
    """What Home Assistant knows: its run (the satellite's number for it), and what it still has to send."""

    run: int | None = None
    waiting: bool = False
    transcribing: bool = False
    transcribed: bool = False
    text: bool = False
    spoken: bool = False
    opened: bool = False
    nulls: int = 0
    null_at: float = -1.0
    speeches: list[Speech] = field(default_factory=list)


class World:
    """Carries out effects as the pipeline does, and checks them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.state = State()
        self.now = 100.0
        self.home = HomeAssistant()
        self.connected = False
        self.open: int | None = None
        self.streams = 0
        self.pending: set[int] = set()
        self.epoch = 0
        self.live: int | None = None
        self.feeds: dict[int, int] = {}
        self.ended: set[int] = set()
        self.minds = Minds.ASKS

    def take(self, event: events.Event) -> None:
        self.state, effects = step(self.state, event, self.now, self.policy)
        for effect in effects:
            self._carry_out(effect)

    def wait(self, seconds: float) -> None:
        """Let time pass; deadlines are kept to."""
        until = self.now + seconds
        while (due := deadline(self.state)) is not None and due <= until:
            self.now = max(self.now, due)
            self.take(events.Tick())
        self.now = until

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.SendNullRun() | effects.SendRun() | effects.SendWakeRun():
                self._send(effect)
            case effects.TellText(stream, text):
                self._told(stream)
                self._decide(stream, text)
            case effects.TellSttFailed(stream, _):
                self._told(stream)
                self._decide(stream, "")
            case effects.Bind() | effects.FeedAudio() | effects.EndFeed():
                self._feed(effect)
            case effects.TellWord():
                self._woken()
            case effects.Announce(feed):
                self.epoch += 1
                self.live = self.epoch
                self.take(events.Announced(feed, self.epoch))
            case _:
                pass

    def _send(self, effect: effects.SendNullRun | effects.SendRun | effects.SendWakeRun) -> None:
        match effect:
            case effects.SendNullRun():
                assert self.connected
                self.home.nulls += 1
                self.home.null_at = self.now
                self._leave_run()
            case effects.SendRun(run, streams, _):
                self._begin_run(run)
                assert streams
                assert list(streams) == sorted(set(streams))
                if self.open is not None and self.live is None:
                    assert self.open in streams
            case effects.SendWakeRun(run):
                self._begin_run(run)
                self.home.waiting = True

    def _feed(self, effect: effects.Bind | effects.FeedAudio | effects.EndFeed) -> None:
        match effect:
            case effects.Bind(feed, epoch):
                self.feeds[feed] = epoch
            case effects.FeedAudio(feed, audio, _):
                # No sample of another reply, whatever the interleaving.
                assert audio[0] == feed % 256
            case effects.EndFeed(feed, _):
                if feed in self.feeds:
                    self.ended.add(self.feeds[feed])

    def _begin_run(self, run: int) -> None:
        assert self.connected
        # Never into a run that may be under way: Home Assistant would be deaf.
        assert self.home.run is None
        assert not self.home.nulls or self.now >= self.home.null_at + NULL_S
        self.home = HomeAssistant(
            run=run, nulls=self.home.nulls, null_at=self.home.null_at, speeches=self.home.speeches
        )

    def _leave_run(self) -> None:
        self.home = HomeAssistant(nulls=self.home.nulls, null_at=self.home.null_at, speeches=self.home.speeches)

    def _told(self, stream: int) -> None:
        assert stream in self.pending
        self.pending.discard(stream)
        if stream == self.open:
            self.open = None

    def _decide(self, stream: int, text: str) -> None:
        """Decide as the turn machine does: into a reply at once, else when all of the turn is known, or later."""
        if self.live is not None:
            self.take(events.Aborted(stream))
        elif not self.pending and self.minds is not Minds.LATER:
            self.decide(text)

    def decide(self, text: str) -> None:
        """Ask the turn, or drop it."""
        if text and self.minds is not Minds.NOTHING:
            self.ask()
        else:
            self.take(events.Dropped())

    def ask(self) -> None:
        self.epoch += 1
        self.live = self.epoch
        self.take(events.Asked(self.epoch))

    def connect(self) -> None:
        self.connected = True
        self.home = HomeAssistant()
        self.take(events.Connected())

    def lose(self) -> None:
        self.connected = False
        self.home = HomeAssistant()
        self.take(events.Lost(HomeAssistantAwayError()))

    def hear_wake_word(self) -> None:
        self.home.waiting = False
        self.take(events.WordDetected("okay_nabu"))

    def _woken(self) -> None:
        """Cut off what sounds, forget what was said, and listen."""
        if self.live is not None:
            epoch, self.live = self.live, None
            self.take(events.Cancelled(epoch, "wake-word"))
        for stream in sorted(self.pending):
            self.take(events.Aborted(stream))
        self.pending.clear()
        self.streams += 1
        self.open = self.streams
        self.pending.add(self.streams)
        self.take(events.Opened(self.streams))

    def acknowledge(self) -> None:
        self.home.nulls -= 1
        self.take(events.Failed("validation-error", ""))

    def fail_run(self, code: str) -> None:
        self._leave_run()
        self.take(events.Failed(code, ""))

    def chunk(self, speech: Speech) -> None:
        at, speech.next_ms = speech.next_ms, speech.next_ms + CHUNK_MS
        self.take(events.Speech(at, CHUNK_MS, bytes([speech.tag % 256]) * 2, RATE_HZ))

    def end_speech(self, speech: Speech) -> None:
        self.home.speeches.remove(speech)
        if speech.tag == self.home.run:
            self.home.spoken = True
            self._end_run_if_done()
        self.take(events.SpeechStopped(speech.next_ms))

    def synthesize(self) -> None:
        self.home.text = True
        self._end_run_if_done()
        self.take(events.Synthesized("text"))

    def _end_run_if_done(self) -> None:
        if self.home.text and self.home.spoken:
            self._leave_run()
