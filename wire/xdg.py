"""Where a user's files lie, by the XDG Base Directory Specification, which says to ignore a relative path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OURS = "interject"


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the folder of everybody's settings."""
    return _home(environ, "XDG_CONFIG_HOME", ".config")


def our_data(environ: Mapping[str, str]) -> Path:
    """Return our folder for what the user would miss."""
    return _home(environ, "XDG_DATA_HOME", ".local/share") / _OURS


def our_state(environ: Mapping[str, str]) -> Path:
    """Return our folder for what outlives a restart and can be learnt anew."""
    return _home(environ, "XDG_STATE_HOME", ".local/state") / _OURS


def _home(environ: Mapping[str, str], variable: str, default: str) -> Path:
    given = Path(environ.get(variable, ""))
    return given if given.is_absolute() else Path.home() / default
