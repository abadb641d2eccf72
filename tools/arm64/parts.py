"""The parts of a satellite that work all the time, each at work between two marks: for counting their instructions.

`python -m tools.arm64.parts` runs them all, in the order of PARTS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from interject.satellite.aec.canceller import KalmanCanceller
from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.player import Player
from interject.satellite.audio.resampling import RATE_HZ, CaptureResampler
from interject.satellite.frontend.frontend import Cleaner, FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad, VadGain
from interject.satellite.wake.stop_grammar import StopDecoder
from tools.arm64.limits import Count
from tools.arm64.outputs import WAKE_WORD, wake_ear
from tools.bench.count_stop_words import syllables
from tools.bench.frontend import Sound, heard
from tools.bench.instructions import mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from interject.satellite.aec.base import Cancelled, EchoControl, EchoReport
    from interject.satellite.aec.canceller import Path
    from interject.satellite.audio.base import Samples

    # 20 ms of the microphone and of what is played.
    Pair = tuple[NDArray[np.float32], NDArray[np.float32]]

_T = TypeVar("_T")

_CARD_HZ = 48_000
_BLOCK_MS = 20
_BLOCKS_PER_S = 1000 // _BLOCK_MS
# What loads at the first call, and a canceller that still looks for the echo, are over by then.
_LEAD_IN_S = 2
_COUNTED_S = 10
_SLICE = RATE_HZ * _BLOCK_MS // 1000


@dataclass(frozen=True, slots=True)
class Part:
    """One part: `run` leads in, tells, works for _COUNTED_S seconds of audio, tells."""

    name: str
    run: Callable[[Callable[[], None]], None]


class _NotingControl:
    """Notes what an EchoControl is given and returns."""

    def __init__(self, control: EchoControl) -> None:
        self._control = control
        self.given: list[Pair] = []
        self.returned: list[Cancelled] = []

    @property
    def report(self) -> EchoReport:
        return self._control.report

    @property
    def path(self) -> Path | None:
        return self._control.path

    def process(self, mic_20ms: NDArray[np.float32], played_20ms: NDArray[np.float32]) -> Cancelled:
        cancelled = self._control.process(mic_20ms, played_20ms)
        self.given.append((mic_20ms.copy(), played_20ms.copy()))
        self.returned.append(cancelled)
        return cancelled

    def is_echo(self) -> bool:
        return self._control.is_echo()


class _NotingVad:
    """Notes the windows that are judged; while we speak, none is skipped."""

    def __init__(self) -> None:
        self._vad = SileroVad()
        self.windows: list[NDArray[np.float32]] = []

    def process(self, window: NDArray[np.float32]) -> float:
        self.windows.append(window.copy())
        return self._vad.process(window)

    def skip(self, window: NDArray[np.float32]) -> None:
        self._vad.skip(window)


@dataclass(frozen=True, slots=True)
class _Interrupted:
    """What each part of the front end is given while the user interrupts."""

    blocks: Sequence[tuple[Samples, Samples]]
    pairs: Sequence[Pair]
    for_vad: Sequence[NDArray[np.float32]]
    windows: Sequence[NDArray[np.float32]]


def _blocks(sound: Sound) -> list[tuple[Samples, Samples]]:
    mic, played = heard(sound, _CARD_HZ, _LEAD_IN_S + _COUNTED_S)
    frames = _CARD_HZ // _BLOCKS_PER_S
    return [(mic[at : at + frames], played[at : at + frames]) for at in range(0, len(mic), frames)]


@cache
def _interrupted() -> _Interrupted:
    control, vad = _NotingControl(make_echo_control(CancellerKind.KALMAN)), _NotingVad()
    settings = HearingSettings()
    front_end = FrontEnd(_CARD_HZ, settings, vad, control)
    blocks = _blocks(Sound.DOUBLE_TALK)
    for mic, played in blocks:
        front_end.push(mic, played)
    gain = VadGain(settings.vad_gain_db)
    return _Interrupted(blocks, control.given, [gain.process(each) for each in control.returned], vad.windows)


def _work(given: Sequence[_T], step: Callable[[_T], object], tell: Callable[[], None]) -> None:
    """Take one step for each of what is given; what comes of the seconds that count is between two tells."""
    lead_in = len(given) * _LEAD_IN_S // (_LEAD_IN_S + _COUNTED_S)
    for each in given[:lead_in]:
        step(each)
    tell()
    for each in given[lead_in:]:
        step(each)
    tell()


def _front_end(sound: Sound, canceller: CancellerKind) -> Callable[[Callable[[], None]], None]:
    def run(tell: Callable[[], None]) -> None:
        front_end = FrontEnd(_CARD_HZ, HearingSettings(), SileroVad(), make_echo_control(canceller))
        _work(_blocks(sound), lambda block: front_end.push(*block), tell)

    return run


def _resampling(tell: Callable[[], None]) -> None:
    mic_in, played_in = CaptureResampler(_CARD_HZ), CaptureResampler(_CARD_HZ)
    _work(_interrupted().blocks, lambda block: (mic_in.process(block[0]), played_in.process(block[1])), tell)


def _canceller(tell: Callable[[], None]) -> None:
    canceller = KalmanCanceller()
    _work(_interrupted().pairs, lambda pair: canceller.process(*pair), tell)


def _canceller_and_guard(tell: Callable[[], None]) -> None:
    control = make_echo_control(CancellerKind.KALMAN)
    # The guard is asked once a window; once a block is a little more.
    _work(_interrupted().pairs, lambda pair: (control.process(*pair), control.is_echo()), tell)


def _suppression(tell: Callable[[], None]) -> None:
    cleaner = Cleaner(HearingSettings().for_vad())
    _work(_interrupted().for_vad, cleaner.process, tell)


def _voice_activity(tell: Callable[[], None]) -> None:
    vad = SileroVad()
    _work(_interrupted().windows, vad.process, tell)


def _wake_word(tell: Callable[[], None]) -> None:
    ear = wake_ear(WAKE_WORD)
    mic, _ = heard(Sound.DOUBLE_TALK, RATE_HZ, _LEAD_IN_S + _COUNTED_S)
    _work(list(_slices(mic)), lambda piece: list(ear.hear(*piece)), tell)


def _stop_search(tell: Callable[[], None]) -> None:
    decoder = StopDecoder()
    decoder.begin()
    _work(list(_slices(syllables(_LEAD_IN_S + _COUNTED_S))), lambda piece: decoder.feed(piece[0].tobytes()), tell)


def _player(tell: Callable[[], None]) -> None:
    """Play a reply that arrives a second before it is to be heard, and say each block where it stands."""
    _, reply = heard(Sound.PLAYING, _CARD_HZ, _LEAD_IN_S + _COUNTED_S + 1)
    frames = _CARD_HZ // _BLOCKS_PER_S
    blocks = [reply[at : at + frames] for at in range(0, len(reply), frames)]
    player = Player(_CARD_HZ)
    player.begin(1)
    for block in blocks[:_BLOCKS_PER_S]:
        player.feed(1, block)

    def step(block: Samples) -> None:
        player.feed(1, block)
        player.render(frames)
        player.status(frames)

    _work(blocks[_BLOCKS_PER_S:], step, tell)


def _slices(samples: Samples) -> Iterator[tuple[Samples, int]]:
    for at in range(0, len(samples) - _SLICE + 1, _SLICE):
        yield samples[at : at + _SLICE], at + _SLICE


_INTERRUPTED = "front end: we speak, and the user interrupts"
_RESAMPLING, _CANCELLER, _SUPPRESSION = "- resampling to 16 kHz", "- echo canceller", "- noise suppression"
_VAD = "- VAD"
_CANCELLER_AND_GUARD, _GUARD, _REST = "- echo canceller and guard", "- echo guard", "- the rest"

PARTS = (
    Part("front end: a quiet room", _front_end(Sound.QUIET, CancellerKind.KALMAN)),
    Part("front end: we speak, and the device cancels", _front_end(Sound.PLAYING, CancellerKind.HARDWARE)),
    Part("front end: we speak", _front_end(Sound.PLAYING, CancellerKind.KALMAN)),
    Part(_INTERRUPTED, _front_end(Sound.DOUBLE_TALK, CancellerKind.KALMAN)),
    Part(_RESAMPLING, _resampling),
    Part(_CANCELLER, _canceller),
    Part(_CANCELLER_AND_GUARD, _canceller_and_guard),
    Part(_SUPPRESSION, _suppression),
    Part(_VAD, _voice_activity),
    Part(f"wake word: one model ({WAKE_WORD})", _wake_word),
    Part("stop word: the first 1.1 s of an utterance into a reply", _stop_search),
    Part("player: while a reply plays", _player),
)


def counts_of(runs: Sequence[Sequence[int]]) -> list[Count]:
    """Return what each part takes, from the instructions of PARTS in each run; guard and rest are differences."""
    millions = {
        part.name: np.array([run[number] for run in runs]) / _COUNTED_S / 1e6 for number, part in enumerate(PARTS)
    }
    both = millions[_CANCELLER_AND_GUARD]
    known = both + millions[_RESAMPLING] + millions[_SUPPRESSION] + millions[_VAD]
    derived = {_CANCELLER_AND_GUARD: (_GUARD, both - millions[_CANCELLER])}
    rows = [derived.get(name, (name, counted)) for name, counted in millions.items()]
    after = [name for name, _ in rows].index(_VAD) + 1
    rows.insert(after, (_REST, millions[_INTERRUPTED] - known))
    return [Count(name, counted.tolist()) for name, counted in rows]


def main() -> None:
    """Run them all; marks 2 k and 2 k + 1 are those of part k."""
    places = iter(range(2 * len(PARTS)))
    for part in PARTS:
        part.run(lambda: mark(next(places)))


if __name__ == "__main__":
    main()
