"""What the satellite would have made of the check-up: its own canceller, guard and voice activity detector."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from interject.satellite.aec.base import Convergence
from interject.satellite.audio.resampling import RATE_HZ
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoControl, EchoReport
    from interject.satellite.aec.canceller import Path
    from interject.satellite.doctor.recording import Layout, Recording
    from interject.satellite.frontend.vad import Vad

_BLOCK_S = 0.02
# The room rings, and the detector lets go, for this long after the speech.
_AFTER_S = 0.5
# By then a canceller has learnt what it can.
_LEARNT_S = 4.0
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the satellite would have heard while it alone spoke.

    converged_s: after how much of the speech its canceller was to be believed, None for never. gain_db: by how much the
    microphone is quieter after the canceller, noise included. windows: of 32 ms, during the speech; heard: those that
    sound like a voice; counted: those that its guard lets count as a user's. voices: share of the windows before,
    when nothing was played, that sound like a voice.
    """

    converged_s: float | None
    gain_db: float
    windows: int
    heard: int
    counted: int
    voices: float


class _Weighed:
    """An EchoControl that weighs what goes into another one and what comes out."""

    def __init__(self, control: EchoControl) -> None:
        self._control = control
        self.heard = 0.0
        self.left = 0.0

    @property
    def report(self) -> EchoReport:
        return self._control.report

    @property
    def path(self) -> Path | None:
        return self._control.path

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        cancelled = self._control.process(mic_20ms, played_20ms)
        self.heard += float(mic_20ms @ mic_20ms)
        self.left += float(cancelled.for_vad @ cancelled.for_vad)
        return cancelled

    def is_echo(self) -> bool:
        return self._control.is_echo()


def rehearse(
    recording: Recording, layout: Layout, control: EchoControl, vad: Vad, hearing: HearingSettings, threshold: float
) -> Rehearsal:
    """Let a satellite that has just started hear the silence and the speech; `threshold`: of its VAD in replies.

    Raises HearingError when a library fails.
    """
    weighed = _Weighed(control)
    front_end = FrontEnd(recording.rate_hz, replace(hearing, preroll_s=1.0), vad, weighed)
    first, last = layout.quiet.start, layout.speech.stop + round(_AFTER_S * recording.rate_hz)
    speech_s = (layout.speech.start - first) / recording.rate_hz
    step = round(_BLOCK_S * recording.rate_hz)
    converged_s: float | None = None
    windows = []
    for start in range(first, min(last, len(recording.mic)), step):
        block = slice(start, start + step)
        windows += front_end.push(recording.mic[block], recording.played[block])
        spoken_s = (start - first) / recording.rate_hz - speech_s
        if spoken_s < _LEARNT_S:
            weighed.heard = weighed.left = 0.0
        if converged_s is None and front_end.echo.playing and front_end.echo.convergence is Convergence.CONVERGED:
            converged_s = max(0.0, spoken_s)
    during = [window for window in windows if window.end_index > speech_s * RATE_HZ]
    before = windows[: len(windows) - len(during)]
    voiced = [window for window in during if window.probability >= threshold]
    return Rehearsal(
        converged_s=converged_s,
        gain_db=10 * math.log10((weighed.heard + _TINY) / (weighed.left + _TINY)),
        windows=len(during),
        heard=len(voiced),
        counted=sum(not window.is_echo for window in voiced),
        voices=sum(window.probability >= threshold for window in before) / max(1, len(before)),
    )
