"""From a performance to what it is worth: everything here is pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.aec.base import Convergence
from tools.bench.room.episodes import Episode, Stretch, episodes, speaking
from tools.bench.room.judged import (
    AFTERWARDS_S,
    HOLE_S,
    AlarmKind,
    FalseAlarm,
    Group,
    Judged,
    Latencies,
    Outcome,
    Recovery,
)
from tools.bench.room.moments import moments
from tools.bench.room.roc import roc
from tools.bench.room.sound import ducked_at, erle_db, near_end_db, silent_at
from tools.simulator.levels import RATE_HZ
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples
    from tools.bench.room.performance import Judgment, Options, Performance
    from tools.simulator.rendering import Label

# Who has been converged for so long after a change has recovered from it.
_SETTLED_S = 3.0
# Who has no answer by then asks again.
_PATIENCE_S = 3.0
# Nobody is heard sooner after the first sound: what stops a reply before that is not the one who speaks.
_SOONEST_S = 0.1
# In the first seconds of playback the canceller learns.
_LEARNING_S = 3.0


def judge(performance: Performance, options: Options, group: Group) -> Judged:
    """Judge one performance."""
    stage = performance.rendered
    seconds = len(performance.mic) / RATE_HZ
    spoken = speaking(performance.records, seconds)
    heard, others = attributed(stage.labels, episodes(performance.records, seconds))
    outcomes = tuple(
        _outcome(label, caused, performance, spoken) for label, caused in heard if label.kind is not Kind.QUESTION
    )
    alarms = tuple(_alarm(episode) for episode in others)
    into_reply = [label for label in stage.labels if _has(spoken, label.start_frame / RATE_HZ)]
    return Judged(
        name=stage.scene.name,
        engine=options.engine.value,
        group=group,
        kind=stage.scene.kind,
        seed=stage.scene.seed,
        echo_db=stage.scene.echo_db,
        noise=stage.scene.noise,
        seconds=seconds,
        answered=answered(performance.records, stage.labels[0].end_frame / RATE_HZ),
        playback_s=sum(stretch.end_s - stretch.start_s for stretch in spoken),
        air_s=stage.scene.delay_ms / 1000,
        outcomes=outcomes,
        false_alarms=alarms,
        recoveries=tuple(
            recovery(change.at_frame / RATE_HZ, performance.judgments, spoken) for change in stage.scene.changes
        ),
        roc=roc(performance.judgments, stage.labels, spoken, options.turn),
        erle_db=erle_db(performance.mic, performance.kept, _only_us(performance, spoken)),
        near_end_db=near_end_db(
            performance.people, performance.kept, [slice(label.start_frame, label.end_frame) for label in into_reply]
        ),
        cpu_ms=_cpu_ms(performance),
        moments=moments(performance, outcomes, alarms),
        modes=tuple(
            (record["barge_in"], record["t"]) for record in performance.records if record["type"] == "duplex-mode"
        ),
    )


def attributed(
    labels: Sequence[Label], every: Sequence[Episode]
) -> tuple[list[tuple[Label, list[Episode]]], list[Episode]]:
    """Give each label with the episodes that began in it or closely after it, and those that nobody caused.

    Where somebody speaks into a duck that nobody caused, what comes of it is theirs, and the duck is nobody's.
    """
    left = list(every)
    heard = []
    for label, following in pairwise([*labels, None]):
        if label is None:
            break
        end_s = label.end_frame / RATE_HZ + AFTERWARDS_S
        if following is not None:
            end_s = min(end_s, following.start_frame / RATE_HZ)
        cause = Stretch(label.start_frame / RATE_HZ, end_s)
        caused = [episode for episode in left if cause.has(episode.began_s)]
        spoken_into = [episode for episode in left if episode.began_s < cause.start_s and _stops(episode, cause)]
        ducks = [Episode(episode.began_s, resumed_s=cause.start_s) for episode in spoken_into]
        left = [*ducks, *(episode for episode in left if episode not in caused and episode not in spoken_into)]
        heard.append((label, spoken_into + caused))
    return heard, left


def _stops(episode: Episode, cause: Stretch) -> bool:
    stopped_s = episode.stopped_s
    return stopped_s is not None and stopped_s >= cause.start_s + _SOONEST_S and cause.has(stopped_s)


def latencies(onset_s: float, caused: Sequence[Episode], loudspeaker: Samples, reference: Samples) -> Latencies:
    """Give the latencies of what a sound led to: of the pause that lasted, where one did, else of the first.

    A duck that had begun before has none. loudspeaker: what was handed to the device from the scene's first frame on;
    reference: the same at full level.
    """
    if not caused:
        return Latencies()
    ducked_s = ducked_at(loudspeaker, reference, caused[0]) if caused[0].began_s >= onset_s else None
    stops = [episode for episode in caused if episode.committed_s is not None] or caused
    stop = next((episode for episode in stops if episode.stopped_s is not None), None)
    if stop is None or stop.stopped_s is None:
        return Latencies(duck_s=_since(onset_s, ducked_s))
    return Latencies(
        duck_s=_since(onset_s, ducked_s),
        pause_s=stop.stopped_s - onset_s,
        silence_s=silent_at(loudspeaker, onset_s, stop.stopped_s) - onset_s,
        commit_s=_since(onset_s, stop.committed_s),
    )


def recovery(changed_s: float, judgments: Sequence[Judgment], spoken: Sequence[Stretch]) -> Recovery:
    """Tell how much was played before the control was converged and stayed so."""
    since_s: float | None = None
    for judgment in judgments:
        at_s = judgment.window.end_index / RATE_HZ
        if at_s < changed_s:
            continue
        if judgment.report.convergence is not Convergence.CONVERGED:
            since_s = None
            continue
        since_s = at_s if since_s is None else since_s
        if at_s - since_s >= _SETTLED_S:
            break
    if since_s is None:
        return Recovery(changed_s, None)
    played_s = sum(max(0.0, min(stretch.end_s, since_s) - max(stretch.start_s, changed_s)) for stretch in spoken)
    return Recovery(changed_s, played_s)


def _outcome(label: Label, caused: Sequence[Episode], performance: Performance, spoken: Sequence[Stretch]) -> Outcome:
    onset_s = label.start_frame / RATE_HZ
    return Outcome(
        kind=label.kind,
        text=label.text,
        clip=label.clip,
        voice=label.voice,
        effort=label.effort,
        start_s=onset_s,
        end_s=label.end_frame / RATE_HZ,
        level_dbfs=label.level_dbfs,
        speaking=_has(spoken, onset_s),
        latencies=latencies(onset_s, caused, performance.loudspeaker, performance.reference),
        hole_s=sum(episode.hole_s for episode in caused if episode.hole_s >= HOLE_S),
    )


def _alarm(episode: Episode) -> FalseAlarm:
    if episode.committed_s is not None:
        kind = AlarmKind.COMMIT
    else:
        kind = AlarmKind.DUCK if episode.paused_s is None else AlarmKind.PAUSE
    return FalseAlarm(kind, episode.began_s, episode.hole_s)


def answered(records: Iterable[Mapping[str, Any]], question_s: float) -> bool:
    """Tell whether a question that was over at a time was heard, and its end noticed in time."""
    began = next((record for record in records if record["type"] in {"typed", "ask"}), None)
    return began is not None and began["type"] == "ask" and began["t"] <= question_s + _PATIENCE_S


def _only_us(performance: Performance, spoken: Sequence[Stretch]) -> NDArray[np.bool_]:
    """Choose the frames in which nobody but the satellite speaks, and its canceller knows the room."""
    chosen = np.zeros(len(performance.mic), np.bool_)
    for stretch in spoken:
        chosen[round(stretch.start_s * RATE_HZ) : round(stretch.end_s * RATE_HZ)] = True
    learnt_s = spoken[0].start_s + _LEARNING_S if spoken else 0.0
    chosen[: round(learnt_s * RATE_HZ)] = False
    for label in performance.rendered.labels:
        chosen[label.start_frame : label.end_frame + round(AFTERWARDS_S * RATE_HZ)] = False
    return chosen


def _cpu_ms(performance: Performance) -> tuple[float, ...]:
    """Sum up whole seconds."""
    blocks = RATE_HZ // performance.block_frames
    spent = performance.cpu_s
    whole = len(spent) // blocks * blocks
    return tuple(round(1000 * sum(spent[first : first + blocks]), 2) for first in range(0, whole, blocks))


def _since(onset_s: float, at_s: float | None) -> float | None:
    return None if at_s is None else at_s - onset_s


def _has(stretches: Sequence[Stretch], at_s: float) -> bool:
    return any(stretch.has(at_s) for stretch in stretches)
