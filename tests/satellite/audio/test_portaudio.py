from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import DeviceMissingError, DeviceSetupError, running
from interject.satellite.audio.portaudio import PortAudioChoice, find_portaudio
from interject.satellite.audio.portaudio_host import PortAudioHost
from interject.satellite.audio.sound_cards import table
from interject.satellite.audio.supervised import DeviceHealth, supervise
from tests.satellite.audio.conformance import Case, DeviceConformance
from tools.testing.patience import expecting
from tools.testing.virtual_card import VirtualCard, virtual_card, why_not

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from interject.satellite.audio.base import Block, Device, Samples

REASON = why_not()
pytest.importorskip("pyaudio", reason="pyaudio is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(REASON is not None, reason=f"no virtual card: {REASON}")


@pytest.fixture(scope="module")
def card() -> Iterator[VirtualCard]:
    # A socket's path is short: pytest's own folders may be too deep.
    with (
        tempfile.TemporaryDirectory(prefix="card") as folder,
        virtual_card(Path(folder)) as plugged,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in plugged.environment.items():
            patch.setenv(name, value)
        if "default" not in asyncio.run(_listed()):
            pytest.skip("ALSA does not see PulseAudio (Debian package libasound2-plugins)")
        yield plugged


@pytest.fixture
def host(card: VirtualCard) -> Iterator[PortAudioHost]:
    started = PortAudioHost()
    yield started
    started.close()


class TestPortAudio(DeviceConformance):
    @pytest.fixture
    def case(self, host: PortAudioHost) -> Case:
        async def make() -> Device:
            return await find_portaudio(PortAudioChoice(), host)

        async def broken() -> Device:
            return await find_portaudio(PortAudioChoice(microphone="no such microphone"), host)

        return Case(make, asyncio.run, broken=broken)


async def test_devices_are_listed_for_people(card: VirtualCard) -> None:
    listed = await _listed()
    assert "default microphone and loudspeaker" in listed
    assert "pulse" in listed


async def test_devices_are_chosen_by_a_part_of_their_name_or_index(host: PortAudioHost) -> None:
    by_name = await find_portaudio(PortAudioChoice("PUL", "pulse"), host)
    by_index = await find_portaudio(PortAudioChoice("0", "0"), host)
    assert by_name.name == by_index.name == "sound device 'pulse'"


async def test_a_missing_device_is_told_with_what_there_is(host: PortAudioHost) -> None:
    with pytest.raises(DeviceMissingError, match="no loudspeaker 'kitchen'; available: 0: pulse, 1: default"):
        await find_portaudio(PortAudioChoice(loudspeaker="kitchen"), host)


async def test_the_microphone_hears_the_loudspeaker(host: PortAudioHost) -> None:
    device = await find_portaudio(PortAudioChoice(), host)
    phase = 0

    def tone(frames: int) -> Samples:
        nonlocal phase
        samples: Samples = (8000 * np.sin(np.arange(phase, phase + frames) * 0.1)).astype(np.int16)
        phase += frames
        return samples

    async with expecting("the microphone to hear the loudspeaker"), running(device, tone) as blocks:
        async for block in blocks:
            if np.abs(block.mic.astype(np.int32)).max() > 4000:
                break


def test_the_libraries_complaints_stay_off_standard_error(card: VirtualCard, capfd: pytest.CaptureFixture[str]) -> None:
    asyncio.run(_listed())
    assert capfd.readouterr().err == ""


async def test_a_missing_alsa_configuration_is_told_before_it_aborts_the_process(
    host: PortAudioHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALSA_CONFIG_PATH", "/nowhere/asound.conf")
    with pytest.raises(DeviceSetupError, match="ALSA_CONFIG_PATH names /nowhere/asound"):
        await host.cards()


async def test_a_missing_package_is_told_with_its_remedy(host: PortAudioHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(DeviceSetupError, match=r"portaudio19-dev.*script/setup"):
        await host.cards()


@pytest.mark.allow_threads("ALSA's PulseAudio plugin deadlocks in about one of eight deaths of its server")
async def test_unplugged_and_replugged(host: PortAudioHost, card: VirtualCard) -> None:
    told: list[tuple[DeviceHealth, str]] = []
    rendered = 0

    def render(frames: int) -> Samples:
        nonlocal rendered
        rendered += frames
        return np.zeros(frames, np.int16)

    device = await supervise(
        lambda: find_portaudio(PortAudioChoice(), host), "card", lambda health, text: told.append((health, text))
    )
    async with expecting("the card to play again after it was away"), running(device, render) as blocks:
        await _read_until(blocks, lambda: rendered > device.rate_hz)
        await asyncio.to_thread(card.unplug)
        await _read_until(blocks, lambda: told[-1][0] is DeviceHealth.FAILED)
        silent_since = rendered
        failed_at = (await anext(blocks)).frame
        last = await _read_until(blocks, lambda: rendered != silent_since, until=failed_at + device.rate_hz)
        assert last.frame >= failed_at + device.rate_hz
        await asyncio.to_thread(card.plug)
        await _read_until(blocks, lambda: told[-1][0] is DeviceHealth.WORKING and rendered > silent_since + 9600)


async def _read_until(blocks: AsyncIterator[Block], done: Callable[[], bool], until: int | None = None) -> Block:
    block = await anext(blocks)
    while not done() and (until is None or block.frame < until):
        following = await anext(blocks)
        assert following.frame > block.frame
        block = following
    return block


async def _listed() -> str:
    host = PortAudioHost()
    try:
        return table(await host.cards())
    finally:
        host.close()
