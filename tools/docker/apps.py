"""Build the apps of Home Assistant from the folders that it gets, and start each as its Supervisor does.

Engines and sound are those that need no download and no sound card. A stand-in for the Supervisor takes the
announcements. With what builds and runs: as script/test-docker says.

Status: 0 all of it was seen, 1 something was not, 2 it could not be tried.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import yaml

from home_assistant_apps.start import PORTS
from interject.wire.errors import InterjectError
from tools.docker.engine import BASE, ROOT, open_engine, passes, run, sizes_mb
from tools.home_assistant.chroot import CommandFailedError
from tools.home_assistant_apps import put_together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.docker.engine import Engine

_TOKEN = "a-token-of-the-supervisor"  # noqa: S105 - of nobody
# A model is loaded, on a machine that has just built four images.
_TOLD_S = 120.0
_OPTIONS: dict[str, dict[str, Any]] = {
    "satellite": {"wake_word": "none", "wake_word_name": []},
    "stt": {"engine": "pocketsphinx"},
    "llm": {},
    "tts": {"engine": "espeak-ng", "voice": "en-US"},
}
_SIMULATED = {"satellite": {"INTERJECT_SATELLITE_AUDIO": "simulated"}}
# The program is the process with its file as an argument; the container's init and this look itself are others.
_LOOK = r"""
for process in /proc/[0-9]*; do
  if tr '\0' '\n' < $process/cmdline | grep -q '^/.*/interject-[a-z]*$'; then tr '\0' '\n' < $process/environ; fi
done 2> /dev/null
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Try it; status as above."""
    parser = argparse.ArgumentParser(
        prog="script/test-apps", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "docker", metavar="DIR", help="default: out/docker")
    work: Path = parser.parse_args(argv).work.resolve()
    try:
        with open_engine(work / "engine", _say) as engine, _stand_in() as (supervisor, told):
            _say(f"with {engine.name}")
            put_together(work / "apps")
            failed = [what for app in PORTS for what in _try(engine, app, work, supervisor, told)]
    except (InterjectError, CommandFailedError) as error:
        _say(f"could not be tried: {error}")
        return 2
    _say(f"NOT as it should be: {', '.join(failed)}" if failed else "all four are as they should be")
    return 1 if failed else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def _stand_in() -> Iterator[tuple[str, queue.Queue[tuple[str, dict[str, Any]]]]]:
    """Give the address of a stand-in for the Supervisor, and what it is told: authorization and message."""
    told: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    class Discovery(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.put((self.headers["Authorization"], message))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Discovery)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", told
    finally:
        server.shutdown()
        server.server_close()


def _try(
    engine: Engine, app: str, work: Path, supervisor: str, told: queue.Queue[tuple[str, dict[str, Any]]]
) -> list[str]:
    """Build an app, start it, and return what is not as it should be."""
    image, container = f"localhost/interject-app-{app}", f"interject-app-{app}"
    folder = work / "apps" / f"interject_{app}"
    began = time.monotonic()
    engine.build(folder / "Dockerfile", image, context=folder)
    app_mb, base_mb = sizes_mb(engine, [image, BASE])
    _say(f"{app}: built in {time.monotonic() - began:.0f} s, {app_mb - base_mb:.0f} MB above the base image")
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    data = work / "data" / app
    data.mkdir(parents=True, exist_ok=True)
    options = data / "options.json"
    options.write_text(json.dumps({**config["options"], **_OPTIONS[app]}), encoding="utf-8")
    options.chmod(0o600)
    environ = {**config.get("environment", {}), **_SIMULATED.get(app, {}), "SUPERVISOR_TOKEN": _TOKEN}
    variables = [part for name, value in environ.items() for part in ("--env", f"{name}={value}")]
    host = f"local-interject-{app}"
    run(
        engine.command, "run", "--detach", "--init", "--network", "host", "--name", container, "--hostname", host,
        *variables, "--volume", f"{data}:/data", image, "--supervisor", supervisor, environment=engine.environment,
    )  # fmt: skip
    try:
        return [f"{app}: {what}" for what in _failed(engine, container, f"tcp://{host}:{PORTS[app]}", told)]
    finally:
        passes(engine.command, "rm", "--force", container, environment=engine.environment)


def _failed(engine: Engine, container: str, uri: str, told: queue.Queue[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    try:
        seen = told.get(timeout=_TOLD_S)
    except queue.Empty:
        yield f"Home Assistant was not told; {run(engine.command, 'logs', container, environment=engine.environment)}"
        return
    if seen != (f"Bearer {_TOKEN}", {"service": "wyoming", "config": {"uri": uri}}):
        yield f"Home Assistant was told {seen}"
    if not engine.health(container):
        yield "the image's health check fails"
    environ = run(engine.command, "exec", container, "sh", "-c", _LOOK, environment=engine.environment)
    if "INTERJECT_" not in environ or _TOKEN in environ:
        yield "the program has the Supervisor's token, or none of its options"


if __name__ == "__main__":
    raise SystemExit(main())
