"""Any order of voices, texts, ticks, failures and playback, late, twice and from the past."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import Phase as HypothesisPhase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act
from interject.satellite.turn.events import (
    AbortStt,
    Announce,
    Announced,
    Ask,
    CancelReply,
    Duck,
    Effect,
    EndStt,
    Event,
    ForgetStt,
    ListenNow,
    Muted,
    OpenStt,
    Partial,
    Pause,
    ReplyFailed,
    ReplyPlayed,
    ReplyStarted,
    ReplyText,
    Resume,
    StartRing,
    StopNow,
    StopWord,
    SttFailed,
    TimerFinished,
    Transcribed,
    Typed,
    Unduck,
    WakeWord,
)
from interject.satellite.turn.settings import BargeIn, Judgement, TurnSettings, TurnStart
from interject.satellite.turn.state import Barge, Phase
from tests.satellite.turn.drive import Drive

TEXTS = st.sampled_from(["", "uh-huh", "yeah", "stop", "what time is it", "no", "and in the kitchen", "yes please do"])
PROBABILITIES = st.sampled_from([0.02, 0.3, 0.4, 0.6, 0.95])
# An idle room is reached from anywhere within the longest chain of the machine's own backstops: a turn that listens
# to its limit, its transcripts that never come (one timeout each, a second stream at most), a reply that never comes.
SETTINGS = TurnSettings(listen_max_s=6.0, stt_timeout_s=3.0, reply_timeout_s=8.0)
SETTLE_S = 6.0 + 2 * 3.0 + 8.0 + 1.0


@dataclass
class World:
    """The servers and the player as they must be if every effect is carried out."""

    open_stream: int | None = None
    awaited: set[int] = field(default_factory=set)
    over: set[int] = field(default_factory=set)
    newest_stream: int = 0
    epoch: int = 0
    live: int | None = None
    started: bool = False
    ducked_since: float | None = None
    held_since: float | None = None

    def carry_out(self, effect: Effect, now: float) -> None:
        match effect:
            case OpenStt(stream, _, _):
                assert stream == self.newest_stream + 1
                assert self.open_stream is None, "two streams would get the same audio"
                self.newest_stream = self.open_stream = stream
            case EndStt(stream):
                assert stream == self.open_stream
                self.open_stream = None
                self.awaited.add(stream)
            case AbortStt(stream):
                assert stream == self.open_stream or stream in self.awaited
                self.finish_stream(stream)
            case ForgetStt(stream):
                assert stream in self.over, "what still comes of it would be taken"
            case Ask(epoch, text):
                assert self.live is None, "two generations at once"
                assert epoch == self.epoch + 1
                assert text.strip()
                self.begin_epoch(epoch)
            case Announce(epoch) | StartRing(epoch):
                assert self.live is None, "two things that sound at once"
                assert epoch == self.epoch + 1
                self.begin_epoch(epoch)
            case CancelReply(epoch, _):
                assert epoch == self.live, "only the live reply can be cancelled, and once"
                self.finish_reply()
            case Duck():
                assert self.live is not None
                assert self.started
                assert self.ducked_since is None
                assert self.held_since is None
                self.ducked_since = now
            case Unduck():
                assert self.ducked_since is not None
                self.ducked_since = None
            case Pause():
                assert self.live is not None
                assert self.held_since is None
                self.held_since, self.ducked_since = now, None
            case Resume():
                assert self.held_since is not None
                self.held_since = None
            case _:
                pass

    def begin_epoch(self, epoch: int) -> None:
        self.epoch = self.live = epoch
        self.started = False
        self.ducked_since = self.held_since = None

    def finish_stream(self, stream: int) -> None:
        if stream == self.open_stream:
            self.open_stream = None
        self.awaited.discard(stream)
        self.over.add(stream)

    def finish_reply(self) -> None:
        self.live = None
        self.started = False
        self.ducked_since = self.held_since = None


class TurnMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.drive = Drive(SETTINGS)
        self.world = World()
        self.typed_count = 0
        self.to_be_asked: set[str] = set()
        self.seen = 0

    @initialize(
        barge_in=st.sampled_from([BargeIn.SPEECH, BargeIn.SPEECH, *BargeIn]),
        turn_start=st.sampled_from(TurnStart),
        judgement=st.sampled_from(Judgement),
    )
    def begin(self, barge_in: BargeIn, turn_start: TurnStart, judgement: Judgement) -> None:
        self.drive.settings = TurnSettings(
            barge_in=barge_in,
            turn_start=turn_start,
            judgement=judgement,
            follow_up_seconds=1.0,
            listen_max_s=SETTINGS.listen_max_s,
            stt_timeout_s=SETTINGS.stt_timeout_s,
            reply_timeout_s=SETTINGS.reply_timeout_s,
        )

    @rule(barge_in=st.sampled_from(BargeIn))
    def the_mode_changes(self, barge_in: BargeIn) -> None:
        """What may interrupt follows what can be heard, at any moment."""
        self.drive.settings = replace(self.drive.settings, barge_in=barge_in)

    @precondition(lambda self: self.world.ducked_since is not None or self.world.held_since is not None)
    @rule(barge_in=st.sampled_from(BargeIn))
    def the_mode_changes_in_a_pause(self, barge_in: BargeIn) -> None:
        self.the_mode_changes(barge_in)
        self.time_passes(self.drive.settings.undecided_ms)

    def happen(self, event: Event) -> None:
        taken_back = self._takes_back(event)
        self.drive.send(event)
        self._carry_out()
        self._account_for_typed(taken_back)

    def _carry_out(self) -> None:
        for when, effect in self.drive.log[self.seen :]:
            self.world.carry_out(effect, when)
            if isinstance(effect, Ask):
                self.to_be_asked -= set(effect.text.split())
        self.seen = len(self.drive.log)

    def _takes_back(self, event: Event) -> bool:
        """Tell whether "stop" was said or typed into the turn that this event belongs to."""
        said = [segment.text for segment in self.drive.state.segments]
        said.append(getattr(event, "text", ""))
        return any(dialogue_act(text) is DialogueAct.STOP for text in said)

    def _account_for_typed(self, taken_back: bool) -> None:
        waiting = {word for segment in self.drive.state.segments for word in segment.text.split()}
        lost = self.to_be_asked - waiting
        assert not lost or taken_back, f"typed and lost: {lost}"
        self.to_be_asked -= lost

    @rule(probability=PROBABILITIES, count=st.integers(1, 12), is_echo=st.booleans())
    def windows(self, probability: float, count: int, is_echo: bool) -> None:
        for _ in range(count):
            taken_back = self._takes_back(Typed(""))
            self.drive.window(probability, is_echo=is_echo and count == 1)
            self._carry_out()
            self._account_for_typed(taken_back)

    @rule(count=st.integers(4, 40))
    def flickering_noise(self, count: int) -> None:
        """Two voiced windows and a gap that is too short to end an utterance, over and over."""
        for number in range(count):
            taken_back = self._takes_back(Typed(""))
            self.drive.window(0.9 if number % 7 < 2 else 0.05)
            self._carry_out()
            self._account_for_typed(taken_back)

    @rule(ms=st.sampled_from([1.0, 100.0, 700.0, 4000.0]))
    def time_passes(self, ms: float) -> None:
        taken_back = self._takes_back(Typed(""))
        self.drive.wait(ms)
        self._carry_out()
        self._account_for_typed(taken_back)

    @precondition(lambda self: self.world.open_stream or self.world.awaited)
    @rule(text=TEXTS, newest=st.booleans())
    def partial(self, text: str, newest: bool) -> None:
        self.happen(Partial(self._stream(newest), text))

    @precondition(lambda self: self.world.open_stream or self.world.awaited)
    @rule(text=TEXTS, newest=st.booleans())
    def transcribed(self, text: str, newest: bool) -> None:
        stream = self._stream(newest)
        self.world.finish_stream(stream)
        self.happen(Transcribed(stream, text))

    @precondition(lambda self: self.world.open_stream or self.world.awaited)
    @rule(newest=st.booleans())
    def stt_fails(self, newest: bool) -> None:
        stream = self._stream(newest)
        self.world.finish_stream(stream)
        self.happen(SttFailed(stream))

    def _stream(self, newest: bool) -> int:
        streams = sorted(self.world.awaited | ({self.world.open_stream} if self.world.open_stream else set()))
        return streams[-1 if newest else 0]

    @rule(text=TEXTS, stop=st.integers(0, 5))
    def typed(self, text: str, stop: int) -> None:
        if stop == 0:
            self.happen(Typed("stop"))
            return
        self.typed_count += 1
        word = f"typed{self.typed_count}"
        before = self.to_be_asked
        self.to_be_asked = {*before, word}
        self.happen(Typed(f"{word} {text}".strip()))

    @rule(
        event=st.sampled_from([WakeWord("okay nabu", 100.0), StopWord(), ListenNow(), StopNow(), Announced(), Muted()])
    )
    def word_or_call(self, event: Event) -> None:
        """Who says the wake word or the stop word, calls, or mutes takes back what was not asked yet."""
        self.to_be_asked = set()
        self.happen(event)

    @rule()
    def timer_finishes(self) -> None:
        self.happen(TimerFinished())

    @precondition(lambda self: self.world.live)
    @rule(text=TEXTS)
    def reply_text(self, text: str) -> None:
        assert self.world.live
        self.happen(ReplyText(self.world.live, f"As you wish. {text}?"))

    @precondition(lambda self: self.world.live and not self.world.started)
    @rule()
    def reply_starts(self) -> None:
        """The first sample leaves: also a moment after a pause, as it was on its way."""
        assert self.world.live
        self.world.started = True
        self.happen(ReplyStarted(self.world.live))

    @precondition(lambda self: self.world.live and self.world.held_since is None)
    @rule()
    def reply_played(self) -> None:
        """A player that is held never comes to the end."""
        assert self.world.live
        epoch = self.world.live
        self.drive.send(ReplyPlayed(epoch))
        cancelled = any(isinstance(effect, CancelReply) for _, effect in self.drive.log[self.seen :])
        self._carry_out()
        if not cancelled:
            assert self.world.ducked_since is None, "the next reply would begin ducked"
            self.world.finish_reply()

    @precondition(lambda self: self.world.live)
    @rule()
    def reply_fails(self) -> None:
        assert self.world.live
        self.happen(ReplyFailed(self.world.live))

    @rule(kind=st.sampled_from([ReplyStarted, ReplyPlayed, ReplyFailed]), ahead=st.integers(-3, 1))
    def reply_event_of_another_epoch(self, kind: type[ReplyStarted | ReplyPlayed | ReplyFailed], ahead: int) -> None:
        epoch = self.world.epoch + ahead
        if epoch != self.world.live:
            self._changes_nothing(kind(epoch))
            self._changes_nothing(ReplyText(epoch, "of another reply?"))

    @rule(text=TEXTS, back=st.integers(-1, 3))
    def stt_event_of_another_stream(self, text: str, back: int) -> None:
        stream = self.world.newest_stream - back
        if stream in self.world.over or stream < 1 or stream > self.world.newest_stream:
            self._changes_nothing(Partial(stream, text))
            self._changes_nothing(Transcribed(stream, text))
            self._changes_nothing(SttFailed(stream))

    def _changes_nothing(self, event: Event) -> None:
        before = self.drive.state
        assert self.drive.send(event) == ()
        assert self.drive.state == before

    @invariant()
    def machine_and_world_agree(self) -> None:
        state, world = self.drive.state, self.world
        assert (state.epoch if state.live else None) == world.live
        assert {s.stream for s in state.segments if s.stream and s.stream not in world.over} == world.awaited | (
            {world.open_stream} if world.open_stream else set()
        ), "a stream was forgotten"
        assert (state.phase is Phase.INTERRUPTED) <= (world.held_since is not None)
        assert (state.phase is Phase.SPEAKING) <= (world.held_since is None), "never speaking and silent"

    @invariant()
    def pauses_and_ducks_are_bounded(self) -> None:
        settings = self.drive.settings
        held = self.world.held_since
        longest_ms = settings.undecided_ms + settings.verdict_ms + settings.window_ms
        assert held is None or self.drive.now - held <= longest_ms / 1000 + 1e-6
        reply = self.drive.state.reply
        if reply is not None and reply.barge is Barge.SOFT:
            assert self.world.ducked_since is not None
            assert self.world.awaited != set(), "softly for nothing"
        elif self.world.ducked_since is not None:
            assert reply is not None
            until = reply.undecided_until
            assert until is not None
            assert self.drive.now <= until + settings.window_ms / 1000 + 1e-6

    def teardown(self) -> None:
        """Silence, and servers that say nothing more; a timer that finished rings."""
        self.drive.until_idle(SETTLE_S)
        if self.drive.state.ring_due:
            self.drive.wait(self.drive.settings.window_ms)
            assert isinstance(self.drive.log[-1][1], StartRing)


TestTurnMachine = TurnMachine.TestCase
TestTurnMachine.settings = hypothesis_settings(
    max_examples=200,
    stateful_step_count=40,
    deadline=None,
    report_multiple_bugs=False,
    # Explaining a failure traces every line, which takes longer than a test may.
    phases=[HypothesisPhase.explicit, HypothesisPhase.reuse, HypothesisPhase.generate, HypothesisPhase.shrink],
)
