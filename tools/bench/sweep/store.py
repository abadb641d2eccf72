"""Keeps what takes gave, so that rules can be tried again in seconds."""

from __future__ import annotations

import hashlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.bench.sweep.ears import JUST_AS_SHIPPED, TREATMENTS
from tools.bench.sweep.listening import Listened, Sound, listen
from tools.simulator.corpus import built_in, flite, recorded
from tools.simulator.effort import Effort
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tools.bench.sweep.ears import Treatment
    from tools.bench.sweep.takes import Engine, Take
    from tools.simulator.corpus import Corpus

_ROOT = Path(__file__).resolve().parents[3]
# Whatever changes in these changes what is heard.
_SOURCES = (
    "satellite/hearing/*.py",
    "satellite/aec/*.py",
    "tests/room/*.py",
    "tools/bench/sweep/listening.py",
    "tools/bench/sweep/ears.py",
)
_HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Voices:
    """Who speaks in the room besides the built-in voices; a folder of recordings is optional."""

    with_flite: bool
    folder: Path | None


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of takes, and how to make what is not there yet with some processes."""

    folder: Path
    voices: Voices
    jobs: int

    def listen(
        self, takes: Sequence[Take], engine: Engine, treatments: tuple[Treatment, ...] = JUST_AS_SHIPPED
    ) -> list[Listened]:
        """Give what all takes gave, in their order; tells how far it is where some of them are new."""
        paths = [self._path(take, engine, treatments) for take in takes]
        missing = [(take, path) for take, path in zip(takes, paths, strict=True) if not path.is_file()]
        for done, _ in enumerate(self._make(missing, engine, treatments), 1):
            sys.stderr.write(f"\r{engine.value}: {done} of {len(missing)} takes")
        if missing:
            sys.stderr.write("\n")
        return [_read(path, take) for take, path in zip(takes, paths, strict=True)]

    def corpus(self) -> Corpus:
        """Give all that can be said, for what is not kept."""
        return _corpus(self.voices)

    def _make(
        self, missing: Sequence[tuple[Take, Path]], engine: Engine, treatments: tuple[Treatment, ...]
    ) -> Iterator[Path]:
        if self.jobs == 1 or len(missing) < self.jobs:
            for take, path in missing:
                yield _perform(take, engine, treatments, self.voices, path)
            return
        # The processes are forked, and need not have everything said again.
        self.corpus()
        with ProcessPoolExecutor(self.jobs, get_context("fork")) as pool:
            takes, paths = zip(*missing, strict=True)
            count = len(missing)
            yield from pool.map(_perform, takes, [engine] * count, [treatments] * count, [self.voices] * count, paths)

    def _path(self, take: Take, engine: Engine, treatments: tuple[Treatment, ...]) -> Path:
        """Say where a take is, or is to be; what was heard through all treatments serves for one of them."""
        who = f"{self.voices.with_flite}-{self.voices.folder}"
        voices = hashlib.sha256(who.encode()).hexdigest()[:_HASH_DIGITS]
        folder = self.folder / _sources() / voices / engine.value
        every, own = (
            folder / "_".join(each.name for each in some) / f"{take.name}.npz" for some in (TREATMENTS, treatments)
        )
        return every if every.is_file() and set(treatments) <= set(TREATMENTS) else own


def _perform(take: Take, engine: Engine, treatments: tuple[Treatment, ...], voices: Voices, path: Path) -> Path:
    _write(path, listen(take, engine, treatments, _corpus(voices)))
    return path


@cache
def _corpus(voices: Voices) -> Corpus:
    more = [] if voices.folder is None else recorded(voices.folder)
    return built_in().with_clips([*(flite() if voices.with_flite else ()), *more])


@cache
def _sources() -> str:
    digest = hashlib.sha256()
    for pattern in _SOURCES:
        for file in sorted(_ROOT.glob(pattern)):
            if not file.name.startswith("test_"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:_HASH_DIGITS]


def _write(path: Path, listened: Listened) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {
        "noise": listened.noise,
        "sounds": [(s.kind.value, s.effort.value, s.text, s.start, s.end) for s in listened.sounds],
        "reply_from": listened.reply_from,
        "frames": listened.frames,
        "change_at": listened.change_at,
        "erle_db": listened.erle_db,
        "user_db": listened.user_db,
    }
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, about=np.array(json.dumps(about)), **listened.tracks)  # type: ignore[arg-type]
    # A take that was broken off must not be found half written.
    part.replace(path)


def _read(path: Path, take: Take) -> Listened:
    with np.load(path) as kept:
        about = json.loads(str(kept["about"]))
        tracks = {name: kept[name] for name in kept.files if name != "about"}
    sounds = tuple(
        Sound(Kind(kind), Effort(effort), text, start, end) for kind, effort, text, start, end in about.pop("sounds")
    )
    return Listened(take=take, sounds=sounds, tracks=tracks, **about)
