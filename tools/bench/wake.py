"""How well the wake word engines hear their words, how soon, and what it costs.

`PYTHONPATH=. python -m tools.bench.wake`, with Debian's `flite` installed: its voices say each built-in word
and go on with a command; its own labels tell where the word ends. The lags in satellite/wake come from here:
the moment at which a model rises varies, and a lag that is right nine times in ten leaves least of the word before the
command. Where it is wrong a little of the command's first sound is missing, which speech recognition does not notice
up to some 50 ms: pocketsphinx got 60 commands of these voices right 44, 43, 35 and 26 times when 0, 50, 100 and 150 ms
of them were cut off, but only 42, 5 and 1 times with 100, 200 and 300 ms of the wake word before them.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.settings.wake import WakeEngine
from interject.satellite.wake.base import RATE_HZ, Role, WakeWord, WordModel
from interject.satellite.wake.engine import Ear
from interject.satellite.wake.micro import MicroEngine
from interject.satellite.wake.models import find_models
from interject.satellite.wake.open_ww import OpenEngine
from tools.bench.report import Figure, Share, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.engine import Engine, LoadedWord
    from interject.satellite.wake.models import Model

_ENGINES: dict[WakeEngine, Callable[[Sequence[Model]], Engine]] = {
    WakeEngine.MICRO: MicroEngine,
    WakeEngine.OPEN: OpenEngine,
}
_VOICES = ("kal", "kal16", "awb", "rms", "slt")
_STRETCHES = (0.9, 1.0, 1.15)
# They begin with a stop, a glide, two vowels and a nasal: sounds that join the word before them in different ways.
_COMMANDS = ("turn on the light", "what time is it", "open the door", "all lights off", "no more music")
# How the word and the command are joined: as one sentence; with the stress and the pause of two; with the stress of
# two and the pause cut out.
_RUN_ON, _PAUSED, _CUT = " ", ", ", ", cut"
_JOINTS = (_RUN_ON, _PAUSED, _CUT)
_PAUSE = "pau"
# Silence before and after what is said: the engines' windows fill, and a late detection is still heard.
_SILENCE_S = 1.3
# The pieces in which the satellite's front end hands audio on.
_PIECE_SAMPLES = 512
_REFRACTORY_S = 2.0
_CPU_S = 20.0
# What a command may lack and still be understood: see above.
_UNNOTICED_MS = 50
_MS = 1000 / RATE_HZ


@dataclass(frozen=True, slots=True)
class Said:
    """A word and a command in one voice; word_end: the index one past the word's last sound."""

    word: str
    joint: str
    samples: Samples
    word_end: int


@dataclass(frozen=True, slots=True)
class Hit:
    """What an engine made of it: the word (None: missed), when it was told, other words that were heard wrongly."""

    said: Said
    word: WakeWord | None
    told_at: int
    wrong: int


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one pace and two commands only")
    quick = parser.parse_args().quick
    for kind, make in _ENGINES.items():
        models = [model for model in find_models(()) if model.engine is kind]
        said = _utterances([model.name for model in models], quick=quick)
        engine = make(models)
        hits = [_listen(engine, each) for each in said]
        sys.stdout.write(f"\n== {kind.value}: {len(hits)} utterances\n{table(_figures(engine, hits))}\n")
        for count in range(len(models) + 1):
            cpu_ms = _cpu_ms_a_second(make(models[:count]))
            sys.stdout.write(f"CPU with {count} words: {cpu_ms:.1f} ms per second of audio\n")
    return 0


def _utterances(words: Sequence[str], *, quick: bool) -> list[Said]:
    stretches, commands = ((1.0,), _COMMANDS[:2]) if quick else (_STRETCHES, _COMMANDS)
    with tempfile.TemporaryDirectory() as folder:
        return [
            _say(word, joint, command, voice, stretch, Path(folder) / "said.wav")
            for word, voice, stretch, command, joint in itertools.product(words, _VOICES, stretches, commands, _JOINTS)
        ]


