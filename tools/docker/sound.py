"""The satellite's container at the socket of a sound server: what is said there is understood and answered."""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.docker.engine import BASE, ROOT
from tools.docker.house import USER
from tools.harness.checks import Check
from tools.harness.scenarios import CLIPS
from tools.home_assistant.chroot import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.docker.house import House

_IMAGE = "localhost/interject-test-sound"
_SERVER = "interject-test-sound"
_SERVER_FILE = Path(__file__).with_name("sound_server.Dockerfile")
_PULSE_FILE = ROOT / "docker" / "compose.pulse.yaml"
_CLIP, _TEXT = "what_time_is_it.wav", "what time is it"
_ANSWERED_WITHIN_S = 20.0
# A machine that is busy loses some of it; a person says it again.
_TRIES = 3
_POLL_S = 0.2


def converse(house: House) -> list[Check]:
    """Say something to a satellite on a sound server, and wait for the answer; raises CommandFailedError."""
    folder = house.folder / "pulse"
    trace = house.folder / "pulse.jsonl"
    trace.unlink(missing_ok=True)
    house.wishes["PULSE_DIR"] = str(folder)
    house.settings |= {
        "INTERJECT_SATELLITE_AUDIO": "device",
        "INTERJECT_SATELLITE_ROOM_SCRIPT": "",
        "INTERJECT_SATELLITE_ROOM_RECORD_DIR": "",
        "INTERJECT_SATELLITE_TRACE_FILE": "/scene/pulse.jsonl",
    }
    house.engine.build(_SERVER_FILE, _IMAGE, "--build-arg", f"BASE={BASE}")
    with _sound_server(house, folder):
        house.do("up", "-d", "--no-build", files=[_PULSE_FILE])
        house.wait_until_healthy("satellite", "stt", "llm", "tts")
        devices = house.inside("satellite", "interject-satellite", "--list-devices")
        tries = 0
        while tries < _TRIES and not _answered(trace):
            tries += 1
            house.ask("exec", _SERVER, "paplay", "--server=unix:/run/pulse/native", "-d", "air", f"/run/pulse/{_CLIP}")
            ends = time.monotonic() + _ANSWERED_WITHIN_S
            while not _answered(trace) and time.monotonic() < ends:
                time.sleep(_POLL_S)
    return [
        Check("with a sound server's socket, that is the default device", "default" in devices),
        Check(f"what is said into its microphone is understood and answered, said {tries} times", _answered(trace)),
    ]


def _answered(trace: Path) -> bool:
    """Tell whether the question was understood, and a reply played to its end."""
    return _TEXT in [record["text"] for record in _of(trace, "ask")] and bool(_of(trace, "reply-played"))


@contextmanager
def _sound_server(house: House, folder: Path) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.chown(folder, USER, USER)
    # As the folder of a person's own sound server is.
    folder.chmod(0o700)
    shutil.copy(CLIPS / _CLIP, folder)
    with suppress(CommandFailedError):
        house.ask("rm", "-f", _SERVER)
    house.ask("run", "-d", "--name", _SERVER, "-v", f"{folder}:/run/pulse", _IMAGE)
    try:
        ends = time.monotonic() + _ANSWERED_WITHIN_S
        while not (folder / "native").exists() and time.monotonic() < ends:
            time.sleep(_POLL_S)
        yield
    finally:
        house.ask("rm", "-f", _SERVER)


def _of(trace: Path, kind: str) -> list[dict[str, Any]]:
    if not trace.exists():
        return []
    whole, _, _ = trace.read_text(encoding="utf-8").rpartition("\n")
    return [record for record in map(json.loads, whole.splitlines()) if record["type"] == kind]
