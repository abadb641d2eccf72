"""How far the confidence of the speech recognisers can be trusted, and what would fit recordings better.

People say words, laugh, cough and sneeze in a quiet and in a noisy room; each engine transcribes them. What counts are
the texts that would take the floor from a reply: a word that somebody said should be believed, what an engine made of
a sneeze or of an "uh-huh" should not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.wav import read_wav
from interject.satellite.turn.dialogue_act import DialogueAct, dialogue_act
from interject.satellite.turn.settings import TurnSettings
from interject.servers.stt.audio import RATE_HZ
from interject.servers.stt.engines import open_engine
from interject.servers.stt.engines.base import Request
from interject.servers.stt.settings import SttEngine, SttSettings
from interject.wire.errors import InterjectError
from tools.bench.table import table
from tools.harness.dev_models import whisper_tiny_en

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from interject.servers.stt.engines.base import Engine

_SPOKEN = ("stop", "no", "command", "command-with-pauses", "name")
# The room's noise, and how loud a voice is in it, dBFS: a bedroom, and a kitchen with its fan on.
_NOISES_DBFS = (-70.0, -50.0)
_VOICE_DBFS = -26.0
# What a satellite sends before a voice, and after it in a reply.
_BEFORE_S, _AFTER_S = 0.5, 0.25
_LONGEST_S = 8.0
_SEED = 1
_STEPS = 60
_PENALTY = 1e-3
_BINS = 5
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Heard:
    """What an engine made of a clip: `spoken` words or not, its confidence, and the figures behind it."""

    kind: str
    speaker: str
    said: str
    text: str
    spoken: bool
    confidence: float
    figures: Mapping[str, float] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; status 2 where something that is needed is missing."""
    parser = argparse.ArgumentParser(prog="script/bench confidence", description=__doc__)
    add = parser.add_argument
    add("--voices", type=Path, required=True, metavar="DIR", help="clips and a manifest.json, as for bench engines")
    add("--stt-model", type=Path, metavar="DIR", help="model of Whisper (default: tiny.en of the package)")
    add("--engine", choices=[choice.value for choice in SttEngine], help="default: each")
    add("--out", type=Path, default=Path("out/bench-confidence"), metavar="DIR", help="default: out/bench-confidence")
    arguments = parser.parse_args(argv)
    choices = [choice for choice in SttEngine if arguments.engine in (None, choice.value)]
    try:
        for choice in choices:
            model = str(arguments.stt_model or whisper_tiny_en()) if choice is SttEngine.FASTER_WHISPER else "auto"
            heard = asyncio.run(_hear(SttSettings(engine=choice, model=model, compute_type="int8"), arguments.voices))
            arguments.out.mkdir(parents=True, exist_ok=True)
            texts = json.dumps([asdict(one) for one in heard], indent=1)
            (arguments.out / f"{choice.value}.json").write_text(texts, encoding="utf-8")
            sys.stdout.write(report(choice.value, heard))
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench confidence: {error}\n")
        return 2
    return 0


async def _hear(settings: SttSettings, folder: Path) -> list[Heard]:
    engine = await open_engine(settings)
    await engine.start()
    await engine.ready()
    clips = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    noise = np.random.default_rng(_SEED)
    heard = []
    for clip in clips:
        if clip["kind"] == "room":
            continue
        voice = _voice(folder / clip["file"], clip)
        for noise_dbfs in _NOISES_DBFS:
            found = _transcribe(engine, clip, _in_a_room(voice, noise_dbfs, noise))
            heard += [] if found is None else [found]
    return heard


def _voice(file: Path, clip: Mapping[str, float]) -> NDArray[np.float64]:
    samples = read_wav(file, RATE_HZ).astype(np.float64) / 32768
    begin, end = round(clip["onset_s"] * RATE_HZ), round(clip["end_s"] * RATE_HZ)
    voice = samples[begin:end][: round(_LONGEST_S * RATE_HZ)]
    return voice * 10 ** (_VOICE_DBFS / 20) / (float(np.sqrt(np.mean(voice**2))) + _TINY)


def _in_a_room(voice: NDArray[np.float64], noise_dbfs: float, noise: np.random.Generator) -> bytes:
    before, after = round(_BEFORE_S * RATE_HZ), round(_AFTER_S * RATE_HZ)
    room = noise.standard_normal(before + len(voice) + after) * 10 ** (noise_dbfs / 20)
    room[before : before + len(voice)] += voice
    return (np.clip(room, -1, 1) * 32767).astype("<i2").tobytes()


