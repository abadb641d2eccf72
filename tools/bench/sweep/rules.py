"""When speech would have counted under a rule: the windows of a take through the turn machine's own evidence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.base import Convergence
from interject.satellite.aec.facts import OUR_OWN_COHERENCE, SOMEBODY_ELSE_EVIDENCE, EchoFacts
from interject.satellite.turn.events import VoiceWindow
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.satellite.turn.utterance import Utterance, update
from tools.bench.sweep.ears import AS_SHIPPED
from tools.bench.sweep.listening import CONVERGENCES
from tools.simulator.levels import RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.bench.sweep.ears import Treatment
    from tools.bench.sweep.listening import Listened

_FACTS = ("playing", "evidence", "evidence_now", "coherence", "misfit", "convergence")
_NAN = float("nan")


class Guard(Enum):
    """Where the echo guard is asked."""

    # Nowhere.
    NONE = "none"
    # A window that it does not agree to is as good as silent.
    EVERY_WINDOW = "every window"
    # Only until the utterance has triggered.
    AT_TRIGGER = "at the trigger"
    # As shipped, whatever the rule's limits are.
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Rule:
    """What makes a window voiced, and a run of them speech.

    phase: whose threshold counts. hold_ms: how long the guard's agreement lasts. treatment: before the detector.
    """

    turn: TurnSettings = field(default_factory=TurnSettings)
    phase: Phase = Phase.SPEAKING
    guard: Guard = Guard.EVERY_WINDOW
    least_evidence: float = SOMEBODY_ELSE_EVIDENCE
    most_coherence: float = OUR_OWN_COHERENCE
    hold_ms: float = 0.0
    treatment: Treatment = AS_SHIPPED

    def with_turn(self, **changes: float) -> Rule:
        """Give the rule with other numbers of turn-taking."""
        return replace(self, turn=replace(self.turn, **changes))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance as the rule sees it, in frames: its first voiced window's end, and when it counted (None: never).

    voiced: how many of its windows were; last: the end of the last one.
    """

    first: int
    trigger: int | None
    confirm: int | None
    last: int
    voiced: int
    voiced_ends: tuple[int, ...]


@lru_cache(maxsize=8192)
def spoken(listened: Listened, rule: Rule) -> tuple[Spoken, ...]:
    """Give the utterances of a take, in order."""
    found: list[Spoken] = []
    evidence, settings = Utterance(), rule.turn
    vad = settings.vad(rule.phase)
    lowest = vad.threshold - vad.hysteresis
    trigger: int | None = None
    confirm: int | None = None
    voiced: list[int] = []
    probabilities = listened.tracks[f"probability-{rule.treatment.name}"].tolist()
    agreed = agreements(listened, rule).tolist()
    for end, probability, agrees in zip(listened.tracks["end"].tolist(), probabilities, agreed, strict=True):
        if evidence.onset_s is None and probability < lowest:
            continue
        now = end / RATE_HZ
        own = not agrees and not (rule.guard is Guard.AT_TRIGGER and evidence.triggered)
        before = evidence
        evidence = update(evidence, VoiceWindow(probability, is_echo=own), now, rule.phase, settings)
        if evidence.onset_s is None:
            if voiced:
                found.append(Spoken(voiced[0], trigger, confirm, voiced[-1], len(voiced), tuple(voiced)))
            trigger, confirm, voiced = None, None, []
            continue
        if evidence.speech_ms > before.speech_ms:
            voiced.append(int(end))
        trigger = int(end) if trigger is None and evidence.triggered else trigger
        confirm = int(end) if confirm is None and evidence.confirmed else confirm
    if voiced:
        found.append(Spoken(voiced[0], trigger, confirm, voiced[-1], len(voiced), tuple(voiced)))
    return tuple(found)


def agreements(listened: Listened, rule: Rule) -> NDArray[np.bool_]:
    """Tell for each window whether the guard takes what is heard for somebody else's voice."""
    tracks = listened.tracks
    if rule.guard is Guard.NONE:
        return np.ones(len(tracks["end"]), np.bool_)
    agreed: NDArray[np.bool_] = tracks["explains"] == 0
    if rule.guard is not Guard.SHIPPED and np.isfinite(tracks["evidence"]).all():
        # Before the echo is known other limits count, and how loud it is.
        agreed = np.array(
            [
                facts.somebody_else(rule.least_evidence, rule.most_coherence)
                if not facts.playing or facts.convergence is Convergence.CONVERGED
                else loud
                for facts, loud in zip(_facts(listened), agreed.tolist(), strict=True)
            ],
            np.bool_,
        )
    held: NDArray[np.bool_] = agreed.copy()
    for windows in range(1, int(rule.hold_ms / rule.turn.window_ms) + 1):
        held[windows:] |= agreed[:-windows]
    return held


@lru_cache(maxsize=1024)
def _facts(listened: Listened) -> tuple[EchoFacts, ...]:
    """Give what the guard knew at the end of every window, as far as it decides."""
    columns = (listened.tracks[name].tolist() for name in _FACTS)
    return tuple(
        EchoFacts(
            playing=playing > 0,
            evidence=evidence,
            evidence_now=evidence_now,
            coherence=coherence,
            misfit=misfit,
            convergence=CONVERGENCES[int(convergence)],
            located=True,
            residual_dbfs=_NAN,
            noise_dbfs=_NAN,
            echo_db=None,
            erle_db=None,
            delay_ms=None,
            drift_ppm=_NAN,
        )
        for playing, evidence, evidence_now, coherence, misfit, convergence in zip(*columns, strict=True)
    )
