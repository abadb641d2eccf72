from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.satellite.audio.command import CommandDevice, MicCommand, PcmFormat, SndCommand
from interject.satellite.audio.resampled import ResampledDevice
from interject.satellite.audio.supervised import SupervisedDevice
from interject.satellite.simulator.device import SimulatedDevice, text_mode_device
from interject.satellite.simulator.room import ScriptedRoom
from interject.satellite.simulator.script import AtTime, RoomClip, RoomScript
from tests.satellite.audio.conformance import Case, DeviceConformance
from tests.satellite.audio.programs import loudspeaker, microphone
from tools.testing.virtual_clock import run_virtual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from interject.satellite.audio.base import Device


def soon(make: Callable[[], Device]) -> Callable[[], Awaitable[Device]]:
    async def made() -> Device:
        return make()

    return made


class TestSimulatedDevice(DeviceConformance):
    @pytest.fixture(params=[run_virtual, asyncio.run], ids=["virtual", "real"])
    def case(self, request: pytest.FixtureRequest, tmp_path: Path) -> Case:
        missing = RoomScript((RoomClip(tmp_path / "missing.wav", AtTime(0)),))
        return Case(
            make=soon(lambda: SimulatedDevice(record_to=tmp_path / "out")),
            run=request.param,
            broken=soon(lambda: SimulatedDevice(ScriptedRoom(missing))),
        )


class TestTextMode(DeviceConformance):
    @pytest.fixture
    def case(self) -> Case:
        return Case(soon(text_mode_device), run_virtual)


class TestCommands(DeviceConformance):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        mic = MicCommand(microphone(), samples_per_chunk=256)
        return Case(
            make=soon(lambda: CommandDevice(mic, SndCommand(loudspeaker(tmp_path / "out.raw"), buffer_ms=0))),
            run=asyncio.run,
            broken=soon(lambda: CommandDevice(MicCommand("no-such-program --at-all"), None)),
        )


class TestMicrophoneCommandAlone(DeviceConformance):
    @pytest.fixture
    def case(self) -> Case:
        mic = MicCommand(microphone(), samples_per_chunk=256)
        broken = MicCommand("sh -c 'echo no such card >&2; exit 1'")
        return Case(
            make=soon(lambda: CommandDevice(mic, None)),
            run=asyncio.run,
            has_loudspeaker=False,
            broken=soon(lambda: CommandDevice(broken, None)),
        )


class TestLoudspeakerCommandAlone(DeviceConformance):
    @pytest.fixture
    def case(self, tmp_path: Path) -> Case:
        snd = SndCommand(loudspeaker(tmp_path / "out.raw"), PcmFormat(22_050), buffer_ms=0)
        return Case(
            make=soon(lambda: CommandDevice(None, snd)),
            run=asyncio.run,
            broken=soon(lambda: CommandDevice(None, SndCommand("'unmatched"))),
        )


class TestResampled(DeviceConformance):
    @pytest.fixture(params=[16_000, 44_100, 48_000])
    def case(self, request: pytest.FixtureRequest) -> Case:
        return Case(soon(lambda: ResampledDevice(SimulatedDevice(), request.param)), run_virtual, exact=False)


class TestSupervised(DeviceConformance):
    @pytest.fixture
    def case(self) -> Case:
        # The room opens sooner than the first period of silence is due, so that every block is its own.
        return Case(soon(lambda: SupervisedDevice(soon(SimulatedDevice), "card", 16_000)), run_virtual)
