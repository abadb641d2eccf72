"""What is left of the bench: every figure, and every trial with all that was heard in it."""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tools.commit import commit
from tools.room.scene_files import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.bench.engines.judging import Judged
    from tools.bench.engines.rooms import Results
    from tools.bench.room.rows import AnyFigure


def write(
    path: Path,
    arguments: Mapping[str, object],
    found: Mapping[str, Sequence[AnyFigure]],
    results: Mapping[str, Results],
) -> None:
    """Write all figures and trials."""
    whole = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "commit": commit(),
        "machine": {
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "architecture": platform.machine(),
            "python": platform.python_version(),
        },
        "arguments": {name: str(value) for name, value in arguments.items()},
        "figures": {name: [row.as_json() for row in rows] for name, rows in found.items()},
        "trials": {name: [_plain(trial) for trial in result.trials] for name, result in results.items()},
        "turns": {name: [asdict(turn) for turn in result.turns] for name, result in results.items()},
        "failures": {name: dict(result.failures) for name, result in results.items()},
        "lateness": {
            name: {room: str(lateness) for room, lateness in result.lateness.items()}
            for name, result in results.items()
        },
        "untried": {name: [str(trial.voice.path) for trial in result.untried] for name, result in results.items()},
    }
    path.write_text(json.dumps(whole, default=plain, indent=1), encoding="utf-8")


def _plain(judged: Judged) -> dict[str, Any]:
    fields = asdict(judged)
    trial = fields.pop("trial")
    voice, said = trial.pop("voice"), judged.trial.voice
    voice |= {
        "path": str(said.path),
        "role": said.role.name.lower(),
        "duration_s": round(said.end_s - said.onset_s, 3),
    }
    return {**trial, **voice, **fields}
