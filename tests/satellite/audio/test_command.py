from __future__ import annotations

import asyncio
import os
import shlex
import sys
from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from interject.satellite.audio.base import (
    DeviceFormatError,
    DeviceLostError,
    DeviceSetupError,
    DeviceStalledError,
    running,
)
from interject.satellite.audio.command import CommandDevice, MicCommand, PcmFormat, SndCommand
from interject.satellite.audio.pcm import decode, encode, mix_down, to_int16
from tests.satellite.audio.conformance import Counting, numbered, take
from tests.satellite.audio.programs import loudspeaker, microphone

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Samples


async def test_every_captured_sample_arrives_once() -> None:
    blocks = await take(CommandDevice(MicCommand(microphone(), samples_per_chunk=100), None), Counting(), 20)
    assert np.array_equal(np.concatenate([block.mic for block in blocks]), numbered(0, 2000))


async def test_the_loudspeaker_gets_its_own_rate_width_and_channels(tmp_path: Path) -> None:
    pcm = PcmFormat(rate_hz=48_000, width=4, channels=2)
    path = tmp_path / "played.raw"
    device = CommandDevice(MicCommand(microphone(), samples_per_chunk=320), SndCommand(loudspeaker(path), pcm))
    await take(device, lambda frames: np.full(frames, 5000, np.int16), 20)
    played = np.frombuffer(path.read_bytes(), "<i4").reshape(-1, 2)
    assert np.array_equal(played[:, 0], played[:, 1])
    assert len(played) / 48_000 == pytest.approx(20 * 320 / 16_000, abs=0.1)
    assert np.median(played) == pytest.approx(5000 << 16, rel=0.01)


async def test_one_channel_of_several_is_used(tmp_path: Path) -> None:
    raw = tmp_path / "stereo.raw"
    raw.write_bytes(np.array([[1, 1000]] * 4000, "<i2").tobytes())
    mic = MicCommand(f"cat {shlex.quote(str(raw))}", PcmFormat(16_000, 2, 2), samples_per_chunk=500, channel=1)
    blocks = await take(CommandDevice(mic, None), Counting(), 4)
    assert all((block.mic == 1000).all() for block in blocks)


@pytest.mark.parametrize(
    ("mic", "snd"),
    [
        (MicCommand("sh -c 'echo starting >&2; echo card torn out >&2; exit 5'"), None),
        (MicCommand(microphone()), SndCommand("sh -c 'echo card torn out >&2; exit 5'")),
    ],
    ids=["microphone", "loudspeaker"],
)
async def test_a_program_that_dies_is_told_with_its_last_words(mic: MicCommand, snd: SndCommand | None) -> None:
    with pytest.raises(DeviceLostError, match="ended with exit code 5: card torn out"):
        await take(CommandDevice(mic, snd), Counting(), 10_000)


async def test_a_microphone_that_gives_nothing_is_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject.satellite.audio.command.STALLED_AFTER_S", 0.1)
    with pytest.raises(DeviceStalledError, match="sleep 60"):
        await take(CommandDevice(MicCommand("sleep 60"), None), Counting(), 1)


async def test_a_loudspeaker_that_takes_nothing_loses_nothing_and_is_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interject.satellite.audio.command.STALLED_AFTER_S", 0.3)
    render = Counting()
    played: list[Samples] = []

    async def play() -> None:
        async with running(CommandDevice(None, SndCommand("sleep 60")), render) as blocks:
            async for block in blocks:
                played.extend((block.played,))

    with pytest.raises(DeviceStalledError, match="sleep 60"):
        await play()
    heard = np.concatenate(played)
    assert np.array_equal(heard[heard > 0], numbered(0, render.position))
    # The pipe is small: a flush would not have to wait for more than this.
    assert render.position / 22_050 < 0.5


async def test_latency_counts_what_waits_in_the_pipe(tmp_path: Path) -> None:
    device = CommandDevice(None, SndCommand("sleep 60", buffer_ms=100))
    async with running(device, Counting()) as blocks:
        first = device.rate_hz * 0.1
        async for block in blocks:
            assert device.output_latency_frames == pytest.approx(first + block.frame + len(block.played), abs=2)
            if block.frame >= 1500:
                break


async def test_programs_end_with_the_device_also_stubborn_ones_and_their_children() -> None:
    stubborn = "trap '' TERM; sleep 61 & exec 1>&1; while :; do printf 'xxxxxxxxxxxxxxxx'; done"
    blocks = await take(CommandDevice(MicCommand(f"sh -c {shlex.quote(stubborn)}"), None), Counting(), 2)
    assert len(blocks) == 2
    children = psutil.Process(os.getpid()).children(recursive=True)
    assert [child for child in children if "sleep 61" in " ".join(child.cmdline())] == []


@pytest.mark.parametrize(
    ("command", "told"),
    [("", "is empty"), ("'unmatched", "quotes do not match"), ("no-such-program", "No such file")],
)
async def test_a_command_that_cannot_be_started_is_told_with_its_flag(command: str, told: str) -> None:
    with pytest.raises(DeviceSetupError, match=f"--mic-command.*{told}.*correct --mic-command"):
        await take(CommandDevice(MicCommand(command), None), Counting(), 1)


@pytest.mark.parametrize(
    "mic",
    [
        MicCommand("x", PcmFormat(16_000, width=5)),
        MicCommand("x", PcmFormat(16_000, channels=0)),
        MicCommand("x", PcmFormat(16_000, channels=2), channel=2),
        MicCommand("x", samples_per_chunk=0),
    ],
)
def test_impossible_formats_are_refused(mic: MicCommand) -> None:
    with pytest.raises(DeviceFormatError, match="--mic-command"):
        CommandDevice(mic, None)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_pcm_survives_the_way_there_and_back(width: int) -> None:
    samples = np.array([-32768, -256, 0, 256, 32512], np.int16)
    frames = decode(encode(samples, width, 3), width, 3)
    assert frames.shape == (5, 3)
    assert np.array_equal(to_int16(mix_down(frames)), samples)


def test_the_shell_is_not_involved(tmp_path: Path) -> None:
    async def main() -> None:
        target = tmp_path / "written"
        command = f"{sys.executable} -c 'import sys; sys.exit(len(sys.argv))' > {target}"
        with pytest.raises(DeviceLostError, match="exit code 3"):
            await take(CommandDevice(MicCommand(command), None), Counting(), 1)
        assert not target.exists()

    asyncio.run(main())
