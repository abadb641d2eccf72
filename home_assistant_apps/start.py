"""Start a program of ours as an app of Home Assistant: its options become our variables, and Home Assistant is told.

Home Assistant's Supervisor writes what the user chose to /data/options.json, each option by the name of our setting,
and gives the container a token. The program takes this one's place; a process of its own waits until it can do its
work and then names its address, as `discovery: [wyoming]` in config.yaml announces. Only the standard library is used.
Format and address: developers.home-assistant.io/docs/apps/configuration and /communication, read 2026-11-30.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PORTS = {"satellite": 10700, "stt": 10300, "llm": 10800, "tts": 10200}
# What no option names is read from here: the folder /addon_configs/…_interject_… of the host (`map: addon_config`).
_SETTINGS_FILE = "interject.toml"
# Both names of the one token; a program that listens on a network has no use for it.
_TOKENS = ("SUPERVISOR_TOKEN", "HASSIO_TOKEN")
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_ANSWER_S = 10.0


def main(argv: Sequence[str] | None = None) -> None:
    """Become the program; or, with --announce and its process, wait for it and tell Home Assistant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=sorted(PORTS))
    parser.add_argument("--options", type=Path, default=Path("/data/options.json"), metavar="FILE")
    parser.add_argument("--config", type=Path, default=Path("/config"), metavar="DIR")
    parser.add_argument("--supervisor", default="http://supervisor", metavar="URL")
    parser.add_argument("--announce", type=int, metavar="PID", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    program: str = arguments.program
    if arguments.announce is not None:
        announce(program, arguments.announce, arguments.supervisor, os.environ["SUPERVISOR_TOKEN"])
        return
    environ = environment(program, read_options(arguments.options), arguments.config, os.environ)
    if os.environ.get("SUPERVISOR_TOKEN"):
        # A child of the container's init, which takes note of its end; the program would not.
        told = [program, "--announce", str(os.getpid()), "--supervisor", arguments.supervisor]
        subprocess.run(["setsid", "--fork", sys.executable, __file__, *told], check=True)  # noqa: S603, S607
    command = f"interject-{program}"
    os.execvpe(command, [command], environ)  # noqa: S606 - no shell is wanted


def read_options(path: Path) -> dict[str, object]:
    """Return what the user chose; blocking. Ends the program with a line where there is no such file."""
    try:
        options: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: {error}") from None
    return options


def environment(
    program: str, options: Mapping[str, object], config: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables with which the program starts: those given, and one an option.

    An option that is empty is left to the program's default. No value stands on a command line, so that a key stays
    unseen by other processes.
    """
    start = f"INTERJECT_{program.upper()}_"
    ours = {start + name.upper(): _written(value) for name, value in options.items()}
    file = config / _SETTINGS_FILE
    if file.is_file():
        ours[f"{start}CONFIG"] = str(file)
    given = {name: value for name, value in environ.items() if name not in _TOKENS}
    return {**given, **{name: value for name, value in ours.items() if value}}


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_written(item) for item in value)
    return str(value)


def announce(program: str, pid: int, supervisor: str, token: str) -> None:
    """Wait until the program can do its work, then tell Home Assistant where; give up once process `pid` has ended."""
    uri = f"tcp://{socket.gethostname()}:{PORTS[program]}"
    wait_s = _FIRST_WAIT_S
    while _runs(pid) and not (_healthy(program) and _told(uri, supervisor, token)):
        time.sleep(wait_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _healthy(program: str) -> bool:
    command = [f"interject-{program}", "health"]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0  # noqa: S603


def _told(uri: str, supervisor: str, token: str) -> bool:
    request = urllib.request.Request(  # noqa: S310 - the Supervisor's own address
        f"{supervisor}/discovery",
        data=json.dumps({"service": "wyoming", "config": {"uri": uri}}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_ANSWER_S):  # noqa: S310
            _say(f"Home Assistant knows of {uri}: Settings, Devices & services")
            return True
    except (urllib.error.URLError, OSError) as error:
        _say(f"Home Assistant could not be told of {uri} ({error}); add it by hand under Wyoming Protocol, or wait")
        return False


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
