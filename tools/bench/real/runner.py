"""Runs the recordings of a bench through all engines, in as many processes as wanted."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING

from tools.bench.real.judging import judge, judge_voice
from tools.bench.real.words import clips

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.bench.real.judging import Judged, JudgedVoice
    from tools.bench.real.recordings import Recording
    from tools.bench.real.voices import Added
    from tools.bench.real.words import Recogniser, Transcript
    from tools.bench.room.performance import Options

    Results = tuple[Sequence[Judged], Sequence[JudgedVoice]]


def run(
    engines: Sequence[Options], recordings: Sequence[Recording], voices: Sequence[Added], processes: int
) -> Mapping[str, Results]:
    """Give what became of each recording, and of each voice that was put into one, by engine."""
    # A process that is begun anew has none of this one's threads and locks.
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _be_quiet) as pool:
        return {
            options.engine.value: (
                list(pool.map(judge, recordings, repeat(options))),
                list(pool.map(judge_voice, voices, repeat(options))),
            )
            for options in engines
        }


def transcribe(
    engines: Sequence[Options], voices: Sequence[Added], processes: int, recogniser: Recogniser
) -> Mapping[str, Sequence[Transcript]]:
    """Give what a recogniser makes of each voice that was put into a recording, by engine."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _be_quiet) as pool:
        return {
            options.engine.value: [
                recogniser.transcribe(clip) for some in pool.map(clips, voices, repeat(options)) for clip in some
            ]
            for options in engines
        }


def _be_quiet() -> None:
    """Print nothing of what a satellite tells its user: the figures say it for all of them."""
    logging.disable(logging.WARNING)
