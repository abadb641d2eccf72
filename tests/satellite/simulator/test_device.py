from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import wave
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.satellite.audio.base import RoomScriptError, running
from interject.satellite.audio.pcm import gain_of
from interject.satellite.simulator.device import SimulatedDevice
from interject.satellite.simulator.room import Noise, NoiseColour, RoomAcoustics, ScriptedRoom
from interject.satellite.simulator.script import AfterClip, AfterLoudspeaker, AtTime, RoomClip, RoomScript, Start
from tools.testing.patience import PATIENCE_S
from tools.testing.virtual_clock import elapse, run_virtual

if TYPE_CHECKING:
    from pathlib import Path

    from interject.satellite.audio.base import Block, Samples
    from interject.wire.trace import Record

RATE_HZ = 16_000
QUIET = RoomAcoustics(noise_db=None)


class Recorder:
    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: Record, t: float | None = None) -> None:
        self.records.append((record.KIND, {"t": t, **record.fields()}))

    def times(self, kind: str) -> list[float]:
        return [fields["t"] for emitted, fields in self.records if emitted == kind]


class Playing:
    """Renders a constant between the given seconds of rendered time."""

    def __init__(self, *spans: tuple[float, float]) -> None:
        self._spans = spans
        self._position = 0

    def __call__(self, frames: int) -> Samples:
        at_s = (self._position + np.arange(frames)) / RATE_HZ
        self._position += frames
        on = np.zeros(frames, bool)
        for first, last in self._spans:
            on |= (at_s >= first) & (at_s < last)
        return np.where(on, 8000, 0).astype(np.int16)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Half a second at 44.1 kHz in stereo: 100 ms of silence, then 400 ms at half of full scale."""
    path = tmp_path / "clip.wav"
    samples = np.zeros((22_050, 2), np.int16)
    samples[4410:] = 16_384
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(samples.tobytes())
    return path


def stay(room: SimulatedDevice, render: Playing, seconds: float) -> list[Block]:
    async def main() -> list[Block]:
        heard: list[Block] = []
        async with running(room, render) as blocks:
            async for block in blocks:
                heard.append(block)
                if block.frame + len(block.mic) >= seconds * RATE_HZ:
                    break
        return heard

    return run_virtual(main())


def mic(blocks: list[Block]) -> Samples:
    return np.concatenate([block.mic for block in blocks])


def test_the_loudspeaker_arrives_late_and_quiet() -> None:
    acoustics = RoomAcoustics(echo_db=-20, echo_delay_ms=5, noise_db=None, output_latency_ms=20)
    heard = mic(stay(SimulatedDevice(ScriptedRoom(acoustics=acoustics)), Playing((0.1, 0.2)), 1))
    assert np.flatnonzero(heard)[0] == round((0.1 + 0.020 + 0.005) * RATE_HZ)
    assert np.count_nonzero(heard) == 1600
    assert heard.max() == 800


def test_noise_has_its_level_and_is_the_same_each_time() -> None:
    room = RoomAcoustics(noise_db=-40, noise_seed=7)
    first, second = (mic(stay(SimulatedDevice(ScriptedRoom(acoustics=room)), Playing(), 3)) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.sqrt(np.mean((first / 32768.0) ** 2)) == pytest.approx(gain_of(-40), rel=0.2)


def test_pink_noise_falls_with_frequency_and_white_does_not() -> None:
    ratios = {}
    for colour in NoiseColour:
        power = np.abs(np.fft.rfft(Noise(-20, colour, 1).next(2**16))) ** 2
        ratios[colour] = power[1000:2000].mean() / power[16_000:32_000].mean()
    assert ratios[NoiseColour.WHITE] == pytest.approx(1, abs=0.1)
    assert ratios[NoiseColour.PINK] == pytest.approx(16, rel=0.15)


@pytest.mark.parametrize(
    ("start", "expected_t"),
    [(AtTime(1.234), 1.234), (AfterLoudspeaker(0.5), 2.01 + 0.5), (AfterClip(0.7), 0.7)],
    ids=["at", "after loudspeaker", "after clip"],
)
def test_a_clip_starts_at_its_sample(clip: Path, start: Start, expected_t: float) -> None:
    trace = Recorder()
    room = SimulatedDevice(ScriptedRoom(RoomScript((RoomClip(clip, start, gain_db=-6),)), QUIET), trace=trace)
    heard = mic(stay(room, Playing((2.0, 4.0)), 5))
    assert trace.times("user-speaks") == pytest.approx([expected_t], abs=1 / RATE_HZ)
    assert trace.times("user-stops") == pytest.approx([expected_t + 0.5], abs=1 / RATE_HZ)
    onset_t = next(fields["onset_t"] for kind, fields in trace.records if kind == "user-speaks")
    # The converter's filter rings for a millisecond before the step.
    assert onset_t == pytest.approx(expected_t + 0.1, abs=0.002)
    spoken = np.flatnonzero(np.abs(heard.astype(np.int32)) > 4000)
    assert spoken[0] / RATE_HZ == pytest.approx(expected_t + 0.1, abs=0.001)
    assert spoken[-1] / RATE_HZ == pytest.approx(expected_t + 0.5, abs=0.001)


def test_clips_are_said_one_after_the_other(clip: Path) -> None:
    trace = Recorder()
    starts: tuple[Start, ...] = (AtTime(1.0), AtTime(0.2), AfterClip(0.7), AfterClip(0.0))
    room = ScriptedRoom(RoomScript(tuple(RoomClip(clip, start) for start in starts)), QUIET)
    stay(SimulatedDevice(room, trace=trace), Playing(), 5)
    assert trace.times("user-speaks") == pytest.approx([1.0, 1.5, 2.7, 3.2])


def test_the_loudspeaker_counts_only_while_it_is_heard_since_the_last_clip(clip: Path) -> None:
    trace = Recorder()
    script = RoomScript((RoomClip(clip, AtTime(1.0)), RoomClip(clip, AfterLoudspeaker(0.5))))
    # Heard during the clip: does not count. A beep of 0.1 s, a gap, then a reply.
    playing = Playing((0.5, 1.4), (2.0, 2.1), (3.0, 5.0))
    stay(SimulatedDevice(ScriptedRoom(script, QUIET), trace=trace), playing, 6)
    assert trace.times("user-speaks")[1] == pytest.approx(3.01 + 0.4)


def test_the_loudspeaker_is_reported_with_hysteresis() -> None:
    trace = Recorder()
    stay(SimulatedDevice(ScriptedRoom(acoustics=QUIET), trace=trace), Playing((0.5, 1.0), (1.25, 2.0), (2.5, 3.0)), 4)
    assert trace.records[0] == ("clock", {"t": 0.0, "rate_hz": RATE_HZ})
    assert trace.times("loudspeaker-starts") == pytest.approx([0.51, 2.51])
    assert trace.times("loudspeaker-stops") == pytest.approx([2.01, 3.01])


def test_recordings_hold_what_an_ear_and_the_two_channels_hear(clip: Path, tmp_path: Path) -> None:
    script = RoomScript((RoomClip(clip, AtTime(0.0)),))
    heard = stay(SimulatedDevice(ScriptedRoom(script, QUIET), record_to=tmp_path / "out"), Playing((1.0, 1.5)), 2)
    with wave.open(str(tmp_path / "out" / "channels.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 2, 2)
        channels = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    with wave.open(str(tmp_path / "out" / "room.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        room = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert np.array_equal(channels[:, 0], mic(heard))
    assert np.flatnonzero(channels[:, 1])[0] == round(1.01 * RATE_HZ)
    assert room[round(0.3 * RATE_HZ)] == pytest.approx(16_384, abs=5)
    assert room[round(1.2 * RATE_HZ)] == 8000


def test_recordings_are_whole_when_the_process_is_terminated(tmp_path: Path) -> None:
    program = """
