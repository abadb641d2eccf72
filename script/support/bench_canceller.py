"""How well echo cancellers let us hear a user through our own voice, and what it costs.

`PYTHONPATH=. python -m script.support.bench_canceller [--engine kalman] [--speech DIR]`: scenes of 24 s in which a
reply plays throughout and a user interrupts it three times, with an echo 0, 10 or 20 dB louder than the user. Silero
hears what the canceller leaves, after light noise suppression. `none` without echo shows what Silero can do at best.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from satellite.hearing.cancelling.aec3 import WebRtcCanceller
from satellite.hearing.cancelling.canceller import KalmanCanceller
from satellite.hearing.cancelling.facts import OUR_OWN_COHERENCE, SOMEBODY_ELSE_EVIDENCE, EchoFacts
from satellite.hearing.cancelling.speex import SpeexCanceller
from satellite.hearing.cleaning import Cleaner, CleaningSettings
from satellite.hearing.echo import Identity
from satellite.hearing.vad import WINDOW_SAMPLES, SileroVad
from script.support.bench_canceller_scenes import ECHO_OVER_USER_DB, RATE_HZ, SCENE_S, Scene, replies, scenes, users

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from satellite.hearing.echo import EchoCanceller

_BLOCK = 160
_CPU_WARM_UP_BLOCKS = 200
# A trigger later than this after the user fell silent is one of ours.
_AFTERWARDS_S = 0.3
_SOON_S = 0.3
# Within it the canceller looks for the echo.
_START_S = 3.0
_NEVER = float("inf")


class Engine(Enum):
    """What is measured."""

    CEILING = "ceiling"
    NONE = "none"
    KALMAN = "kalman"
    AEC3 = "aec3"
    SPEEX = "speex"


_MAKE: dict[Engine, Callable[[], EchoCanceller]] = {
    Engine.CEILING: Identity,
    Engine.NONE: Identity,
    Engine.KALMAN: KalmanCanceller,
    Engine.AEC3: WebRtcCanceller,
    Engine.SPEEX: SpeexCanceller,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """When speech counts: so many windows in a row, and what the echo guard must say."""

    name: str
    probability: float
    windows: int
    least_evidence: float = 0.0
    most_coherence: float = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """One window of 32 ms."""

    end_s: float
    probability: float
    facts: EchoFacts | None


@dataclass(frozen=True, slots=True)
class Run:
    """A scene through a canceller."""

    scene: Scene
    heard: list[Heard]
    block_us: list[float]
    erle_db: float
    user_db: float


_RULES = (
    Rule("0.5 x 64 ms, no guard", 0.5, 2),
    Rule("0.5 x 96 ms, no guard", 0.5, 3),
    *(Rule(f"0.5 x 64 ms, evidence {share}", 0.5, 2, share) for share in (0.05, SOMEBODY_ELSE_EVIDENCE, 0.1, 0.15)),
    Rule(f"0.5 x 96 ms, evidence {SOMEBODY_ELSE_EVIDENCE}", 0.5, 3, SOMEBODY_ELSE_EVIDENCE),
    Rule("0.5 x 64 ms, as recommended", 0.5, 2, SOMEBODY_ELSE_EVIDENCE, OUR_OWN_COHERENCE),
)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", action="append", choices=[engine.value for engine in Engine])
    parser.add_argument("--scenes", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0, help="seeds below 2100 were tuned on")
    parser.add_argument("--speech", type=Path, help="folder of WAVs with manifest.json: what the user says")
    parser.add_argument("--drift-ppm", type=float, default=0.0)
    wanted = parser.parse_args()
    seeds = range(wanted.first_seed, wanted.first_seed + wanted.scenes)
    ours, theirs = replies(1), users(wanted.speech)
    for name in wanted.engine or [Engine.CEILING.value, Engine.NONE.value, Engine.KALMAN.value]:
        engine = Engine(name)
        runs = [_run(engine, scene) for scene in scenes(seeds, ours, theirs, wanted.drift_ppm)]
        _print(engine, runs)
    return 0


def _run(engine: Engine, scene: Scene) -> Run:
    if engine is Engine.CEILING:
        scene = replace(scene, echo=np.zeros_like(scene.echo))
    canceller = _MAKE[engine]()
    vad, cleaner = SileroVad(), Cleaner(CleaningSettings(noise_suppression=1))
    mic = scene.echo + scene.user + scene.noise
    out = np.zeros_like(mic)
    for_vad = np.zeros(0, np.float32)
    heard: list[Heard] = []
    block_us: list[float] = []
    for at in range(0, len(mic), _BLOCK):
        block = slice(at, at + _BLOCK)
        began_s = time.perf_counter()
        out[block] = canceller.process(mic[block], scene.played[block])
        block_us.append((time.perf_counter() - began_s) * 1e6)
        for_vad = np.concatenate([for_vad, cleaner.process(out[block]).astype(np.float32) / 32768])
        if len(for_vad) >= WINDOW_SAMPLES:
            facts = canceller.facts if isinstance(canceller, KalmanCanceller) else None
            heard.append(Heard((at + _BLOCK) / RATE_HZ, vad.process(for_vad[:WINDOW_SAMPLES]), facts))
            for_vad = for_vad[WINDOW_SAMPLES:]
    user, cancelled = scene.user.astype(np.float64), out.astype(np.float64)
    alone = np.ones(len(mic), np.bool_)
    alone[: round(_START_S * RATE_HZ)] = False
    for talk in scene.talks:
        alone[round(talk.start_s * RATE_HZ) : round((talk.stop_s + 0.5) * RATE_HZ)] = False
    erle_db = 10 * np.log10(np.sum(mic[alone] ** 2) / (np.sum(out[alone] ** 2) + 1e-12))
    user_db = 20 * np.log10(max(1e-6, np.dot(user, cancelled) / np.dot(user, user)))
    return Run(scene, heard, block_us[_CPU_WARM_UP_BLOCKS:], float(erle_db), float(user_db))


def triggers(heard: Sequence[Heard], rule: Rule) -> list[float]:
    """Return when speech counted, once each time."""
    times: list[float] = []
    in_a_row, counted = 0, False
    for window in heard:
        in_a_row = in_a_row + 1 if window.probability >= rule.probability else 0
        if not in_a_row:
            counted = False
        if in_a_row >= rule.windows and not counted and _agrees(window.facts, rule):
            times.append(window.end_s)
            counted = True
    return times


def _agrees(facts: EchoFacts | None, rule: Rule) -> bool:
    if facts is None or rule.least_evidence <= 0:
        return True
    return facts.somebody_else(rule.least_evidence, rule.most_coherence)


def _print(engine: Engine, runs: Sequence[Run]) -> None:
    minutes = len(runs) * SCENE_S / 60
    print_ = sys.stdout.write
    cpu = [us / 10 for run in runs for us in run.block_us]
    levels = {over: [run for run in runs if run.scene.echo_over_user_db == over] for over in ECHO_OVER_USER_DB}
    erle = "/".join(f"{np.median([run.erle_db for run in some]):.0f}" for some in levels.values() if some)
    lost = "/".join(f"{-np.median([run.user_db for run in some]):.1f}" for some in levels.values() if some)
    print_(
        f"\n== {engine.value}: {minutes:.0f} min, {sum(len(run.scene.talks) for run in runs)} interruptions\n"
        f"at 0/10/20 dB: output below microphone {erle} dB, user attenuated {lost} dB\n"
        f"CPU per second of audio: P50 {np.percentile(cpu, 50):.1f}, P90 {np.percentile(cpu, 90):.1f}, "
        f"mean {np.mean(cpu):.1f} ms\n"
        f"{'rule':28}{'false/min':>10}{'heard':>8}{'0/10/20 dB':>16}{'in 300 ms':>11}{'P50':>8}{'P95':>8}\n"
    )
    for rule in _RULES:
        if rule.least_evidence and engine is not Engine.KALMAN:
            continue
        print_(_row(rule, runs, levels, minutes))


def _row(rule: Rule, runs: Sequence[Run], levels: dict[int, list[Run]], minutes: float) -> str:
    false = 0
    latency: dict[int, list[float]] = {over: [] for over in levels}
    for run in runs:
        times = triggers(run.heard, rule)
        for talk in run.scene.talks:
            own = [at for at in times if talk.start_s < at <= talk.stop_s + _AFTERWARDS_S]
            times = [at for at in times if at not in own]
            latency[run.scene.echo_over_user_db].append(own[0] - talk.start_s if own else _NEVER)
        false += len(times)
    every = np.array([value for values in latency.values() for value in values])
    caught = every[np.isfinite(every)]
    shares = "/".join(f"{100 * np.mean(np.isfinite(values)):.0f}" for values in latency.values() if values)
    p50, p95 = (1000 * np.percentile(caught, percent) if len(caught) else _NEVER for percent in (50, 95))
    return (
        f"{rule.name:28}{false / minutes:10.2f}{100 * np.mean(np.isfinite(every)):7.1f}%{shares:>16}"
        f"{100 * np.mean(every <= _SOON_S):10.1f}%{p50:8.0f}{p95:8.0f}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
