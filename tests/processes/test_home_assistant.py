"""A real satellite process and a Home Assistant that behaves as the real one was measured to do, over TCP."""

from __future__ import annotations

import contextlib
import wave
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from wyoming.timer import TimerFinished

from tests.processes.house import House, Running, satellite_flags, started
from tools.fake_home_assistant.link import connector
from tools.fake_home_assistant.peer import FakeHomeAssistant
from tools.fake_home_assistant.release import V2026_11
from tools.fake_home_assistant.script import SPEECH_RATE_HZ, Reply, Turn
from tools.testing.patience import PATIENCE_S, expecting
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tools.fake_home_assistant.script import Answer

# A busy machine may take longer than the half second that the real one waits for `played`.
PATIENT = replace(V2026_11, times=replace(V2026_11.times, played_grace=PATIENCE_S))
FIRST_HZ = 440
SECOND_HZ = 880
WINDOW_S = 0.05


def tone(pitch_hz: int, seconds: float) -> bytes:
    times_s = np.arange(round(seconds * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    samples: bytes = (8_000 * np.sin(2 * np.pi * pitch_hz * times_s)).astype("<i2").tobytes()
    return samples


def sounding(recording: Path, pitch_hz: int) -> list[float]:
    """Return the times (s) at which a tone came out of the loudspeaker, the second channel of the recording."""
    with wave.open(str(recording)) as file:
        rate_hz = file.getframerate()
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    size = round(WINDOW_S * rate_hz)
    reference = np.exp(-2j * np.pi * pitch_hz * np.arange(size) / rate_hz)
    windows = both[: len(both) // size * size, 1].reshape(-1, size)
    return [number * WINDOW_S for number in np.flatnonzero(np.abs(windows @ reference) / size > 300)]


@contextlib.asynccontextmanager
async def home(
    folder: Path, turns: list[Turn] | Answer, lines: list[tuple[str, str, float]], *flags: str
) -> AsyncIterator[tuple[FakeHomeAssistant, Running]]:
    """Run a satellite in a simulated room, with an open microphone, and add it to a Home Assistant."""
    room = satellite_flags({}, folder, lines)
    record = ("--room-record-dir", str(folder))
    mode = ("--pipeline", "home-assistant", "--wake-word", "none")
    satellite = Running("satellite", folder, (*room, *record, *mode, *flags))
    with started(House(satellite=satellite)):
        async with FakeHomeAssistant(connector(satellite.uri), turns, PATIENT) as house:
            await house.connected()
            yield house, satellite


async def finish(satellite: Running) -> None:
    """Stop it as systemd would, so that its recording is whole."""
    assert satellite.process is not None
    satellite.process.terminate()
    assert await satellite.ended() == 0, satellite.log


@real_time
async def test_a_voice_cuts_off_the_reply_of_home_assistant_and_is_answered(tmp_path: Path) -> None:
    """No sample of the old reply is heard again, although Home Assistant goes on sending it."""
    turns = [
        Turn("tell me a long story", Reply("A long story.", tone(FIRST_HZ, 12.0))),
        Turn("what time is it", Reply("Noon.", tone(SECOND_HZ, 1.0))),
    ]
    lines = [("tell_me_a_long_story", "at_s", 4.0), ("what_time_is_it", "after_loudspeaker_s", 1.5)]
    async with home(tmp_path, turns, lines) as (house, satellite):
        await satellite.traced("reply-played")
        assert not house.runs.deaf
        assert [utterance.seconds > 1 for utterance in house.utterances] == [True, True]
        assert [ask["text"] for ask in satellite.trace("ask")] == ["tell me a long story", "what time is it"]
        (interrupt,) = satellite.trace("interrupt")
        assert interrupt["reason"] == "speech"
        await house.received("played", 2)
        await finish(satellite)
    first, second = (sounding(tmp_path / "channels.wav", pitch) for pitch in (FIRST_HZ, SECOND_HZ))
    assert 1.5 <= len(first) * WINDOW_S <= 4.0
    assert len(second) * WINDOW_S >= 0.9
    assert first[-1] < second[0]


@real_time
async def test_an_announcement_is_heard_to_its_end_and_a_finished_timer_rings(tmp_path: Path) -> None:
    async with home(tmp_path, [], []) as (house, satellite):
        async with expecting("the satellite to play an announcement"):
            assert await house.announce(tone(FIRST_HZ, 1.0)), "played must come by itself"
        house.timer(TimerFinished(id="tea").event())
        await satellite.traced("ring")
        await satellite.traced("reply-started", 2)
        await finish(satellite)
    assert len(sounding(tmp_path / "channels.wav", FIRST_HZ)) * WINDOW_S >= 0.9


@real_time
async def test_a_muted_satellite_begins_no_turn(tmp_path: Path) -> None:
    lines = [("what_time_is_it", "at_s", 4.0), ("tell_me_a_long_story", "at_s", 9.0)]
    turns = [Turn("tell me a long story", Reply("A story.", tone(SECOND_HZ, 0.5)))]
    async with home(tmp_path, turns, lines) as (house, satellite):
        house.mute()
        await satellite.traced("muted")
        # The first clip is over by the time at which the second begins.
        await satellite.traced("user-stops")
        house.unmute()
        await satellite.traced("unmuted")
        await satellite.traced("reply-played")
        assert len(house.utterances) == 1


@real_time
async def test_a_satellite_in_direct_mode_takes_announcements_too(tmp_path: Path) -> None:
    room = satellite_flags({}, tmp_path, [])
    satellite = Running("satellite", tmp_path, (*room, "--room-record-dir", str(tmp_path)))
    with started(House(satellite=satellite)):
        async with FakeHomeAssistant(connector(satellite.uri), [], PATIENT) as house:
            await house.connected()
            async with expecting("the satellite to play an announcement"):
                assert await house.announce(tone(FIRST_HZ, 1.0))
            await finish(satellite)
    assert len(sounding(tmp_path / "channels.wav", FIRST_HZ)) * WINDOW_S >= 0.9


@real_time
async def test_with_our_own_recogniser_an_uh_huh_resumes_the_reply_of_home_assistant(tmp_path: Path) -> None:
    turns = [Turn("tell me a long story", Reply("A long story.", tone(FIRST_HZ, 6.0)))]
    lines = [("tell_me_a_long_story", "at_s", 4.0), ("uh_huh", "after_loudspeaker_s", 1.5)]
    stt = Running("stt", tmp_path)
    with started(House(stt=stt)):
        async with home(tmp_path, turns, lines, "--stt-uri", stt.uri) as (house, satellite):
            await satellite.traced("reply-played")
            assert satellite.trace("interrupt") == []
            assert [record["text"] for record in satellite.trace("transcript")][1:] in (["uh-huh"], ["uh huh"], [])
            assert len(house.utterances) == 1
            await finish(satellite)
    assert len(sounding(tmp_path / "channels.wav", FIRST_HZ)) * WINDOW_S >= 5.8


@real_time
async def test_a_wake_word_and_its_command_in_one_breath(tmp_path: Path) -> None:
    """The recogniser gets the command whole, and hardly anything of the wake word."""
    turns = [Turn("turn on the light", Reply("Done.", tone(FIRST_HZ, 0.5)))]
    lines = [("what_time_is_it", "at_s", 4.0), ("okay_nabu_turn_on_the_light", "at_s", 7.0)]
    async with home(tmp_path, turns, lines, "--wake-word", "local") as (house, satellite):
        await satellite.traced("reply-played")
        assert len(house.utterances) == 1
        assert (await house.received("detection")).event.data["name"] == "okay_nabu"
        (opened,) = satellite.trace("stt-open")
        spoken = satellite.trace("user-stops", "room")[1]["t"]
        assert 0.6 <= spoken - opened["audio_from"] <= 1.6
