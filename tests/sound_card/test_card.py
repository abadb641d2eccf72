"""The device and the player on the virtual card that stands in a room."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from interject.satellite.audio.base import running
from interject.satellite.audio.portaudio import PortAudioChoice, find_portaudio
from interject.satellite.audio.portaudio_host import PortAudioHost
from tests.rooms import skip_without_rooms
from tools.simulator.corpus import built_in
from tools.simulator.equipment import Equipment
from tools.simulator.noises import NoiseKind
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import Kind
from tools.sound_card.card import room_card, why_not
from tools.sound_card.pauses import Deck, find_truth, measure_pauses
from tools.sound_card.talk import on_card
from tools.sound_card.tape import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.satellite.audio.base import Block, Device
    from tools.sound_card.card import RoomCard

REASON = why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no virtual card: {REASON}")
for package in ("pyaudio", "espeakng_loader"):
    pytest.importorskip(package, reason=f"{package} is not installed", exc_type=ImportError)
skip_without_rooms()

# Far more than anything takes on an idle machine, for one that is busy.
PATIENCE_S = 30.0
# A fade of 20 ms, and what a busy machine inserts of silence before its end.
BEYOND_FRAMES = RATE_HZ // 2


@pytest.fixture(scope="module")
def card() -> Iterator[RoomCard]:
    if "sounddevice" in sys.modules:
        pytest.skip("sounddevice, which pyroomacoustics imports, has started a PortAudio that sees no new card")
    # What other tests of this process have left running, as the resource tracker of multiprocessing, is not the card's.
    others = psutil.Process().children(recursive=True)
    corpus = built_in()
    wishes = Wishes(echo_db=20, seconds=10, noise=NoiseKind.QUIET, equipment=Equipment.LINEAR)
    scene = make_scene(Kind.SILENCE, 1, corpus, wishes)
    with (
        # A socket's path is short: pytest's own folders may be too deep.
        tempfile.TemporaryDirectory(prefix="card") as folder,
        room_card(on_card(replace(scene, utterances=())), corpus, Path(folder)) as plugged,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in plugged.environment.items():
            patch.setenv(name, value)
        yield plugged
    assert [each for each in psutil.Process().children(recursive=True) if each not in others] == []


@pytest.fixture
def host(card: RoomCard) -> Iterator[PortAudioHost]:
    started = PortAudioHost()
    yield started
    started.close()


async def opened(host: PortAudioHost) -> Device:
    return await find_portaudio(PortAudioChoice(), host)


def level_of(block: Block) -> float:
    return float(np.abs(block.mic.astype(np.int32)).mean())


async def test_what_is_played_comes_back_through_the_room(host: PortAudioHost) -> None:
    deck = Deck(await opened(host))
    noise = np.random.default_rng(1).integers(-6500, 6500, 2 * deck.device.rate_hz, np.int16)
    async with asyncio.timeout(PATIENCE_S), running(deck.device, deck.render) as blocks:
        quiet = max([level_of(await anext(blocks)) for _ in range(10)])
        deck.player.begin(1)
        deck.player.feed(1, noise)
        async for block in blocks:
            if level_of(block) > 10 * max(quiet, 1):
                break


async def test_a_pause_is_silence_and_the_position_stays_where_it_was(host: PortAudioHost, card: RoomCard) -> None:
    async with asyncio.timeout(PATIENCE_S):
        trials, ran = await measure_pauses(await opened(host), 2)
    truths = find_truth(trials, card.loudspeaker)
    assert ran.blocks > 0
    for trial, truth in zip(trials, truths, strict=True):
        assert trial.settled == trial.pause_point
        assert 0 < trial.position <= trial.pause_point
        assert 0 < truth.beyond < BEYOND_FRAMES
        assert abs(trial.position - truth.position) < RATE_HZ
        assert 0 < truth.latency_ms < 1000
