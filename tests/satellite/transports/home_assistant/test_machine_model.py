"""Every order of events that a room and a Home Assistant can give: no deafness, nothing stale, nothing left waiting."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from interject.satellite.transports.assist import events
from interject.satellite.transports.assist.state import Hearing, Policy, RunPhase, WakeIn
from tests.satellite.transports.home_assistant.model import Minds, Speech, World

LONG_S = 200.0
REASONS = ("speech", "early", "stop-word", "wake-word", "text", "failed")


class Turns(RuleBasedStateMachine):
    @initialize(hearing=st.sampled_from(Hearing), wake=st.sampled_from(WakeIn))
    def begin(self, hearing: Hearing, wake: WakeIn) -> None:
        self.world = World(Policy(hearing=hearing, wake=wake))
        self.world.connect()

    # The room.

    @precondition(lambda self: self.world.open is None)
    @rule()
    def open(self) -> None:
        world = self.world
        world.streams += 1
        world.open = world.streams
        world.pending.add(world.streams)
        world.take(events.Opened(world.streams))

    @precondition(lambda self: self.world.open is not None)
    @rule()
    def end(self) -> None:
        world = self.world
        stream, world.open = world.open, None
        assert stream is not None
        if world.live is not None and world.policy.hearing is Hearing.NOBODY:
            # Nobody would say what it was: the turn machine forgets it.
            world.pending.discard(stream)
            world.take(events.Aborted(stream))
        else:
            world.take(events.Ended(stream))

    @precondition(lambda self: self.world.pending)
    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        world = self.world
        stream = data.draw(st.sampled_from(sorted(world.pending)))
        world.pending.discard(stream)
        if world.open == stream:
            world.open = None
        world.take(events.Aborted(stream))

    @rule(minds=st.sampled_from(Minds))
    def mind(self, minds: Minds) -> None:
        self.world.minds = minds

    @precondition(lambda self: self.world.live is None and not self.world.pending)
    @rule(text=st.sampled_from(["", "words"]))
    def decide(self, text: str) -> None:
        """The turn ends after its silence, and what it says was known before."""
        if text and not self.world.state.pieces:
            return
        self.world.decide(text)

    @precondition(lambda self: self.world.live is not None)
    @rule(reason=st.sampled_from(REASONS))
    def cancel(self, reason: str) -> None:
        world = self.world
        epoch, world.live = world.live, None
        assert epoch is not None
        if reason == "wake-word":
            world.pending.clear()
            world.open = None
        world.take(events.Cancelled(epoch, reason))

    @precondition(lambda self: self.world.live is not None and self.world.live in self.world.ended)
    @rule()
    def played(self) -> None:
        world = self.world
        epoch, world.live = world.live, None
        assert epoch is not None
        world.take(events.Played(epoch))

    @precondition(lambda self: any(piece.own for piece in self.world.state.pieces))
    @rule(text=st.sampled_from(["", "words"]), data=st.data())
    def own_text(self, text: str, data: st.DataObject) -> None:
        own = [piece.stream for piece in self.world.state.pieces if piece.own and piece.ended]
        if own:
            self.world.take(events.OwnText(data.draw(st.sampled_from(own)), text))

    # Home Assistant.

    @precondition(lambda self: self.world.home.nulls)
    @rule()
    def acknowledge(self) -> None:
        self.world.acknowledge()

    @precondition(lambda self: self.world.home.waiting)
    @rule()
    def hear_wake_word(self) -> None:
        self.world.hear_wake_word()

    @precondition(
        lambda self: self.world.home.run is not None and not self.world.home.waiting and not self.world.home.transcribed
    )
    @rule(event=st.sampled_from([events.Transcribing(), events.VoiceStarted(), events.VoiceStopped()]))
    def listen(self, event: events.Event) -> None:
        if isinstance(event, events.Transcribing):
            self.world.home.transcribing = True
            # It takes one request after the other: what it owed for those before has come, or never comes.
            self.world.home.nulls = 0
        self.world.take(event)

    @precondition(lambda self: self.world.home.transcribing and not self.world.home.transcribed)
    @rule()
    def transcribe(self) -> None:
        self.world.home.transcribed = True
        self.world.take(events.Transcribed("words"))

    @precondition(lambda self: self.world.home.transcribed and not self.world.home.text)
    @rule()
    def synthesize(self) -> None:
        self.world.synthesize()

    @precondition(
        lambda self: (
            self.world.home.transcribed
            and not self.world.home.opened
            and all(speech.next_ms for speech in self.world.home.speeches)
        )
    )
    @rule()
    def speak(self) -> None:
        home = self.world.home
        assert home.run is not None
        home.opened = True
        home.speeches.append(Speech(home.run))
        self.world.take(events.SpeechStarted())
        self.world.chunk(home.speeches[-1])

    @precondition(lambda self: self._told_apart())
    @rule(data=st.data(), ends=st.integers(0, 3))
    def go_on_speaking(self, data: st.DataObject, ends: int) -> None:
        speech = data.draw(st.sampled_from(self._told_apart()))
        if ends == 0:
            self.world.end_speech(speech)
        else:
            self.world.chunk(speech)

    def _told_apart(self) -> list[Speech]:
        speeches = self.world.home.speeches
        places = [speech.next_ms for speech in speeches]
        return [speech for speech in speeches if places.count(speech.next_ms) == 1]

    @precondition(lambda self: self.world.home.run is not None)
    @rule(code=st.sampled_from(["stt-no-text-recognized", "stt-stream-failed", "intent-failed", "tts-failed"]))
    def fail(self, code: str) -> None:
        self.world.fail_run(code)

    @rule()
    def lose_and_find(self) -> None:
        self.world.lose()
        self.world.connect()

    @rule(seconds=st.sampled_from([0.01, 0.2, 0.3, 2.5, 20.0]))
    def wait(self, seconds: float) -> None:
        self.world.wait(seconds)

    def teardown(self) -> None:
        """Left alone, everything comes to an end."""
        if not hasattr(self, "world"):
            return
        world = self.world
        world.minds = Minds.NOTHING
        if world.open is not None:
            self.end()
        if world.live is None and not world.pending:
            world.decide("")
        world.wait(LONG_S)
        if world.live is not None:
            assert world.live in world.ended
            self.played()
            world.wait(LONG_S)
        # Whoever waits for a text has got it, or still waits for our own STT server.
        assert world.pending <= {piece.stream for piece in world.state.pieces if piece.own}
        assert world.state.run is None or world.state.run.phase is RunPhase.WAKE
        assert world.state.null_until is None or world.policy.wake is WakeIn.HOME_ASSISTANT


TestTurns = Turns.TestCase
TestTurns.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
