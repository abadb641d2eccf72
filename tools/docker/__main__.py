"""Build the images and run the compose file for real, and try what docs/docker.md promises.

With a docker that has compose it uses that; else, as root, a podman of its own in the folder --work, on a base image
made of Debian's packages, driven by three programs for compose files.

Status: 0 all of it was seen, 1 something was not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.docker.engine import BASE, ROOT, image_of, open_engine, run, sizes_mb
from tools.docker.house import INSIDE, PROGRAMS, SERVERS, USER, House
from tools.docker.scene import history, play
from tools.docker.secret import ask_with_key
from tools.docker.sound import converse
from tools.harness.dev_models import JOE_VOICE, DevModelMissingError, piper_joe, whisper_tiny_en
from tools.harness.warm_up import warm_up_stt, warm_up_tts
from tools.home_assistant.chroot import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tools.docker.engine import Engine
    from tools.harness.checks import Check

# Above the base image; what a room device and a bridge may take.
_MOST_MB = {"satellite": 250.0, "llm": 100.0}
_DOCKERFILE = ROOT / "docker" / "Dockerfile"
_PROJECT = "interject-test"
_GONE_WITHIN_S = 5.0
_POLL_S = 0.1
_MISTAKE_STATUS = 2
_PLACES = ("/opt/interject", "/etc", "/usr/bin")


class Findings:
    """What was seen, told as it is."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.failed: list[str] = []

    def say(self, text: str) -> None:
        """Tell, with the time since the start."""
        sys.stdout.write(f"{time.monotonic() - self._began:7.1f} s  {text}\n")
        sys.stdout.flush()

    def check(self, what: str, passed: object) -> None:
        """Tell whether something is as it must be."""
        self.say(f"{'ok    ' if passed else 'FAILED'}  {what}")
        if not passed:
            self.failed.append(what)

    def judged(self, checks: Sequence[Check]) -> None:
        """Take over what a scene found."""
        for check in checks:
            self.check(check.what, check.passed)


def main() -> int:
    """Try it; status as above."""
    parser = argparse.ArgumentParser(
        prog="script/test-docker", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "docker", metavar="DIR", help="default: out/docker")
    work: Path = parser.parse_args().work.resolve()
    findings = Findings()
    # As Ctrl-C does; else containers would outlive us.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        _try(work, findings)
    except InterjectError as error:
        sys.stderr.write(f"test-docker: {error}\n")
        return _MISTAKE_STATUS
    except KeyboardInterrupt:
        sys.stderr.write("test-docker: stopped; what it had started is gone\n")
        return _MISTAKE_STATUS
    findings.say("All of it was seen." if not findings.failed else f"Not as it must be: {'; '.join(findings.failed)}")
    return 1 if findings.failed else 0


def _try(work: Path, findings: Findings) -> None:
    with open_engine(work / "engine", findings.say) as engine:
        commit = run("git", "-C", str(ROOT), "describe", "--always", "--dirty")
        findings.say(f"commit {commit.strip()}, {engine.name}, {', '.join(each.name for each in engine.composes)}")
        _build(engine, findings)
        for compose in engine.composes:
            _accepts(House(engine, compose, _PROJECT, work / "accepts"), findings)
        first, *others = engine.composes
        _lived_in(House(engine, first, _PROJECT, work / "house"), findings, _everything)
        for compose in others:
            _lived_in(House(engine, compose, f"{_PROJECT}-too", work / "too"), findings, _up_and_down)


def _build(engine: Engine, findings: Findings) -> None:
    for target in PROGRAMS:
        began = time.monotonic()
        engine.build(_DOCKERFILE, image_of(target), "--target", target)
        findings.say(f"{image_of(target)} built in {time.monotonic() - began:.0f} s")
    base_mb, *whole_mb = sizes_mb(engine, [BASE, *map(image_of, PROGRAMS)])
    findings.say(f"unpacked, above the base image of {base_mb:.0f} MB:")
    for target, size_mb in zip(PROGRAMS, whole_mb, strict=True):
        above = size_mb - base_mb
        most = _MOST_MB.get(target)
        if most is None:
            findings.say(f"        {target}: {above:.0f} MB")
        else:
            findings.check(f"{target}: {above:.0f} MB, at most {most:.0f}", above <= most)


