"""The models that are there: in the engines' wheels and in folders of the user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.settings.wake import WakeEngine
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PACKAGES = {WakeEngine.MICRO: "pymicro_wakeword", WakeEngine.OPEN: "pyopen_wakeword"}
# openWakeWord's feature extraction lies beside its words.
_NOT_WORDS = frozenset({"melspectrogram", "embedding_model"})


@dataclass(frozen=True, slots=True)
class Model:
    """A model of one word; path: the description NAME.json (micro) or NAME.tflite (open)."""

    name: str
    engine: WakeEngine
    path: Path
    built_in: bool = False


def find_models(folders: Sequence[Path]) -> list[Model]:
    """Return all models there are, those of the first folder first, those of the wheels last.

    In a folder NAME.json beside its .tflite is a model of microWakeWord, any other NAME.tflite one of openWakeWord.
    Raises SettingError for a folder that is not there.
    """
    found: list[Model] = []
    for folder in folders:
        if not folder.is_dir():
            raise SettingError(f"--wake-word-dir {folder}", "is no folder; name one that has NAME.tflite files")
        found += _in_folder(folder)
    for engine, package in _PACKAGES.items():
        models = [model for folder in _installed(package) for model in _in_folder(folder)]
        found += [replace(model, built_in=True) for model in models if model.engine is engine]
    return found


def choose(name: str, engine: WakeEngine, models: Iterable[Model]) -> Model | None:
    """Return the first model of a name, one of `engine` if there is any."""
    named = [model for model in models if model.name == name]
    return next((model for model in named if model.engine is engine), named[0] if named else None)


def _in_folder(folder: Path) -> list[Model]:
    described = {path.stem: path for path in folder.glob("*.json")}
    files = {path.stem: path for path in folder.glob("*.tflite")}
    return [
        *(Model(name, WakeEngine.MICRO, described[name]) for name in sorted(described)),
        *(Model(name, WakeEngine.OPEN, files[name]) for name in sorted(files.keys() - described.keys() - _NOT_WORDS)),
    ]


def _installed(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(spec.origin).parent / "models"] if spec is not None and spec.origin is not None else []
