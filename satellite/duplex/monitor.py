"""Follows the echo while something plays, chooses the duplex mode, and tells of each change."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.duplex.modes import DuplexMode, ModeState, Reason, cut_off_for_nothing, observe, settings_for
from interject.satellite.duplex.statistics import Observation
from interject.satellite.records.device import DuplexModeChanged, EmptyInterruption
from interject.satellite.turn.settings import BargeIn

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.satellite.aec.base import EchoReport
    from interject.satellite.audio.base import Block, Samples
    from interject.satellite.turn.settings import TurnSettings
    from interject.satellite.turn.state import State
    from interject.wire.trace import Record

_LOGGER = logging.getLogger(__name__)

# A duplex mode lasts for seconds: looking more often would be work for nothing.
_LOOK_EVERY_S = 0.1
# Resamplers and gains leave a clipped sample a little below the last one.
_CLIPPED = 32_700
# Single peaks do no harm: a loudspeaker turned up by 6 dB in tests/room (silence, seed 103) clips 0.01 to 0.08 % of the
# samples, and the canceller copes.
_CLIPPED_SHARE = 0.005

_WHY = {
    Reason.ECHO: "our own voice comes back at {echo_db:.0f} dB, too loud to tell the user from it without a canceller",
    Reason.RESIDUAL: "our own voice is so loud that what is left of it, {residual_dbfs:.0f} dBFS, drowns the user's",
    Reason.NOT_CONVERGED: "the echo canceller does not find our own voice in what the microphone hears",
    Reason.UNSTEADY: "the delay of our own voice jumps again and again",
    Reason.EMPTY_CUTS: "replies were cut off by a voice that said nothing, perhaps our own",
    Reason.CLIPPING: "our own voice is too loud for the microphone, which clips",
}
_REMEDY = {
    Reason.UNSTEADY: "use one device for microphone and loudspeaker",
    Reason.CLIPPING: "turn the microphone's gain or the loudspeaker down",
}
_USUAL_REMEDY = "turn the loudspeaker down or away from the microphone, or use headphones"
_EFFECT = {
    BargeIn.SPEECH: "speech interrupts replies again",
    BargeIn.WAKE_WORD: "only a stop word or wake word interrupts replies",
    BargeIn.STOP_WORD: "only a stop word interrupts replies",
    BargeIn.OFF: "nothing interrupts replies",
}


class DuplexMonitor:
    """Keeps the duplex mode, and tells of each change: a record `duplex-mode`."""

    def __init__(self, settings: TurnSettings, emit: Callable[[Record], None]) -> None:
        self._chosen = settings
        self._emit = emit
        self._state = ModeState()
        # What was heard and played since the last look.
        self._mic: list[Samples] = []
        self._played: list[Samples] = []
        self._looked_s = 0.0
        self.settings = settings

    def follow(self, block: Block, look: Callable[[], EchoReport], now_s: float, turn: State) -> None:
        """Take in a block of audio; `look` tells what is known of the echo. What may interrupt is in `settings`."""
        self._mic.append(block.mic)
        self._played.append(block.played)
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        report = look()
        mic, played = _joined(self._mic), _joined(self._played)
        seen = Observation(
            now_s=now_s,
            report=report,
            mic_power=_power(mic),
            played_power=_power(played),
            user_power=turn.user.usual,
            clips=_clipped_share(mic) >= _CLIPPED_SHARE,
            live=turn.live,
        )
        self._mic, self._played = [], []
        before = self._state
        self._state = observe(before, seen)
        if self._state.mode is not before.mode:
            self._tell(before, report)

    def cut_off_for_nothing(self, now_s: float, report: EchoReport) -> None:
        """Somebody's voice cut a reply off, and said nothing: it may have been our own."""
        self._emit(EmptyInterruption(echo_db=report.echo_db))
        self._state = cut_off_for_nothing(self._state, now_s)

    def _tell(self, before: ModeState, report: EchoReport) -> None:
        state, was = self._state, self.settings
        self.settings = settings_for(state.mode, self._chosen)
        left_dbfs = state.history.left_dbfs
        self._emit(
            DuplexModeChanged(
                mode=state.mode.value,
                was=before.mode.value,
                reason=None if state.reason is None else state.reason.value,
                barge_in=self.settings.barge_in.value,
                barge_in_was=was.barge_in.value,
                echo_db=report.echo_db,
                residual_dbfs=report.residual_dbfs if left_dbfs is None else left_dbfs,
                noise_dbfs=report.noise_dbfs,
                erle_db=report.erle_db,
                delay_ms=report.delay_ms,
                drift_ppm=report.drift_ppm,
            )
        )


def log_duplex_mode(record: DuplexModeChanged) -> None:
    """Log what a duplex mode means, unless it takes nothing away from --barge-in."""
    if record.barge_in == record.barge_in_was:
        return
    mode, effect = DuplexMode(record.mode), _EFFECT[BargeIn(record.barge_in)]
    if mode.is_better(DuplexMode(record.was)):
        _LOGGER.warning("our own voice can be told from the user's better: %s", effect)
        return
    reason = Reason(record.reason)
    remedy = _REMEDY.get(reason, _USUAL_REMEDY)
    _LOGGER.warning("%s: %s until that is better; %s", _WHY[reason].format_map(record.fields()), effect, remedy)


def _joined(blocks: list[Samples]) -> NDArray[np.float32]:
    return np.concatenate(blocks, dtype=np.float32)


def _power(signal: NDArray[np.float32]) -> float:
    """Return the mean square, full scale 1."""
    return float(signal.dot(signal)) / (max(1, len(signal)) * INT16_FULL_SCALE**2)


def _clipped_share(signal: NDArray[np.float32]) -> float:
    """Return the share of samples at the limit, 0 to 1."""
    return np.count_nonzero(np.abs(signal) >= _CLIPPED) / max(1, len(signal))
