"""The four containers of a compose file, and what a person does with them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.docker.engine import ROOT, run
from tools.harness.processes import free_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.docker.engine import Compose, Engine

SERVERS = ("stt", "llm", "tts")
PROGRAMS = ("satellite", *SERVERS)
# Where the folder of the test is in the containers.
INSIDE = Path("/scene")
_COMPOSE_FILE = ROOT / "docker" / "compose.yaml"
_HEALTHY_WITHIN_S = 60.0
_POLL_S = 0.2
# The programs run as this user, who has to write into the folder.
USER = 1000


class NotHealthyError(InterjectError):
    """A container did not get healthy."""

    def __init__(self, program: str, log: str) -> None:
        super().__init__(f"{program} was not healthy within {_HEALTHY_WITHIN_S:g} s; its log:\n{log}")
        self.program = program


@dataclass
class House:
    """One project; `settings` are the programs' variables, `wishes` those of the compose file."""

    engine: Engine
    compose: Compose
    project: str
    folder: Path
    uris: dict[str, str] = field(default_factory=lambda: {name: free_uri() for name in PROGRAMS})
    settings: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chown(self.folder, USER, USER)
        no_sound = self.folder / "no-sound"
        no_sound.mkdir(exist_ok=True)
        # The satellite's own address is no wish of the compose file.
        self.settings |= {"INTERJECT_SATELLITE_URI": self.uris["satellite"], "INTERJECT_SATELLITE_ZEROCONF": "false"}
        for name in PROGRAMS:
            self.settings[f"INTERJECT_{name.upper()}_TRACE_FILE"] = str(INSIDE / f"{name}.jsonl")
        for name in SERVERS:
            self.wishes |= {
                f"INTERJECT_{name.upper()}_URI": self.uris[name],
                f"INTERJECT_SATELLITE_{name.upper()}_URI": self.uris[name],
            }
        self.wishes |= {"SETTINGS_FILE": str(self.folder / "settings.env"), "SOUND_DEVICES": str(no_sound)}
        volumes = {"volumes": [f"{self.folder}:{INSIDE}"]}
        override = {"services": dict.fromkeys(PROGRAMS, volumes)}
        (self.folder / "scene.yaml").write_text(json.dumps(override), encoding="utf-8")

    def do(self, *words: str, files: Sequence[Path] = ()) -> str:
        """Run compose with the present settings, and return what it printed; raises CommandFailedError."""
        lines = "".join(f"{name}={value}\n" for name, value in self.settings.items())
        (self.folder / "settings.env").write_text(lines, encoding="utf-8")
        named = [word for file in (_COMPOSE_FILE, *files, self.folder / "scene.yaml") for word in ("-f", str(file))]
        environment = {**self.engine.environment, **self.wishes}
        return run(*self.compose.command, "-p", self.project, *named, *words, environment=environment)

    def container(self, program: str) -> str:
        """Return the id of a program's container, or of what is left of it; raises CommandFailedError."""
        label = f"label=com.docker.compose.project={self.project}"
        service = f"label=com.docker.compose.service={program}"
        command = ("ps", "-aq", "--no-trunc", "--filter", label, "--filter", service)
        return (self.ask(*command)).strip()

    def ask(self, *words: str) -> str:
        """Run the engine's own command; raises CommandFailedError."""
        return run(self.engine.command, *words, environment=self.engine.environment)

    def inside(self, program: str, *command: str) -> str:
        """Run a command in a program's container; raises CommandFailedError."""
        return self.ask("exec", self.container(program), *command)

    def pid(self, program: str) -> int:
        """Return the process id of a program on this machine; 0 when it does not run."""
        return int(self.ask("inspect", "--format", "{{.State.Pid}}", self.container(program)))

    def wait_until_healthy(self, *programs: str) -> float:
        """Wait until the health checks pass, and return how long it took; raises NotHealthyError."""
        began = time.monotonic()
        for program in programs:
            while not self.engine.health(self.container(program)):
                if time.monotonic() - began > _HEALTHY_WITHIN_S:
                    raise NotHealthyError(program, self.ask("logs", self.container(program)))
                time.sleep(_POLL_S)
        return time.monotonic() - began

    def left(self) -> dict[str, list[str]]:
        """Return the containers and the volumes of the project."""
        label = f"label=com.docker.compose.project={self.project}"
        containers = self.ask("ps", "-aq", "--filter", label)
        volumes = self.ask("volume", "ls", "-q", "--filter", label)
        return {"containers": containers.split(), "volumes": volumes.split()}
