"""A server is killed in each phase of a turn; the satellite says so, and the next turn works.

Three rooms run side by side, one for each server, because a room runs in real time.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes.house import SERVERS, Running, house, until

if TYPE_CHECKING:
    from pathlib import Path

PHASES = ("listening", "processing", "speaking")
# A turn is over this long after its question, the restart of a server included, also on a machine that is busy.
_AFTER_S = 6.0
# The question that is killed, and the one after it, for each phase; the last answer is long enough to be cut short.
LINES = (
    ("what_time_is_it", "at_s", 2.0),
    ("what_time_is_it", "after_clip_s", _AFTER_S),
    ("what_time_is_it", "after_clip_s", _AFTER_S),
    ("what_time_is_it", "after_clip_s", _AFTER_S),
    ("count_to_twenty", "after_clip_s", _AFTER_S),
    ("what_time_is_it", "after_clip_s", _AFTER_S + 1),
)
# Promised once the server is back; polling and a busy machine get the rest.
_READY_S = 1.0
_SCENE_S = 110.0
# Into a reply of twelve seconds, of which the bridge still writes the second half.
_INTO_REPLY_S = 0.4


@dataclass(frozen=True)
class Kill:
    """What a kill led to: the satellite's records from then until the next question, and from then on."""

    during: list[dict[str, Any]]
    phase_after: str
    following: list[dict[str, Any]]
    log: str


def of(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Kill]:
    return asyncio.run(_run_rooms(tmp_path_factory.mktemp("kills")))


async def _run_rooms(folder: Path) -> dict[tuple[str, str], Kill]:
    async with asyncio.timeout(_SCENE_S):
        found = await asyncio.gather(*(_room(folder / name, name) for name in SERVERS))
    return {(name, phase): kill for name, kills in zip(SERVERS, found, strict=True) for phase, kill in kills.items()}


async def _room(folder: Path, name: str) -> dict[str, Kill]:
    room = house(folder, LINES)
    running = await asyncio.to_thread(room.__enter__)
    try:
        return await _scene(running, name)
    finally:
        room.__exit__(None, None, None)


async def _scene(running: dict[str, Running], name: str) -> dict[str, Kill]:
    satellite, server = running["satellite"], running[name]
    found: dict[str, Kill] = {}
    for number, phase in enumerate(PHASES):
        spoken = 2 * number + 1
        said = (await satellite.traced("user-speaks", spoken))[spoken - 1]
        before = satellite.trace().index(said)
        log_before = len(satellite.log)
        await _kill_in(phase, satellite, server, before)
        server.start()
        await until(server.is_up, f"{name} to be back")
        await asyncio.sleep(_READY_S)
        phase_after = of(satellite.trace(), "phase")[-1]["phase"]
        said = (await satellite.traced("user-speaks", spoken + 1))[spoken]
        following_from = satellite.trace().index(said)
        played = sum(record["type"] == "reply-played" for record in satellite.trace()[:following_from])
        await satellite.traced("reply-played", played + 1)
        records = satellite.trace()
        found[phase] = Kill(
            records[before:following_from], phase_after, records[following_from:], satellite.log[log_before:]
        )
    return found


async def _kill_in(phase: str, satellite: Running, server: Running, since: int) -> None:
    """Kill the server once the turn is in a phase; one that would answer within milliseconds is stopped before."""

    def entered(kind: str, **fields: str) -> bool:
        return any(record.items() >= fields.items() for record in of(satellite.trace()[since:], kind))

    await until(lambda: entered("phase", phase="listening"), "the satellite to listen")
    if phase == "processing":
        if server.name == "stt":
            server.signal(signal.SIGSTOP)
        await until(lambda: entered("phase", phase="processing"), "the end of the turn")
        if server.name != "stt":
            await until(lambda: entered("ask"), "the question")
    elif phase == "speaking":
        await until(lambda: entered("reply-started"), "the reply")
        begun_s = time.monotonic()
        await until(lambda: time.monotonic() - begun_s > _INTO_REPLY_S, "some of the reply")
    server.kill()


NEEDED = {
    ("stt", "listening"),
    ("stt", "processing"),
    ("llm", "processing"),
    ("llm", "speaking"),
    ("tts", "processing"),
    ("tts", "speaking"),
}


@pytest.mark.timeout(150)
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", SERVERS)
def test_the_user_is_told_and_the_next_turn_works(kills: dict[tuple[str, str], Kill], name: str, phase: str) -> None:
    kill = kills[name, phase]
    if (name, phase) in NEEDED:
        # What the user is still saying may be tried once more, and fails as well.
        told = of(kill.during, "failed")
        assert 1 <= len(told) <= 2
        assert all("tcp://127.0.0.1:" in failed["error"] for failed in told)
        assert f"ERROR satellite.pipelines.server: {name} server: tcp://127.0.0.1:" in kill.log
        assert f"{name} server: it answers again" in kill.log
        # It rests, or says what it has of the reply; it waits for nothing.
        assert kill.phase_after in {"idle", "speaking"}
    if (name, phase) in NEEDED and phase != "speaking":
        assert of(kill.during, "error-cue")
        assert kill.phase_after == "idle"
    if phase == "listening" and name != "stt":
        # Back before it was needed, or not.
        assert of(kill.during, "reply-played") or of(kill.during, "error-cue")
    if (name, phase) == ("stt", "speaking"):
        # Nobody needs it while we speak: the reply goes on until the user speaks into it.
        assert not of(kill.during, "failed")
        assert not of(kill.during, "error-cue")
        assert kill.phase_after == "speaking"
    (asked,) = of(kill.following, "ask")
    assert asked["text"] == "what time is it"
    assert of(kill.following, "reply-played")
    assert not of(kill.following, "failed")


async def test_three_failures_of_stt_in_a_row_offer_text_mode(tmp_path: Path) -> None:
    lines = [("stop", "at_s", 0.8), ("stop", "after_clip_s", 1.6), ("stop", "after_clip_s", 1.6)]
    with house(tmp_path, lines) as running:
        satellite = running["satellite"]
        running["stt"].kill()
        await satellite.traced("offer-text")
        assert len(satellite.trace("failed")) == 3
        assert satellite.log.count("start the satellite with --text") == 1
        # One line that names the server, however often it fails.
        (line,) = [line for line in satellite.log.splitlines() if "stt server: " in line]
        assert running["stt"].uri in line
