"""A server is killed in each phase of a turn; the satellite says so, and the next turn works."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes.house import SERVERS, House, Running, house, servers, started
from tools.harness.voice import Voice, voice
from tools.testing.patience import eventually
from tools.testing.real_time import real_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PHASES = ("listening", "awaited", "speaking")
# Where the turn cannot do without the server that is killed.
NEEDED = {
    ("stt", "listening"),
    ("stt", "awaited"),
    ("llm", "awaited"),
    ("llm", "speaking"),
    ("tts", "awaited"),
    ("tts", "speaking"),
}


@dataclass(frozen=True, slots=True)
class Room:
    """A house whose user speaks when the test says so."""

    house: House
    user: Voice

    def files(self) -> list[Path]:
        return self.house.files()

    @property
    def satellite(self) -> Running:
        return self.house["satellite"]

    async def ready(self) -> None:
        """Wait until all servers are there, whatever became of them before, and the satellite rests."""
        for name in SERVERS:
            if self.house[name].status() is not None:
                self.house[name].start()
            await eventually(self.house[name].is_up, f"the {name} server to answer `describe`")
        await self.rests()

    async def rests(self) -> None:
        def resting() -> bool:
            phases = self.satellite.trace("phase")
            return not phases or phases[-1]["phase"] == "idle"

        await eventually(resting, "the satellite to rest")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("kills")
    with voice(folder / "voice") as user:
        running = servers(folder, {})
        uris = [part for name, server in running.items() for part in (f"--{name}-uri", server.uri)]
        running["satellite"] = Running("satellite", folder, (*uris, *user.flags))
        with started(running):
            yield Room(running, user)


def of(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record for record in records if record["type"] == kind]


async def kill_in(phase: str, room: Room, name: str, since: int) -> None:
    """Kill a server once the turn is in a phase; one that would answer within milliseconds is stopped before."""
    satellite, server = room.satellite, room.house[name]

    async def entered(kind: str, **fields: str) -> None:
        def found() -> bool:
            return any(record.items() >= fields.items() for record in of(satellite.trace()[since:], kind))

        await eventually(found, f"the satellite to record {kind} {fields or ''}")

    await entered("phase", phase="listening")
    if phase == "awaited":
        if name == "stt":
            server.signal(signal.SIGSTOP)
        await entered("phase", phase="transcribing")
        if name != "stt":
            await entered("ask")
    elif phase == "speaking":
        await entered("reply-started")
    server.kill()


@real_time
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", SERVERS)
async def test_the_user_is_told_and_the_next_turn_works(room: Room, name: str, phase: str) -> None:
    satellite, server = room.satellite, room.house[name]
    await room.ready()
    since, log_since = len(satellite.trace()), len(satellite.log)
    # The long answer is still being written when it begins to be heard.
    room.user.say("count_to_twenty" if phase == "speaking" else "what_time_is_it")
    await kill_in(phase, room, name, since)
    if (name, phase) in NEEDED:
        await satellite.traced("failed", since=since)
    server.start()
    await eventually(server.is_up, f"the {name} server to be back")
    if (name, phase) != ("stt", "speaking"):
        # It rests, or says what it has of the reply and then does; it waits for nothing.
        await room.rests()
    during, next_since = satellite.trace()[since:], len(satellite.trace())
    if (name, phase) in NEEDED:
        (failed,) = of(during, "failed")
        assert "tcp://127.0.0.1:" in failed["error"]
        assert len(of(during, "error-cue")) <= 1
    if (name, phase) in NEEDED and phase != "speaking":
        assert of(during, "error-cue")
    if phase == "listening" and name != "stt":
        # Back before it was needed, or not.
        assert of(during, "reply-played") or of(during, "error-cue")
    if (name, phase) == ("stt", "speaking"):
        # Nobody needs it while we speak: the reply goes on until the user speaks into it.
        assert not of(during, "failed")
        assert not of(during, "error-cue")
    room.user.say("what_time_is_it")
    await satellite.traced("reply-played", since=next_since)
    following = satellite.trace()[next_since:]
    (asked,) = of(following, "ask")
    assert asked["text"] == "what time is it"
    assert not of(following, "failed")
    if (name, phase) in NEEDED:
        log = satellite.log[log_since:]
        # It was killed before the satellite had connected to it, or after.
        reported = rf"ERROR interject\.satellite\.transports\.direct\.server: {name} server: .*tcp://127\.0\.0\.1:"
        assert re.search(reported, log), f"expected the satellite to log that the {name} server failed:\n{log}"
        assert f"{name} server: it answers again" in log, f"expected it to log that {name} is back:\n{log}"


@real_time
async def test_three_failures_of_stt_in_a_row_offer_text_mode(tmp_path: Path) -> None:
    # A dead server fails at once, and the tone that says so is over before the next word.
    lines = [("stop", "at_s", 0.8), ("stop", "after_clip_s", 1.6), ("stop", "after_clip_s", 1.6)]
    with house(tmp_path, lines) as running:
        satellite, stt = running["satellite"], running["stt"]
        stt.kill()
        await satellite.traced("offer-text")
        assert len(satellite.trace("failed")) == 3
        assert satellite.log.count("start the satellite with --text") == 1
        # One line that names the server, however often it fails.
        (line,) = [line for line in satellite.log.splitlines() if "stt server: " in line]
        assert stt.uri in line
