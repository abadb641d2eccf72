"""The fake Home Assistant says what the recorded real ones said, event by event."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from tests.satellite.transports.home_assistant.traces.recording import Line, Recording, read
from tools.fake_home_assistant.release import V2026_2, V2026_11, Release
from tools.fake_home_assistant.script import Order, Reply, Turn, tone
from tools.testing.virtual_clock import elapse, run_virtual
from tools.virtual.home_assistant_house import FIRST, House, house, quiet, voice

if TYPE_CHECKING:
    from collections.abc import Iterable

RELEASES = {"2026.11.0": V2026_11, "2026.2.3": V2026_2}
both_releases = pytest.mark.parametrize(("version", "release"), RELEASES.items(), ids=RELEASES)

# What keeps the connection alive, and two that only say that the microphone's audio begins and ends.
LEFT_OUT = {"run-satellite", "ping", "pong", "describe", "info", "streaming-started", "streaming-stopped"}
MICROPHONE = ("satellite", "audio-chunk")
# The voice, long enough to be noticed as one, and the silence that ended the turn.
VOICE_S, SILENCE_S = 1.2, 0.6


def in_order(lines: Iterable[Line]) -> list[str]:
    """Name what passed, both ways, each run of equal events once; the microphone's audio is not recorded."""
    names = [
        f"{line.direction}: {line.name}"
        for line in lines
        if line.direction != "call" and line.type not in LEFT_OUT and (line.direction, line.type) != MICROPHONE
    ]
    return [name for name, _ in groupby(names)]


def fields_of(lines: Iterable[Line]) -> dict[str, set[tuple[str, ...]]]:
    """Return which fields Home Assistant's events have, by type."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for line in lines:
        if line.direction == "home" and line.type not in LEFT_OUT:
            found.setdefault(line.type, set()).add(tuple(sorted(line.event.data)))
    return found


def lines_of(here: House) -> list[Line]:
    return [Line(e.t, "satellite" if e.from_satellite else "home", e.event) for e in here.home.log.entries]


async def interrupted(here: House, epoch: int, stream: int, reason: str = "speech") -> None:
    """Speak into a reply, which is cut off on the way."""
    here.transport.open_stt(stream)
    await here.say(stream, voice(VOICE_S / 2, FIRST))
    here.interrupt(epoch, reason)
    await here.say(stream, voice(VOICE_S / 2, FIRST) + quiet(SILENCE_S))
    here.transport.end_stt(stream)


async def answered(here: House, epoch: int) -> None:
    """Hear a reply to its end."""
    await here.answered(epoch)
    await elapse(2.0)
    here.transport.played(epoch)
    told = len(here.home.log.of("played", from_satellite=True))
    await here.home.received("played", told + 1)


def agrees(recording: Recording, lines: list[Line]) -> None:
    assert in_order(lines) == in_order(recording.lines)
    assert fields_of(lines) == fields_of(recording.lines)


@both_releases
def test_an_ordinary_turn(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        async with house([Turn("what time is it", Reply("Noon.", tone(2.0)))], release=release) as here:
            await here.speak(1, voice(VOICE_S) + quiet(SILENCE_S))
            await answered(here, 1)
            return lines_of(here)

    agrees(read(version, "ordinary"), run_virtual(main()))


@both_releases
def test_a_barge_in(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        turns = [
            Turn("tell me a long story", Reply("Once.", tone(60.0))),
            Turn("what time is it", Reply("Noon.", tone(2.0))),
        ]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(VOICE_S) + quiet(SILENCE_S))
            await here.home.sent("audio-stop")
            await elapse(4.0)
            await interrupted(here, 1, 2)
            await answered(here, 2)
            return lines_of(here)

    agrees(read(version, "barge-in"), run_virtual(main()))


@both_releases
def test_a_barge_in_on_an_agent_that_streams(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        speaks = Reply("Once.", tone(30.0), Order.STREAMED, pace_s=0.02, ahead_chunks=0)
        turns = [Turn("tell me a long story", speaks), Turn("what time is it", Reply("Noon.", tone(2.0)))]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(VOICE_S) + quiet(SILENCE_S))
            await here.home.sent("audio-chunk", 100)
            await interrupted(here, 1, 2)
            await answered(here, 2)
            return lines_of(here)

    agrees(read(version, "streaming"), run_virtual(main()))


@both_releases
def test_a_barge_in_while_the_agent_thinks(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        turns = [
            Turn("tell me a story", Reply("Once.", tone(60.0), thinking_s=3.0)),
            Turn("tell me a story about a lighthouse", Reply("Once.", tone(60.0), thinking_s=3.0)),
        ]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(VOICE_S) + quiet(SILENCE_S))
            await here.room.until(lambda: here.room.transcripts)
            await interrupted(here, 1, 2, "early")
            await here.answered(2)
            return lines_of(here)

    agrees(read(version, "thinking-any-agent"), run_virtual(main()))


@both_releases
def test_an_announcement_that_is_cut_off(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        async with house([Turn("what time is it", Reply("Noon.", tone(2.0)))], release=release) as here:
            announcing = asyncio.create_task(here.home.announce(tone(11.5), synthesis_s=0.1))
            await here.answered(1)
            await interrupted(here, 1, 1)
            await announcing
            await answered(here, 2)
            return lines_of(here)

    agrees(read(version, "announcement-cut"), run_virtual(main()))


@both_releases
def test_an_announcement(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        async with house(release=release) as here:
            announcing = asyncio.create_task(here.home.announce(tone(1.3), synthesis_s=0.2))
            await answered(here, 1)
            await announcing
            return lines_of(here)

    agrees(read(version, "announcement"), run_virtual(main()))


@both_releases
def test_a_tts_that_died(version: str, release: Release) -> None:
    async def main() -> list[Line]:
        turns = [
            Turn("tell me a long story", Reply("Once.", tone(60.0), fails_after_chunks=0)),
            Turn("what time is it", Reply("Noon.", tone(2.0))),
        ]
        async with house(turns, release=release) as here:
            await here.speak(1, voice(VOICE_S) + quiet(SILENCE_S))
            await here.answered(1)
            here.interrupt(1, "failed")
            await elapse(5.0)
            await here.speak(2, voice(VOICE_S) + quiet(SILENCE_S))
            await answered(here, 2)
            return lines_of(here)

    agrees(read(version, "tts-killed"), run_virtual(main()))