def _say(word: str, joint: str, command: str, voice: str, stretch: float, path: Path) -> Said:
    phrase = word.replace("_", " ")
    sounds_of_word = sum(name != _PAUSE for name, _ in _speak(phrase, voice, stretch, path))
    labels = _speak(f"{phrase}{joint.removesuffix('cut')}{command}", voice, stretch, path)
    with wave.open(str(path), "rb") as file:
        rate_hz = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    if rate_hz != RATE_HZ:
        samples = soxr.resample(samples, rate_hz, RATE_HZ)
    sounds = [at for at, (name, _) in enumerate(labels) if name != _PAUSE]
    word_end = round(labels[sounds[sounds_of_word - 1]][1] * RATE_HZ)
    if joint == _CUT:
        command_begins = round(labels[sounds[sounds_of_word] - 1][1] * RATE_HZ)
        samples = np.concatenate([samples[:word_end], samples[command_begins:]])
    silence = np.zeros(round(_SILENCE_S * RATE_HZ), np.int16)
    return Said(word, joint, np.concatenate([silence, samples, silence]).astype(np.int16), len(silence) + word_end)


def _speak(text: str, voice: str, stretch: float, path: Path) -> list[tuple[str, float]]:
    command = ["flite", "-psdur", "-voice", voice, "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - words of our own
    printed = done.stdout.split()
    return [(name, float(end_s)) for name, _, end_s in (label.partition(":") for label in printed)]


def _listen(engine: Engine, said: Said) -> Hit:
    models = {word.name: WordModel(word.name, word.phrase, Role.WAKE) for word in engine.words}
    ear = Ear(engine, models, {}, _REFRACTORY_S)
    heard = [
        (word, end)
        for end in range(_PIECE_SAMPLES, len(said.samples) + 1, _PIECE_SAMPLES)
        for word in ear.hear(said.samples[end - _PIECE_SAMPLES : end], end)
    ]
    wrong = sum(word.name != said.word for word, _ in heard)
    for word, end in heard:
        if word.name == said.word:
            return Hit(said, word, end, wrong)
    return Hit(said, None, 0, wrong)


def _figures(engine: Engine, hits: Sequence[Hit]) -> Iterator[Figure | Share]:
    for word in engine.words:
        yield from _word_figures(word, [hit for hit in hits if hit.said.word == word.name])
    for joint in _JOINTS:
        yield Share(
            f"heard, joined by {joint!r}", [hit.word is not None for hit in hits if hit.said.joint == joint], ""
        )
    yield Share("another word heard than was said", [hit.wrong > 0 for hit in hits], "")


def _word_figures(word: LoadedWord, hits: Sequence[Hit]) -> Iterator[Figure | Share]:
    yield Share(f"{word.name}: heard", [hit.word is not None for hit in hits], "")
    heard = [(hit, hit.word.end_index) for hit in hits if hit.word is not None and hit.word.end_index is not None]
    if not heard:
        return
    left = [(hit.said.word_end - end_index) * _MS for hit, end_index in heard]
    risen = [word.end_lag_s * 1000 - value for value in left]
    yield Figure(
        f"{word.name}: end of the word -> told", "ms", [(it.told_at - it.said.word_end) * _MS for it, _ in heard], ""
    )
    yield Figure(f"{word.name}: end of the word -> risen", "ms", risen, f"the lag assumed is {word.end_lag_s:g} s")
    yield Figure(f"{word.name}: left of the word before the command", "ms", left, "negative: cut off the command")
    yield Share(
        f"{word.name}: the command is whole", [value >= -_UNNOTICED_MS for value in left], f"but {_UNNOTICED_MS} ms"
    )


def _cpu_ms_a_second(engine: Engine) -> float:
    noise = np.random.default_rng(1).normal(0, 1000, round(_CPU_S * RATE_HZ)).astype(np.int16)
    began_s = time.process_time()
    for at in range(0, len(noise) - engine.block_samples, engine.block_samples):
        for _ in engine.process(noise[at : at + engine.block_samples]):
            pass
    return (time.process_time() - began_s) / _CPU_S * 1000


if __name__ == "__main__":
    sys.exit(main())
