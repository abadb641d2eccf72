"""Simulated devices as pairs of recordings, for script/bench real to judge as it judges real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tools.bench.real.listening import at_16_khz
from tools.bench.real.recordings import Kind as PairKind
from tools.bench.real.recordings import Recording, RecordingsError, Span, read_recordings
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.corpus import CLIP_DBFS, Clip, Corpus
from tools.simulator.equipment import MIX, Equipment
from tools.simulator.levels import RATE_HZ, frames_of, scaled_to
from tools.simulator.lines import Line
from tools.simulator.noises import NoiseKind
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import make_scene
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.simulator.sampling import Wishes

# What a pair has of the room before its reply: a recording does not begin with the first word either.
_BEFORE_S = 0.5
# As in six of the eight recordings of the AEC Challenge in which nobody speaks: the echo is 12 to 22 dB above a steady
# noise, which in a quiet room is 20 to 30 dB below a user.
_ECHO_DB = -8.0
_KINDS = {Kind.SILENCE: PairKind.FAR_END, Kind.DOUBLE_TALK: PairKind.DOUBLE_TALK}


def pairs(devices: int, first_seed: int, corpus: Corpus, wishes: Wishes) -> Iterator[Recording]:
    """Give two pairs of each of so many devices, mixed as they are met: nobody speaks, and somebody talks all the time.

    A wish for a class of devices makes all of them of that class. Noise and echo level that nobody wishes for are those
    of recordings.
    """
    echo_db = _ECHO_DB if wishes.echo_db is None else wishes.echo_db
    noise = wishes.noise or NoiseKind.QUIET
    for number, equipment in enumerate(_mixed(devices) if wishes.equipment is None else [wishes.equipment] * devices):
        wished = replace(wishes, equipment=equipment, noise=noise, echo_db=echo_db)
        for kind in _KINDS:
            yield _pair(kind, first_seed + number, equipment, corpus, wished)


def answering_as(folder: Path, corpus: Corpus) -> Corpus:
    """Give the corpus with other replies: what was played in the recordings of a folder in which nobody else speaks.

    Raises RecordingsError.
    """
    replies = [
        Clip(one.name, Line.REPLY, one.name, "", scaled_to(at_16_khz(one.played, one.rate_hz), CLIP_DBFS))
        for one in read_recordings(folder)
        if one.kind is PairKind.FAR_END
    ]
    if not replies:
        raise RecordingsError(folder, f"none of its recordings is of the kind {PairKind.FAR_END.value}")
    return corpus.answering_with(replies)


def _mixed(devices: int) -> list[Equipment]:
    """Give each class its share of the devices, to the nearest whole one."""
    shares = np.cumsum([0.0, *(weight for _, weight in MIX)])
    until = np.rint(shares / shares[-1] * devices).astype(int)
    return [equipment for (equipment, _), count in zip(MIX, np.diff(until), strict=True) for _ in range(count)]


def _pair(kind: Kind, seed: int, equipment: Equipment, corpus: Corpus, wishes: Wishes) -> Recording:
    rendered = render_scene(make_scene(kind, seed, corpus, wishes), corpus)
    played = rendered.uninterrupted()[: len(rendered.reply) // BLOCK_FRAMES * BLOCK_FRAMES]
    mic = AcousticRoom(rendered).step(played)
    begin = rendered.scene.reply_from_frame - frames_of(_BEFORE_S)
    spans = (
        Span((label.start_frame - begin) / RATE_HZ, (label.end_frame - begin) / RATE_HZ)
        for label in rendered.labels
        if label.kind is kind
    )
    name = f"{equipment.value}-{seed}-{_KINDS[kind].value}"
    return Recording(name, _KINDS[kind], RATE_HZ, mic[begin:], played[begin:], tuple(spans))
