"""The satellite's ears in the room: what is labelled is what a voice activity detector hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.base import running
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from tools.simulator.acoustic import AcousticRoom, device_in
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.noises import NoiseKind
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import Kind
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples
    from interject.satellite.frontend.frontend import Window
    from tools.simulator.corpus import Corpus
    from tools.simulator.rendering import RenderedScene

SPEECH = 0.5
_BLOCK = 320
# A detector needs two or three windows of 32 ms and looks for a voice, which a word may not begin with.
SOON_S = 0.5


def heard_in(rendered: RenderedScene) -> list[Window]:
    front_end = FrontEnd(RATE_HZ, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.NONE))
    windows: list[Window] = []

    def silence(frames: int) -> Samples:
        return np.zeros(frames, np.int16)

    async def listen() -> None:
        async with running(device_in(rendered), silence) as blocks:
            async for block in blocks:
                windows.extend(front_end.push(block.mic, block.played))
                if block.frame >= rendered.scene.frames:
                    return

    run_virtual(listen())
    return windows


def test_every_interruption_is_heard_soon_after_its_label_and_nothing_before(corpus: Corpus) -> None:
    wishes = Wishes(seconds=15.0, echo_db=0.0, noise=NoiseKind.QUIET, effort=Effort.NORMAL, equipment=Equipment.LINEAR)
    rendered = render_scene(make_scene(Kind.LONG, 1, corpus, wishes), corpus)
    speech = [window.end_index for window in heard_in(rendered) if window.probability >= SPEECH]
    assert rendered.labels
    assert min(speech) > rendered.labels[0].start_frame
    for label in rendered.labels:
        after = [end for end in speech if end > label.start_frame]
        assert after
        assert after[0] - label.start_frame < frames_of(SOON_S)


def test_after_a_minute_of_our_own_voice_the_user_is_still_heard(corpus: Corpus) -> None:
    wishes = Wishes(seconds=68.0, echo_db=10.0, noise=NoiseKind.QUIET, effort=Effort.NORMAL, equipment=Equipment.LINEAR)
    rendered = render_scene(make_scene(Kind.SHORT, 9000, corpus, wishes), corpus)
    played = rendered.uninterrupted()
    mic = AcousticRoom(rendered).step(played)
    front_end = FrontEnd(RATE_HZ, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.KALMAN))
    windows: list[Window] = []
    for at in range(0, len(mic), _BLOCK):
        windows += front_end.push(mic[at : at + _BLOCK], played[at : at + _BLOCK])
    voiced = [window.end_index for window in windows if window.probability >= SPEECH and not window.is_echo]
    late = [label for label in rendered.labels if label.start_frame > frames_of(40.0)]
    assert len(late) >= 4
    for label in late:
        assert any(label.start_frame < end < label.end_frame + frames_of(0.3) for end in voiced)
