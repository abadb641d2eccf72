"""One take through a canceller, noise suppression and Silero, open loop: what was known at the end of every window."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import BLOCK_SAMPLES, Convergence
from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.aec.residual_guard import ResidualEchoGuard
from interject.satellite.frontend.vad import WINDOW_SAMPLES
from tools.bench.sweep.ears import Ear, dbfs
from tools.bench.sweep.takes import Engine, Start
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.casting import make_scene
from tools.simulator.levels import RATE_HZ
from tools.simulator.staging import set_stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from interject.satellite.aec.base import EchoControl
    from interject.satellite.simulator.room import Heard
    from tools.bench.sweep.ears import Treatment
    from tools.bench.sweep.takes import Take
    from tools.simulator.corpus import Corpus
    from tools.simulator.effort import Effort
    from tools.simulator.scene import Kind
    from tools.simulator.staging import Stage

CONVERGENCES = tuple(Convergence)
# Where voices turned away and voices turned here differ: below and above 1.5 kHz.
_LOW_HZ, _HIGH_HZ = (200.0, 1_500.0), (1_500.0, 5_000.0)
_LATE_S = (0.3, 3.0)
_KINDS = {
    Engine.KALMAN: CancellerKind.KALMAN,
    Engine.AEC3: CancellerKind.AEC3,
    Engine.NONE: CancellerKind.NONE,
    Engine.CEILING: CancellerKind.NONE,
}
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Sound:
    """A labelled sound of the room: what it is, and its frames [start, end)."""

    kind: Kind
    effort: Effort
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Listened:
    """What a take gave.

    tracks: by name, one value a window ("end", in frames, is when it was known; "probability-…" and "level-…" by
    treatment; levels in dBFS; "low" and "high" are mean squares in what the canceller left), one a
    block of 20 ms ("block-…", mean squares, and the canceller's microseconds).
    erle_db, user_db: microphone over what is left of it while nobody speaks, and the user's gain in labels.
    """

    take: Take
    noise: str
    sounds: tuple[Sound, ...]
    reply_from: int
    frames: int
    change_at: int | None
    erle_db: float
    user_db: float
    tracks: dict[str, NDArray[np.float32]]


def listen(take: Take, engine: Engine, treatments: Sequence[Treatment], corpus: Corpus) -> Listened:
    """Perform a take; the same every time, except for the microseconds."""
    stage = set_stage(make_scene(take.kind, take.seed, corpus, take.wishes), corpus)
    reply_from = _reply_from(take, stage)
    frames = stage.scene.frames // BLOCK_SAMPLES * BLOCK_SAMPLES
    played = np.zeros(frames, np.int16)
    played[reply_from:] = stage.reply[: frames - reply_from]
    heard = AcousticRoom(stage).listen(played)
    if engine is Engine.CEILING:
        played = np.zeros_like(played)
    mic = heard.mic.astype(np.float32) / np.float32(32768)
    if engine is Engine.CEILING:
        mic = heard.people + heard.noise
    control = make_echo_control(_KINDS[engine])
    left, tracks = _hear(control, treatments, mic, played.astype(np.float32) / np.float32(32768))
    return Listened(
        take=take,
        noise=stage.scene.noise.value,
        sounds=tuple(
            Sound(label.kind, label.effort, label.text, label.start_frame, label.end_frame) for label in stage.labels
        ),
        reply_from=reply_from,
        frames=frames,
        change_at=stage.scene.changes[0].at_frame if stage.scene.changes else None,
        erle_db=_erle_db(stage, mic, left, reply_from),
        user_db=_user_db(stage, heard, left, reply_from),
        tracks=tracks,
    )


def _reply_from(take: Take, stage: Stage) -> int:
    usual: int = stage.scene.reply_from_frame
    later = [label.start_frame for label in stage.labels if label.start_frame > usual]
    if take.start is Start.USUAL or not later:
        return usual
    before_s = np.random.default_rng((take.seed, 7)).uniform(*_LATE_S)
    return later[0] - round(float(before_s) * RATE_HZ)


def _hear(
    control: EchoControl, treatments: Sequence[Treatment], mic: NDArray[np.float32], played: NDArray[np.float32]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    ears = [Ear(treatment) for treatment in treatments]
    left = np.zeros_like(mic)
    rows: list[dict[str, float]] = []
    blocks: dict[str, list[float]] = {"block-mic": [], "block-played": [], "block-us": []}
    for start in range(0, len(mic), BLOCK_SAMPLES):
        block = slice(start, start + BLOCK_SAMPLES)
        began_s = time.perf_counter()
        left[block] = control.process(mic[block], played[block]).for_vad
        blocks["block-us"].append((time.perf_counter() - began_s) * 1e6)
        blocks["block-mic"].append(float(np.mean(np.square(mic[block]))))
        blocks["block-played"].append(float(np.mean(np.square(played[block]))))
        heard = [ear.hear(left[block]) for ear in ears]
        if heard[0] is None:
            continue
        row = _known(control) | _bands(left[max(0, block.stop - WINDOW_SAMPLES) : block.stop])
        row |= {"end": float(block.stop), "mic": dbfs(mic[max(0, block.stop - WINDOW_SAMPLES) : block.stop])}
        for treatment, found in zip(treatments, heard, strict=True):
            probability, level_dbfs = found or (0.0, 0.0)
            row |= {f"probability-{treatment.name}": probability, f"level-{treatment.name}": level_dbfs}
        rows.append(row)
    tracks = {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}
    return left, tracks | {name: np.array(values, np.float32) for name, values in blocks.items()}


def _known(control: EchoControl) -> dict[str, float]:
    """Say what the guard knows, as numbers; what it does not know is not a number."""
    report = control.report
    known = {
        "explains": float(control.is_echo()),
        "playing": float(report.playing),
        "convergence": float(CONVERGENCES.index(report.convergence)),
        "residual": _or_nan(report.residual_dbfs),
        "noise": _or_nan(report.noise_dbfs),
        "echo": _or_nan(report.echo_db),
        **dict.fromkeys(("evidence", "evidence_now", "coherence", "misfit"), math.nan),
    }
    if isinstance(control, ResidualEchoGuard):
        facts = control.canceller.facts
        known |= {"evidence": facts.evidence, "evidence_now": facts.evidence_now}
        known |= {"coherence": facts.coherence, "misfit": facts.misfit}
    return known


def _bands(samples: NDArray[np.float32]) -> dict[str, float]:
    power = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    scale = 1 / len(samples) ** 2
    found = {}
    for name, (least, most) in (("low", _LOW_HZ), ("high", _HIGH_HZ)):
        found[name] = float(power[(hz >= least) & (hz < most)].sum() * scale)
    return found


def _erle_db(stage: Stage, mic: NDArray[np.float32], left: NDArray[np.float32], reply_from: int) -> float:
    alone = np.ones(len(mic), np.bool_)
    # By then the echo's path is known.
    alone[: reply_from + 3 * RATE_HZ] = False
    for label in stage.labels:
        alone[label.start_frame : label.end_frame + RATE_HZ // 2] = False
    if not alone.any():
        return float("nan")
    return float(10 * np.log10((np.sum(mic[alone] ** 2) + _TINY) / (np.sum(left[alone] ** 2) + _TINY)))


def _user_db(stage: Stage, heard: Heard, left: NDArray[np.float32], reply_from: int) -> float:
    spoken = np.zeros(len(left), np.bool_)
    for label in stage.labels:
        if label.start_frame > reply_from:
            spoken[label.start_frame : label.end_frame] = True
    if not spoken.any():
        return float("nan")
    people = heard.people[spoken].astype(np.float64)
    return float(20 * np.log10(max(1e-6, np.dot(people, left[spoken]) / np.dot(people, people))))


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value