def _transcribe(engine: Engine, clip: Mapping[str, str], pcm: bytes) -> Heard | None:
    """Return what was heard, None for what would not take the floor anyway."""
    recognition = engine.open(Request(language="en"))
    try:
        best = recognition.finish(pcm)
    finally:
        recognition.close()
    if dialogue_act(best.text) not in {DialogueAct.SPEECH, DialogueAct.STOP} or best.confidence is None:
        return None
    spoken = clip["kind"] in _SPOKEN
    said = clip["words"] or ""
    return Heard(clip["kind"], clip["speaker"], said, best.text, spoken, best.confidence, best.figures)


def report(name: str, heard: Sequence[Heard]) -> str:
    """Give the tables of an engine: what is believed, how often it is true, and what would fit better."""
    limit = TurnSettings().word_confidence
    spoken = np.array([one.spoken for one in heard])
    shipped = np.array([one.confidence for one in heard])
    figures = list(heard[0].figures)
    facts = np.array([[one.figures[figure] for figure in figures] for one in heard])
    unseen = _by_the_other_half(facts, spoken, [one.speaker for one in heard])
    text = table(
        f"{name}: texts that would take the floor, {len(heard)}; believed from {limit:g} on",
        ("", "Brier", "of said, not believed", "of not said, believed"),
        [
            _row("as it ships", shipped, spoken, limit),
            _row("fitted to the other half of the speakers", unseen, spoken, limit),
        ],
    )
    text += table(
        f"{name}: how often what it believes so far was said",
        ("confidence", "texts", "said, %"),
        [_bin(number, shipped, spoken) for number in range(_BINS)],
    )
    weights = _fit(facts, spoken)
    best = ", ".join(f"{figure} {weight:.2f}" for figure, weight in zip((*figures, "constant"), weights, strict=True))
    wrong = [one for one in heard if one.spoken != (one.confidence >= limit)]
    errors = "".join(
        f"  {one.confidence:.2f} {one.kind:16} {one.said:20} {one.text!r:.50}\n"
        for one in sorted(wrong, key=lambda one: (one.spoken, one.confidence))
    )
    return f"{text}fitted to all: {best}\nwhere it is wrong:\n{errors}\n"


def _bin(number: int, confidence: NDArray[np.float64], spoken: NDArray[np.bool_]) -> tuple[str, ...]:
    inside = np.minimum((confidence * _BINS).astype(int), _BINS - 1) == number
    share = f"{100 * spoken[inside].mean():.0f}" if inside.any() else ""
    return (f"{number / _BINS:.1f} to {(number + 1) / _BINS:.1f}", str(inside.sum()), share)


def _row(name: str, confidence: NDArray[np.float64], spoken: NDArray[np.bool_], limit: float) -> tuple[str, ...]:
    brier = float(np.mean((confidence - spoken) ** 2))
    missed, believed = confidence[spoken] < limit, confidence[~spoken] >= limit
    return (
        name,
        f"{brier:.3f}",
        f"{missed.sum()} of {missed.size}",
        f"{believed.sum()} of {believed.size}",
    )


def _by_the_other_half(
    facts: NDArray[np.float64], spoken: NDArray[np.bool_], speakers: Sequence[str]
) -> NDArray[np.float64]:
    names = sorted(set(speakers))
    odd = np.array([names.index(speaker) % 2 == 1 for speaker in speakers])
    probabilities = np.empty(len(facts))
    for half in (odd, ~odd):
        weights = _fit(facts[~half], spoken[~half])
        probabilities[half] = _probabilities(facts[half], weights)
    return probabilities


def _fit(facts: NDArray[np.float64], spoken: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Fit a logistic regression by Newton's method, with a little ridge penalty on all but the constant."""
    inputs = np.column_stack((facts, np.ones(len(facts))))
    penalty = _PENALTY * len(facts) * np.diag([*[1.0] * facts.shape[1], 0.0])
    weights = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        p = _probabilities(facts, weights)
        gradient = inputs.T @ (p - spoken) + penalty @ weights
        curvature = (inputs * (p * (1 - p))[:, np.newaxis]).T @ inputs + penalty
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def _probabilities(facts: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-(facts @ weights[:-1] + weights[-1])))
    return probabilities


if __name__ == "__main__":
    sys.exit(main())