def _accepts(house: House, findings: Findings) -> None:
    pulse = ROOT / "docker" / "compose.pulse.yaml"
    try:
        for files in ((), (pulse,)):
            house.do("--profile", "homeassistant", "--profile", "gpu", "config", files=files)
        told = ""
    except CommandFailedError as error:
        told = f": {error}"
    findings.check(f"{house.compose.name} accepts the compose files{told}", not told)


def _lived_in(house: House, findings: Findings, live: Callable[[House, Findings], None]) -> None:
    """Do something in a house that is empty before and after."""
    findings.say(f"with {house.compose.name}")
    _down(house, "--volumes")
    try:
        live(house, findings)
    finally:
        _down(house, "--volumes")
    left = house.left()
    findings.check(f"down --volumes leaves nothing: {left}", not any(left.values()))


def _down(house: House, *flags: str) -> None:
    # One that finds nothing to take down says so in its status.
    with suppress(CommandFailedError):
        house.do("down", *flags)


def _up(house: House, findings: Findings, *flags: str) -> None:
    """Start the four, and wait until their health checks pass."""
    house.settings["INTERJECT_SATELLITE_AUDIO"] = "simulated"
    began = time.monotonic()
    house.do("up", "-d", *flags)
    up_s = time.monotonic() - began
    took_s = house.wait_until_healthy(*PROGRAMS)
    findings.check(f"the four are up in {up_s:.1f} s, and their health checks pass after {took_s:.1f} s", passed=True)


def _up_and_down(house: House, findings: Findings) -> None:
    _up(house, findings)
    pids = [house.pid(program) for program in PROGRAMS]
    _down(house)
    _gone(pids, findings)


def _everything(house: House, findings: Findings) -> None:
    _up(house, findings, "--no-build")
    for program in PROGRAMS:
        _has_no_rights(house, program, findings)
    _refuses(house, findings)
    _warm_up(house)
    house.do("stop", "satellite")
    findings.say("a question, and another one into the middle of the answer:")
    findings.judged(play(house, "barge-in", "barge-in", findings.say))
    for server in SERVERS:
        _comes_back(house, server, findings)
    findings.say("a question to the servers that came back:")
    findings.judged(play(house, "plain", "came-back", findings.say))
    said = history(house, "barge-in")
    pids = [house.pid(server) for server in SERVERS]
    _down(house)
    _gone(pids, findings)
    volumes = (house.left())["volumes"]
    findings.check(f"down keeps the volumes: {', '.join(volumes)}", len(volumes) == len(PROGRAMS))
    house.do("up", "-d", "--no-build", "--no-deps", "llm")
    house.wait_until_healthy("llm")
    kept = said == history(house, "barge-in")
    findings.check(f"the history is there after down and up: {len(said)} messages", said and kept)
    findings.judged(asyncio.run(ask_with_key(house)))
    findings.judged(converse(house))
    _other_engines(house, findings)


