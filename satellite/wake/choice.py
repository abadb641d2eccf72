"""From settings to what listens for words."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.satellite.settings.wake import WakeEngine
from interject.satellite.wake.base import Role, WakeDetector, WordModel, phrase_of
from interject.satellite.wake.engine import Ear, LocalWake
from interject.satellite.wake.models import Model, choose, find_models
from interject.satellite.wake.remote import RemoteWake
from interject.wire.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.satellite.settings.wake import WakeWordName, WordThreshold
    from interject.satellite.transports.direct.server import Server
    from interject.satellite.wake.engine import Engine

# Names that other satellites' documentation has for a model: that of wyoming-satellite and wyoming-openwakeword.
_ALSO_CALLED = {"ok_nabu": "okay_nabu"}


@dataclass(frozen=True, slots=True)
class WordChoice:
    """What to listen for, as the user chose it.

    thresholds, folders and engine matter only to words that the satellite itself listens for; `engine` is used for
    each word that it has a model of.
    """

    wake: tuple[WakeWordName, ...] = ()
    stop: tuple[str, ...] = ()
    engine: WakeEngine = WakeEngine.MICRO
    thresholds: tuple[WordThreshold, ...] = ()
    folders: tuple[Path, ...] = ()
    refractory_s: float = 2.0


async def make_detector(choice: WordChoice, server: Server | None = None) -> WakeDetector | None:
    """Make what listens for words: at `server` if there is one, else in this process; None if there is no word.

    Raises SettingError for words that contradict each other or have no model, WakeModelError for a damaged model.
    """
    _check(choice)
    if server is not None:
        return RemoteWake(server, _named(choice), choice.refractory_s)
    if not (choice.wake or choice.stop):
        return None
    # Models are read from files, and some engines take a tenth of a second to start.
    return await asyncio.to_thread(_load, choice)


def _check(choice: WordChoice) -> None:
    names = Counter([*(word.name for word in choice.wake), *choice.stop])
    for name, count in names.items():
        if count > 1:
            key = "--stop-word-name" if name in choice.stop else "--wake-word-name"
            raise SettingError(f"{key} {name}", "is given twice; a word has one meaning and one pipeline")
    for threshold in choice.thresholds:
        if threshold.name not in names:
            known = ", ".join(sorted(names)) or "none"
            raise SettingError(f"--wake-threshold {threshold.name}", f"is not listened for; the words are: {known}")


def _named(choice: WordChoice) -> tuple[WordModel, ...]:
    return (
        *(WordModel(word.name, phrase_of(word.name), Role.WAKE, word.pipeline) for word in choice.wake),
        *(WordModel(name, phrase_of(name), Role.STOP) for name in choice.stop),
    )


def _load(choice: WordChoice) -> LocalWake:
    models = find_models(choice.folders)
    choice = _by_our_names(choice, models)
    chosen = [_find(word, choice, models) for word in _named(choice)]
    engines = {
        engine: _start(engine, [model for model in chosen if model.engine is engine])
        for engine in {model.engine for model in chosen}
    }
    phrases = {loaded.name: loaded.phrase for engine in engines.values() for loaded in engine.words}
    named = tuple(WordModel(word.name, phrases[word.name], word.role, word.pipeline) for word in _named(choice))
    thresholds = {each.name: each.threshold for each in choice.thresholds}
    by_name = {word.name: word for word in named}
    ears = {name: Ear(engine, by_name, thresholds, choice.refractory_s) for name, engine in engines.items()}
    return LocalWake(
        named,
        quick=[ear for name, ear in ears.items() if name is WakeEngine.MICRO],
        slow=[ear for name, ear in ears.items() if name is WakeEngine.OPEN],
    )


def _by_our_names(choice: WordChoice, models: Sequence[Model]) -> WordChoice:
    """Call the words that only other satellites call so by the names of our models."""

    def ours(name: str) -> str:
        return name if choose(name, choice.engine, models) is not None else _ALSO_CALLED.get(name, name)

    return replace(
        choice,
        wake=tuple(replace(word, name=ours(word.name)) for word in choice.wake),
        stop=tuple(ours(name) for name in choice.stop),
        thresholds=tuple(replace(each, name=ours(each.name)) for each in choice.thresholds),
    )


def _find(word: WordModel, choice: WordChoice, models: Sequence[Model]) -> Model:
    found = choose(word.name, choice.engine, models)
    if found is not None:
        return found
    flag = "--stop-word-name" if word.role is Role.STOP else "--wake-word-name"
    places = ", ".join(str(folder) for folder in choice.folders) or "no folder yet"
    raise SettingError(
        f"{flag} {word.name}",
        f"there is no such model; there are: {_listed(models)}. A model of your own belongs in a folder given with "
        f"--wake-word-dir ({places}), as {word.name}.json with its .tflite for microWakeWord, or as "
        f"{word.name}.tflite for openWakeWord",
    )


def _listed(models: Sequence[Model]) -> str:
    names = sorted({model.name for model in models})
    return ", ".join(names) or "none (install them with: pip install 'wyoming-interject[satellite]')"


def _start(engine: WakeEngine, models: Sequence[Model]) -> Engine:
    # Imported here: a satellite without wake words loads neither engine, and one with wake words mostly one.
    try:
        if engine is WakeEngine.MICRO:
            from interject.satellite.wake.micro import MicroEngine  # noqa: PLC0415 - see above

            return MicroEngine(models)
        from interject.satellite.wake.open_ww import OpenEngine  # noqa: PLC0415 - see above

        return OpenEngine(models)
    except ImportError as error:
        names = ", ".join(model.name for model in models)
        raise SettingError(
            f"--wake-engine {engine.value}",
            f"{names} needs an engine that does not load ({error}); install it with: pip install "
            "'wyoming-interject[satellite]'",
        ) from None
