"""Plays a recording to the machine: what Home Assistant said and what the conversation asked, each when it did."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.satellite.transports.assist import effects, events
from interject.satellite.transports.assist.errors import HomeAssistantAwayError
from interject.satellite.transports.assist.machine import deadline, step
from interject.satellite.transports.assist.state import Policy, State
from interject.satellite.transports.wyoming.messages import read
from tests.satellite.transports.home_assistant.traces.recording import chunk_of

if TYPE_CHECKING:
    from interject.wire.errors import InterjectError
    from tests.satellite.transports.home_assistant.traces.recording import Chunk, Line, Recording

# What a conversation does at once with what it is told, it had done within this time.
_AT_ONCE_S = 0.02
# Longer than any watchdog.
_LONG_S = 200.0


@dataclass(slots=True)
class Heard:
    """A reply or an announcement as it came to the loudspeaker."""

    chunks: list[Chunk] = field(default_factory=list)
    text: str = ""
    ended: float | None = None
    error: InterjectError | None = None


class Replay:
    """Carries out what the machine wants as the pipeline does; times are those of the recording."""

    def __init__(self, recording: Recording) -> None:
        self.state = State()
        self.now = 0.0
        self.sent: list[tuple[float, str]] = []
        # The utterances that each run began with.
        self.runs: list[tuple[int, ...]] = []
        self.told: dict[int, str] = {}
        self.untold: set[int] = set()
        self.stt_failures: list[InterjectError] = []
        self.replies: dict[int, Heard] = {}
        self.cut: dict[int, float] = {}
        self.played: dict[int, float] = {}
        self.mutes = 0
        self._policy = Policy()
        self._lines = deque(line for line in recording.lines if line.direction != "satellite")
        self._feeds: dict[int, Heard] = {}
        self._connected = False
        self._muted = False
        self._live: int | None = None

    def play(self) -> None:
        """Play it to its end."""
        while self._lines:
            line = self._lines.popleft()
            self._wait_until(line.t)
            if line.direction == "home":
                self._hear(line)
            else:
                self._call(line)

    def leave_alone(self) -> None:
        """Let so much time pass that nothing can still be waited for."""
        self._wait_until(self.now + _LONG_S)
        if self._live is not None and self.replies[self._live].ended is not None:
            self._played(self._live)
        self._wait_until(self.now + _LONG_S)

    def lose(self) -> None:
        """Let the connection break."""
        self._take(events.Lost(HomeAssistantAwayError()))

    @property
    def waits(self) -> bool:
        """Whether the machine, or the conversation, still waits for anything."""
        machine = self.state.run is not None or deadline(self.state) is not None
        return machine or self._live is not None or bool(self.untold)

    def _wait_until(self, moment: float) -> None:
        while (due := deadline(self.state)) is not None and due <= moment:
            self.now = max(self.now, due)
            self._take(events.Tick())
        self.now = max(self.now, moment)

    def _hear(self, line: Line) -> None:
        """Take an event of Home Assistant's; connections and the mute switch are the link's, as this is."""
        match line.type:
            case "run-satellite":
                if self._connected:
                    self._take(events.Lost(HomeAssistantAwayError()))
                self._connected = True
                self._take(events.Connected())
                if self._muted:
                    self._muted = False
                    self._take(events.Unpaused())
            case "pause-satellite":
                self._muted = True
                self.mutes += 1
            case _:
                message = read(line.event)
                assert message is not None, line
                self._take(message)

    def _call(self, line: Line) -> None:
        data = line.event.data
        match line.type:
            case "stt-open":
                assert not self._muted
                self.untold.add(data["stream"])
                self._ask(events.Opened(data["stream"]))
            case "stt-end":
                self._ask(events.Ended(data["stream"]))
            case "stt-abort":
                self.untold.discard(data["stream"])
                self._ask(events.Aborted(data["stream"]))
            case "ask":
                self._live = data["epoch"]
                self._ask(events.Asked(data["epoch"]))
            case "interrupt":
                self.cut[data["epoch"]] = self.now
                self._live = None
                self._ask(events.Cancelled(data["epoch"], data["reason"]))
            case "reply-played":
                self._played(data["epoch"])
            case _:
                raise AssertionError(line)

    def _played(self, epoch: int) -> None:
        self.played[epoch] = self.now
        self._live = None
        self._ask(events.Played(epoch))

    def _take(self, event: events.Event) -> None:
        for effect in self._step(event):
            self._carry_out(effect)

    def _ask(self, event: events.Event) -> None:
        """Take a call: what the conversation is to be told of it comes after it is done."""
        wanted = self._step(event)
        later = [effect for effect in wanted if isinstance(effect, effects.TellText | effects.TellSttFailed)]
        for effect in (*(effect for effect in wanted if effect not in later), *later):
            self._carry_out(effect)

    def _step(self, event: events.Event) -> tuple[effects.Effect, ...]:
        self.state, wanted = step(self.state, event, self.now, self._policy)
        return wanted

    def _carry_out(self, effect: effects.Effect) -> None:
        match effect:
            case effects.SendNullRun():
                self.sent.append((self.now, "null"))
            case effects.SendRun(_, streams, _):
                self.runs.append(streams)
                self.sent.append((self.now, "run"))
            case effects.SendAudioStop():
                self.sent.append((self.now, "audio-stop"))
            case effects.SendPlayed():
                self.sent.append((self.now, "played"))
            case effects.TellText() | effects.TellSttFailed():
                self._tell(effect)
            case effects.Announce(feed):
                self._at_once("interrupt")
                self._announce(feed)
            case effects.Bind() | effects.FeedText() | effects.FeedAudio() | effects.EndFeed() | effects.DropFeed():
                self._feed(effect)
            case _:
                pass

    def _tell(self, effect: effects.TellText | effects.TellSttFailed) -> None:
        self.untold.remove(effect.stream)
        if isinstance(effect, effects.TellText):
            self.told[effect.stream] = effect.text
            self._at_once("ask")
        else:
            self.stt_failures.append(effect.error)
            if self._live is None and not self.untold:
                self._ask(events.Dropped())

    def _at_once(self, kind: str) -> None:
        """Make the call that the conversation made before it returned, if it made one."""
        line = self._take_out(kind)
        if line is not None:
            self._call(line)

    def _announce(self, feed: int) -> None:
        line = self._take_out("announcement")
        assert line is not None, f"at {self.now:.3f} s speech was taken for an announcement that nobody made"
        epoch = line.event.data["epoch"]
        self._live = epoch
        self._take(events.Announced(feed, epoch))

    def _take_out(self, kind: str) -> Line | None:
        near = (line for line in self._lines if line.t <= self.now + _AT_ONCE_S)
        found = next((line for line in near if (line.direction, line.type) == ("call", kind)), None)
        if found is not None:
            self._lines.remove(found)
        return found

    def _feed(
        self, effect: effects.Bind | effects.FeedText | effects.FeedAudio | effects.EndFeed | effects.DropFeed
    ) -> None:
        feed = self._feeds.setdefault(effect.feed, Heard())
        match effect:
            case effects.Bind(_, epoch):
                self.replies[epoch] = feed
            case effects.FeedText(_, text):
                feed.text = text
            case effects.FeedAudio(_, audio, _):
                if feed.ended is None:
                    feed.chunks.append(chunk_of(audio))
            case effects.EndFeed(_, error):
                if feed.ended is None:
                    feed.ended, feed.error = self.now, error
            case effects.DropFeed():
                # What still comes of it comes to a feed that nobody listens to.
                del self._feeds[effect.feed]
