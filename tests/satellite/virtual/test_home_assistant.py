"""The whole satellite and a Home Assistant on a virtual clock: a second question at every instant of a turn."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import Block
from interject.satellite.audio.player import Player
from interject.satellite.conversation.loop import Conversation
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.transports.wyoming.link import HomeAssistantLink
from interject.satellite.transports.wyoming.transport import HomeAssistantSettings, HomeAssistantTransport
from interject.satellite.turn.settings import Endpointing, Judgement, TurnSettings
from interject.satellite.turn.state import Phase
from interject.wire.service import Service
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.release import V2026_2, V2026_11
from tools.fake_home_assistant.script import SPEECH_RATE_HZ, EndedBy, Reply, Turn
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import info
from tools.virtual.network import cancelled
from tools.virtual.room import BLOCK, LATENCY, EnergyVad, Recorder, Utterance, samples_of
from tools.virtual.signals import RATE_HZ, user_voice
from tools.virtual.sweep import instants

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples
    from tools.fake_home_assistant.release import Release
    from tools.fake_home_assistant.script import Utterance as Received

SETTINGS = TurnSettings(judgement=Judgement.DURATION)
FIRST = Utterance(0.5, 0.7, "we live here")
SECOND_LENGTH_S = 0.8
TEXTS = {1: "we live here", 2: "tell me more"}
# Each reply is a tone of its own; what pauses, fades or ducks it keeps its pitch.
BOTH = "we live here tell me more"
PITCHES_HZ = {TEXTS[1]: 500, TEXTS[2]: 900, BOTH: 1300}
REPLY_S = 1.6
# A synthesiser that is hardly faster than its speech: the old reply goes on coming between the chunks of the new one.
PACE_S = 0.03
LONGEST_S = 12.0
# Whatever is still to come of a turn, once nobody speaks and nothing is awaited, comes within this.
REST_S = 1.0
WINDOW = RATE_HZ // 50
# The fade of a pause, and the window in which it ends.
FADE_S = 0.06
# Where the parts of a turn lie when nobody interrupts: the question ends at 1.2 s, the turn at 1.8, the reply at 3.5.
PARTS = {
    "the silence that ends the question": (1.25, 1.85),
    "the thinking": (1.85, 2.10),
    "the answer": (2.10, 3.75),
}
# One and a half windows of the VAD, hardly less: each step begins elsewhere in its window, and in its block of 20 ms.
STEP_MS = 47


def said(received: Received) -> Turn:
    """Understand by the samples, and answer at length; the agent takes a tenth of a second."""
    audio = np.frombuffer(received.audio, "<i2")
    # A recogniser needs more than the first sound of a word.
    text = " ".join(words for number, words in TEXTS.items() if samples_of(audio, number) > 0.2 * RATE_HZ)
    if not text:
        return Turn("", error="stt-no-text-recognized")
    return Turn(text, Reply(text, tone(PITCHES_HZ[text]), thinking_s=0.1, pace_s=PACE_S), stt_s=0.05)


def tone(pitch_hz: int) -> bytes:
    times_s = np.arange(round(REPLY_S * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    speech: bytes = (8_000 * np.sin(2 * np.pi * pitch_hz * times_s)).astype("<i2").tobytes()
    return speech


@dataclass
class Evening:
    """What is left of a run."""

    trace: Recorder
    loudspeaker: Samples
    home: FakeHomeAssistant
    phase: Phase

    def sounding(self, text: str) -> list[float]:
        """Return when (s) the reply to a question sounded."""
        windows = self.loudspeaker[: len(self.loudspeaker) // WINDOW * WINDOW].reshape(-1, WINDOW)
        reference = np.exp(-2j * np.pi * PITCHES_HZ[text] * np.arange(WINDOW) / RATE_HZ)
        return [
            float(number) * WINDOW / RATE_HZ for number in np.flatnonzero(np.abs(windows @ reference) / WINDOW > 200)
        ]


async def evening(second_at_s: float, release: Release = V2026_11, settings: TurnSettings = SETTINGS) -> Evening:
    trace, player, link = Recorder(), Player(RATE_HZ), HomeAssistantLink()
    transport = HomeAssistantTransport(link, HomeAssistantSettings())
    front_end = FrontEnd(
        RATE_HZ,
        HearingSettings(vad_noise_suppression=0, vad_gain_db=0),
        EnergyVad(),
        make_echo_control(CancellerKind.NONE),
    )
    conversation = Conversation(settings, player, front_end, transport, trace)
    mic = np.random.default_rng(7).integers(-3, 4, round(LONGEST_S * RATE_HZ)).astype(np.int16)
    for number, said_at in ((1, FIRST), (2, Utterance(second_at_s, SECOND_LENGTH_S, TEXTS[2]))):
        mic[said_at.start : said_at.start + said_at.samples] = user_voice(number, said_at.samples)
    said_until = round((second_at_s + SECOND_LENGTH_S) * RATE_HZ)
    played: list[Samples] = []
    with tempfile.TemporaryDirectory() as folder:
        service = Service(f"unix://{folder}/satellite", info, link.session)
        uri = await service.start()
        working = asyncio.create_task(transport.run(conversation))
        try:
            async with FakeHomeAssistant(connector(uri), said, release) as home:
                await home.connected()
                frame = busy_until = 0
                while frame - busy_until < REST_S * RATE_HZ and frame + BLOCK <= len(mic):
                    await elapse(BLOCK / RATE_HZ)
                    played.append(player.render(BLOCK))
                    conversation.on_block(Block(mic[frame : frame + BLOCK], played[-1], frame), LATENCY)
                    frame += BLOCK
                    if conversation.phase is not Phase.IDLE or frame <= said_until or played[-1].any():
                        busy_until = frame
                if working.done():
                    working.result()
        finally:
            await cancelled(working)
            await service.stop()
    return Evening(trace, np.concatenate(played), home, conversation.phase)


def everything_holds(it: Evening) -> None:
    assert it.phase is Phase.IDLE
    assert not it.home.runs.deaf
    asked = [ask["text"] for ask in it.trace.of("ask")]
    assert asked in ([TEXTS[1], TEXTS[2]], [TEXTS[1], BOTH], [BOTH])
    assert len(it.sounding(asked[-1])) * WINDOW / RATE_HZ >= REPLY_S - FADE_S
    for cut in it.trace.of("interrupt"):
        assert all(at_s <= cut["t"] + FADE_S for at_s in it.sounding(asked[cut["epoch"] - 1]))
    # Speech recognition got each question whole.
    audio = np.frombuffer(it.home.utterances[-1].audio, "<i2")
    assert samples_of(audio, 2) == round(SECOND_LENGTH_S * RATE_HZ)
    assert samples_of(audio, 1) == (FIRST.samples if asked[-1] == BOTH else 0)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_a_second_question_is_answered_whenever_it_comes(part: tuple[float, float]) -> None:
    for at_s in instants(part, STEP_MS):
        it = run_virtual(evening(at_s))
        try:
            everything_holds(it)
        except AssertionError as error:
            records = "\n".join(map(str, it.trace.records))
            wire = "\n".join(str(entry) for entry in it.home.log.entries if entry.event.type != "audio-chunk")
            raise AssertionError(f"at {at_s:.3f} s: {error}\n{records}\n{wire}") from error


@pytest.mark.parametrize("at_s", [1.5, 1.9, 2.5, 3.3])
def test_so_it_is_with_a_home_assistant_that_acknowledges_nothing(at_s: float) -> None:
    everything_holds(run_virtual(evening(at_s, V2026_2)))


def test_home_assistant_may_say_when_a_turn_is_over() -> None:
    """Its own voice activity detection ends both turns, later than the satellite would."""
    it = run_virtual(evening(5.0, settings=replace(SETTINGS, endpointing=Endpointing.HOME_ASSISTANT)))
    assert [ask["text"] for ask in it.trace.of("ask")] == [TEXTS[1], TEXTS[2]]
    assert {utterance.ended_by for utterance in it.home.utterances} == {EndedBy.VOICE_ACTIVITY}
    assert len(it.sounding(TEXTS[2])) * WINDOW / RATE_HZ >= REPLY_S - FADE_S