def _other_engines(house: House, findings: Findings) -> None:
    """Use faster-whisper and piper, whose models lie in a folder that is mounted."""
    models = house.folder / "models"
    shutil.rmtree(models, ignore_errors=True)
    try:
        shutil.copytree(whisper_tiny_en(), models / "whisper")
        shutil.copytree(piper_joe(), models / "piper")
    except DevModelMissingError as error:
        findings.say(f"skipped: other engines ({error})")
        return
    house.settings |= {
        "INTERJECT_STT_ENGINE": "faster-whisper",
        "INTERJECT_STT_MODEL": str(INSIDE / "models" / "whisper"),
        "INTERJECT_STT_LOCAL_FILES_ONLY": "true",
        "INTERJECT_TTS_ENGINE": "piper",
        "INTERJECT_TTS_VOICE": JOE_VOICE,
        "INTERJECT_TTS_DATA_DIR": str(INSIDE / "models" / "piper"),
        "INTERJECT_TTS_LOCAL_FILES_ONLY": "true",
    }
    house.do("up", "-d", "--no-build", "--no-deps", *SERVERS)
    house.wait_until_healthy(*SERVERS)
    names = [house.inside(server, f"interject-{server}", "health").strip() for server in ("stt", "tts")]
    findings.check(f"with models in a folder: {', '.join(names)}", "whisper" in names[0] and "piper" in names[1])
    _warm_up(house)
    findings.check("one transcribes, the other speaks", passed=True)


def _warm_up(house: House) -> None:
    asyncio.run(warm_up_stt(house.uris["stt"]))
    asyncio.run(warm_up_tts(house.uris["tts"]))


def _has_no_rights(house: House, program: str, findings: Findings) -> None:
    status = house.inside(program, "cat", "/proc/1/status")
    found = {key: value.split() for key, _, value in (line.partition(":") for line in status.splitlines())}
    findings.check(f"{program} runs as user {found['Uid'][0]}", set(found["Uid"]) == {str(USER)})
    findings.check(f"{program} has no capability", int(found["CapEff"][0], 16) == int(found["CapBnd"][0], 16) == 0)
    findings.check(f"{program} can gain none", found["NoNewPrivs"] == ["1"])
    for place in _PLACES:
        findings.check(f"{program} cannot write to {place}", not _can_write(house, program, place))
    findings.check(f"{program} can write to /data", _can_write(house, program, "/data"))


def _can_write(house: House, program: str, place: str) -> bool:
    try:
        house.inside(program, "touch", f"{place}/written")
    except CommandFailedError:
        return False
    return True


def _refuses(house: House, findings: Findings) -> None:
    def told(image: str, variables: dict[str, str], *words: str) -> tuple[bool, str]:
        given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
        try:
            return True, house.ask("run", "--rm", "--network", "host", *given, image_of(image), *words)
        except CommandFailedError as error:
            return False, str(error)

    for variable in ("INTERJECT_STT_LANGAUGE", "INTERJECT_STR_LANGUAGE"):
        worked, text = told("stt", {variable: "en"})
        findings.check(f"an unknown variable is refused: {text.splitlines()[-1]}", not worked and variable in text)
    variables = {"INTERJECT_TTS_URI": "tcp://127.0.0.1:1", "INTERJECT_TTS_SPEAKING_RATE": ""}
    worked, text = told("tts", variables, "health", "--uri", house.uris["tts"])
    findings.check(f"a flag overrides its variable, and an empty one is not set: {text.splitlines()[-1]}", worked)
    worked, text = told("tts", variables, "health")
    findings.check(f"a health check of what is not there fails: {text.splitlines()[-1]}", not worked)


def _comes_back(house: House, program: str, findings: Findings) -> None:
    """Kill a program as a crash would, from outside, and see it come back by the restart policy."""
    before = house.pid(program)
    os.kill(before, signal.SIGKILL)
    began = time.monotonic()
    while house.pid(program) in {0, before} and time.monotonic() - began < _GONE_WITHIN_S:
        time.sleep(_POLL_S)
    house.wait_until_healthy(program)
    took_s = time.monotonic() - began
    findings.check(f"{program}, killed, is healthy again after {took_s:.1f} s", house.pid(program) != before)


def _gone(pids: Sequence[int], findings: Findings) -> None:
    ends = time.monotonic() + _GONE_WITHIN_S

    def running() -> list[int]:
        return [pid for pid in pids if "interject" in _command_of(pid)]

    while running() and time.monotonic() < ends:
        time.sleep(_POLL_S)
    findings.check("down ends every process", not running())


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""


if __name__ == "__main__":
    sys.exit(main())