import asyncio, contextlib, signal, sys
from pathlib import Path
import numpy as np
from interject.satellite.audio.base import running
from interject.satellite.simulator.device import SimulatedDevice

async def main():
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with running(SimulatedDevice(record_to=Path(sys.argv[1])), lambda n: np.ones(n, np.int16)) as blocks:
        async for block in blocks:
            if block.frame == 4800:
                print("ready", flush=True)

with contextlib.suppress(asyncio.CancelledError):
    asyncio.run(main())
"""
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    for name in ("room.wav", "channels.wav"):
        with wave.open(str(tmp_path / name)) as file:
            assert len(file.readframes(file.getnframes())) == file.getnframes() * 2 * file.getnchannels()
            assert file.getnframes() >= 4800


def test_late_blocks_catch_up_and_none_is_dropped() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with running(SimulatedDevice(), Playing()) as blocks:
            assert (await anext(blocks)).frame == 0
            await elapse(1)
            late = loop.time()
            frames = [(await anext(blocks)).frame for _ in range(100)]
            assert frames == [160 * number for number in range(1, 101)]
            assert loop.time() == pytest.approx(late)
            await anext(blocks)
            assert loop.time() == pytest.approx(late + 0.01)

    run_virtual(main())


def test_a_clip_that_is_no_audio_is_told_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("not audio")
    with pytest.raises(RoomScriptError, match=r"notes\.wav: is no PCM WAV file"):
        stay(SimulatedDevice(ScriptedRoom(RoomScript((RoomClip(tmp_path / "notes.wav", AtTime(0)),)))), Playing(), 1)


def test_a_folder_that_cannot_be_recorded_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RoomScriptError, match="cannot record there"):
        stay(SimulatedDevice(record_to=tmp_path / "file"), Playing(), 1)
