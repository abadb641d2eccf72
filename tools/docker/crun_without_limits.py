#!/usr/bin/env python3
"""Stands in for crun where a machine's root may not raise limits (no CAP_SYS_RESOURCE), as podman always asks for.

It must be called `crun`: podman does without cgroups for no other name.
"""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import sys


def main() -> None:
    """Take the limits out of what is to be run, and become crun."""
    arguments = sys.argv[1:]
    if "create" in arguments or "run" in arguments:
        _strip(pathlib.Path(_after(arguments, "--bundle", "-b") or ".", "config.json"), "process")
    elif "exec" in arguments and (process := _after(arguments, "--process", "-p")):
        _strip(pathlib.Path(process))
    # crun gives the standard streams to the container's user, be they the machine's own /dev/null.
    if pathlib.Path(os.devnull).stat().st_rdev == os.fstat(0).st_rdev:
        os.dup2(os.pipe()[0], 0)
    os.execv("/usr/bin/crun", ["crun", *arguments])  # noqa: S606 - it stands in for it


def _after(arguments: list[str], *flags: str) -> str | None:
    return next((value for flag, value in itertools.pairwise(arguments) if flag in flags), None)


def _strip(path: pathlib.Path, *keys: str) -> None:
    whole = json.loads(path.read_text(encoding="utf-8"))
    process = whole
    for key in keys:
        process = process[key]
    for limit in ("rlimits", "oomScoreAdj"):
        process.pop(limit, None)
    path.write_text(json.dumps(whole), encoding="utf-8")


main()
