"""The loudspeaker's way through the room, in closed loop."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import running
from tests.satellite.audio.conformance import Case, DeviceConformance
from tools.simulator.acoustic import AcousticRoom, device_in
from tools.simulator.convolution import BLOCK_FRAMES, convolve
from tools.simulator.equipment import Equipment
from tools.simulator.levels import RATE_HZ, frames_of, level_dbfs, rms_dbfs
from tools.simulator.loudspeaker import Driver
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import DelayJump, Kind, Move, Volume
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples
    from interject.satellite.simulator.device import SimulatedDevice
    from tools.simulator.corpus import Corpus
    from tools.simulator.rendering import RenderedScene
    from tools.simulator.scene import Change

SECONDS = 10.0
CHANGE_AT = 5 * RATE_HZ


def rendered_scene(
    corpus: Corpus,
    *changes: Change,
    delay_ms: float = 80.0,
    drift_ppm: float = 0.0,
    equipment: Equipment = Equipment.LINEAR,
    hum_dbfs: float | None = None,
) -> RenderedScene:
    scene = make_scene(Kind.SILENCE, 1, corpus, Wishes(seconds=SECONDS, echo_db=10.0, equipment=equipment))
    scene = replace(scene, changes=changes, delay_ms=delay_ms, drift_ppm=drift_ppm, hum_dbfs=hum_dbfs)
    return render_scene(scene, corpus)


def whole(rendered: RenderedScene) -> Samples:
    return rendered.reply[: len(rendered.reply) // (10 * BLOCK_FRAMES) * 10 * BLOCK_FRAMES]


def echo_of(rendered: RenderedScene) -> NDArray[np.float32]:
    return AcousticRoom(rendered).listen(whole(rendered)).echo


@pytest.mark.parametrize("equipment", [Equipment.LINEAR, Equipment.SPEAKERPHONE])
def test_the_echo_is_the_distorted_reply_through_the_response(corpus: Corpus, equipment: Equipment) -> None:
    rendered = rendered_scene(corpus, equipment=equipment)
    driver = Driver(rendered.scene.loudspeaker, rendered.distortion)
    driven = driver.process(whole(rendered).astype(np.float32) / np.float32(32_768))
    offline = convolve(driven, rendered.echo_response)
    delay = frames_of(0.08) - 8
    assert np.allclose(echo_of(rendered)[delay:], offline[: len(whole(rendered)) - delay], rtol=0, atol=1e-5)


@pytest.mark.parametrize("equipment", [Equipment.LINEAR, Equipment.LAPTOP, Equipment.GATED])
def test_blocks_of_any_length_sound_the_same(corpus: Corpus, equipment: Equipment) -> None:
    changes = Volume(CHANGE_AT, 6.0), Move(CHANGE_AT + RATE_HZ, (0.2, 0.1, 0.0))
    rendered = rendered_scene(corpus, *changes, equipment=equipment)
    # The move is over half a second after it began.
    played = whole(rendered)[: CHANGE_AT + RATE_HZ + RATE_HZ // 2]
    mics = []
    for blocks in (1, 2, 10):
        room = AcousticRoom(rendered)
        mics.append(np.concatenate([room.step(block) for block in played.reshape(-1, blocks * BLOCK_FRAMES)]))
    assert np.array_equal(mics[0], mics[1])
    assert np.array_equal(mics[0], mics[2])
    with pytest.raises(ValueError, match="blocks of 160"):
        AcousticRoom(rendered).step(np.zeros(100, np.int16))


def click_arrives(room: AcousticRoom, seconds: float) -> int:
    """Play a click at once, and tell how many samples later it is loudest at the microphone."""
    click = np.zeros(round(seconds * RATE_HZ), np.int16)
    click[0] = 20_000
    return int(np.argmax(np.abs(room.listen(click).echo)))


@pytest.mark.parametrize("delay_ms", [2.0, 97.5, 250.0])
def test_the_delay_is_exact(corpus: Corpus, delay_ms: float) -> None:
    room = AcousticRoom(rendered_scene(corpus, delay_ms=delay_ms))
    assert click_arrives(room, 1.0) == pytest.approx(delay_ms * RATE_HZ / 1000, abs=2)


def test_drift_and_a_jump_move_the_echo_by_so_much(corpus: Corpus) -> None:
    drifting = AcousticRoom(rendered_scene(corpus, drift_ppm=200.0))
    first = click_arrives(drifting, 10.0)
    assert click_arrives(drifting, 1.0) - first == pytest.approx(-10 * RATE_HZ * 200e-6, abs=1)
    jumping = AcousticRoom(rendered_scene(corpus, DelayJump(CHANGE_AT, 20.0)))
    first = click_arrives(jumping, 6.0)
    assert click_arrives(jumping, 1.0) - first == frames_of(0.02)


def test_the_knob_turns_the_echo_up(corpus: Corpus) -> None:
    before, after = echo_of(rendered_scene(corpus)), echo_of(rendered_scene(corpus, Volume(CHANGE_AT, -6.0)))
    later = slice(CHANGE_AT + RATE_HZ, None)
    assert np.array_equal(before[:CHANGE_AT], after[:CHANGE_AT])
    assert level_dbfs(after[later]) == pytest.approx(level_dbfs(before[later]) - 6, abs=1)


def test_a_moved_device_is_another_room(corpus: Corpus) -> None:
    before, after = echo_of(rendered_scene(corpus)), echo_of(rendered_scene(corpus, Move(CHANGE_AT, (0.2, 0.2, 0.0))))
    later = slice(CHANGE_AT + RATE_HZ, None)
    assert np.array_equal(before[:CHANGE_AT], after[:CHANGE_AT])
    # What a canceller that had learnt the old room perfectly would leave.
    assert level_dbfs(after[later] - before[later]) > level_dbfs(before[later]) - 20
    assert level_dbfs(after[later]) == pytest.approx(level_dbfs(before[later]), abs=2)


def test_what_is_paused_is_not_heard(corpus: Corpus) -> None:
    rendered = rendered_scene(corpus)
    room = AcousticRoom(rendered)
    playing = room.listen(whole(rendered)[: 2 * RATE_HZ])
    room.listen(np.zeros(RATE_HZ, np.int16))
    paused = room.listen(np.zeros(RATE_HZ, np.int16))
    assert level_dbfs(paused.echo) < level_dbfs(playing.echo) - 60


def test_the_room_goes_on_after_the_scene(corpus: Corpus) -> None:
    rendered = rendered_scene(corpus)
    room = AcousticRoom(rendered)
    room.listen(whole(rendered))
    after = room.listen(np.zeros(RATE_HZ, np.int16))
    assert not after.people.any()
    assert level_dbfs(after.noise) == pytest.approx(level_dbfs(rendered.noise), abs=3)


class TestSceneRoom(DeviceConformance):
    @pytest.fixture
    def case(self, corpus: Corpus) -> Case:
        rendered = rendered_scene(corpus)

        async def make() -> SimulatedDevice:
            return device_in(rendered)

        return Case(make, run_virtual)


def test_a_device_in_the_room_hears_what_the_room_gives(corpus: Corpus) -> None:
    rendered = rendered_scene(corpus)

    async def listen() -> Samples:
        played = iter(whole(rendered).reshape(-1, 320))
        mic = []
        loop = asyncio.get_running_loop()
        async with running(device_in(rendered), lambda frames: next(played)[:frames]) as blocks:
            async for block in blocks:
                mic.append(block.mic)
                if block.frame + len(block.mic) >= 2 * RATE_HZ:
                    break
        assert loop.time() == pytest.approx(2.0, abs=0.02)
        return np.concatenate(mic)

    assert np.array_equal(run_virtual(listen()), AcousticRoom(rendered).step(whole(rendered)[: 2 * RATE_HZ]))


def test_a_mixer_hums_into_the_pauses_and_its_reference_tells(corpus: Corpus) -> None:
    rendered = rendered_scene(corpus, hum_dbfs=-68.0)
    played: list[Samples] = []

    async def listen() -> None:
        async with running(device_in(rendered), lambda frames: np.zeros(frames, np.int16)) as blocks:
            async for block in blocks:
                played.append(block.played)
                if block.frame + len(block.mic) >= 2 * RATE_HZ:
                    return

    run_virtual(listen())
    sent = np.concatenate(played).astype(np.float32) / np.float32(32_768)
    assert rms_dbfs(sent) == pytest.approx(-68, abs=1)
    assert rms_dbfs(AcousticRoom(rendered).listen(np.concatenate(played)).echo) > -80
