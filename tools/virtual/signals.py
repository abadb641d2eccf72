"""Sounds whose every sample can be told: what was played is traced back to replies, what STT got to speech."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

RATE_HZ = 16_000
# Sounds of this many samples are found again by their signs alone, whatever gain or fade they went through.
SIGNATURE = 40
# How long a reply may be, in samples.
REPLY_SAMPLES = 6 * RATE_HZ
_REPLIES = 8
_OCTET = 8


@cache
def reply_voice(epoch: int) -> Samples:
    """Return the voice in which every reply of an epoch is spoken: noise that nothing else has."""
    generator = np.random.default_rng(1000 + epoch)
    signs = generator.choice(np.array([-1, 1], np.int16), REPLY_SAMPLES)
    return (signs * generator.integers(6_000, 12_000, REPLY_SAMPLES)).astype(np.int16)


def user_voice(utterance: int, samples: int) -> Samples:
    """Return an utterance: its magnitude tells which one it is."""
    signs = np.random.default_rng(utterance).choice(np.array([-1, 1], np.int16), samples)
    return (signs * magnitude(utterance)).astype(np.int16)


def magnitude(utterance: int) -> int:
    """Return the magnitude of all samples of an utterance."""
    return 5_000 + 10 * utterance


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one reply on the loudspeaker: content from `start` to `end`, at full length from `device` on."""

    epoch: int
    start: int
    end: int
    device: int


@cache
def _index() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = np.concatenate([_codes(reply_voice(epoch)) for epoch in range(1, _REPLIES + 1)])
    order = np.argsort(codes)
    return codes[order], order


def _codes(samples: Samples) -> NDArray[np.int64]:
    octets, bits = (samples > 0).astype(np.int64), 1
    while bits < _OCTET:
        octets = octets[:-bits] | octets[bits:] << bits
        bits *= 2
    count = len(samples) - SIGNATURE + 1
    codes = np.zeros(count, np.int64)
    for place in range(0, SIGNATURE, _OCTET):
        codes |= octets[place : place + count] << place
    return codes


def find_replies(loudspeaker: Samples) -> list[Run]:
    """Return the stretches of replies in what was played; where two sound at once there is none."""
    known, order = _index()
    audible = np.concatenate([[0], np.cumsum(loudspeaker != 0)])
    whole = audible[SIGNATURE:] - audible[:-SIGNATURE] == SIGNATURE
    at = np.flatnonzero(whole)
    codes = _codes(loudspeaker)[at]
    # In their order the codes find their places in so long a list several times as fast.
    ascending = np.argsort(codes)
    found = np.empty_like(at)
    found[ascending] = np.minimum(np.searchsorted(known, codes[ascending]), len(known) - 1)
    hit = known[found] == codes
    device, content = at[hit], order[found[hit]]
    per_reply = REPLY_SAMPLES - SIGNATURE + 1
    if not len(device):
        return []
    breaks = np.flatnonzero((np.diff(device) != 1) | (np.diff(content) != 1)) + 1
    runs = []
    for piece in np.split(np.arange(len(device)), breaks):
        first, last = int(content[piece[0]]), int(content[piece[-1]])
        epoch, start = divmod(first, per_reply)
        runs.append(Run(epoch + 1, start, last % per_reply + SIGNATURE, int(device[piece[0]])))
    return runs


def heard_samples(runs: Sequence[Run], epoch: int) -> int:
    """Return how far a reply got."""
    return max((run.end for run in runs if run.epoch == epoch), default=0)
