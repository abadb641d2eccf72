"""What the parts of a satellite make of the same sounds, for two processors to be compared.

`python -m tools.arm64.outputs FILE` writes them to a file, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.satellite.audio.player import Player
from interject.satellite.audio.wav import read_wav
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import RATE_HZ, WINDOW_SAMPLES, SileroVad
from interject.satellite.settings.wake import WakeEngine
from interject.satellite.wake.base import Role, WordModel
from interject.satellite.wake.engine import Ear
from interject.satellite.wake.micro import MicroEngine
from interject.satellite.wake.models import choose, find_models
from interject.satellite.wake.stop_grammar import StopDecoder
from interject.satellite.wake.stop_search import Utterance, slices_of
from interject.wire.errors import InterjectError
from tools.bench.frontend import Sound, heard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Samples

CLIPS = Path(__file__).resolve().parents[2] / "tests" / "clips"
WAKE_WORD = "okay_nabu"
_SILENCE_S = 1.0
# A quiet room, -65 dBFS.
_NOISE = 18.0
_CARD_HZ = 48_000
_FRONT_END_S = 8
_REFRACTORY_S = 2.0
_BLOCKS_PER_S = 50


class NoWakeModelError(InterjectError):
    """The wheel has no model of the word."""


def wake_ear(name: str) -> Ear:
    """Return an ear for one word of microWakeWord's wheel; raises NoWakeModelError, WakeModelError."""
    model = choose(name, WakeEngine.MICRO, find_models(()))
    if model is None or model.engine is not WakeEngine.MICRO:
        raise NoWakeModelError(name)
    engine = MicroEngine([model])
    words = {word.name: WordModel(word.name, word.phrase, Role.WAKE) for word in engine.words}
    return Ear(engine, words, {}, _REFRACTORY_S)


def outputs() -> Mapping[str, NDArray[np.generic]]:
    """Return all of it, by names."""
    return {
        "vad": np.array(_probabilities("tell_me_a_long_story")),
        "wake": np.array(_wake_words("okay_nabu_turn_on_the_light")),
        "stop": np.array(_stop_words("stop")),
        "no_stop": np.array(_stop_words("what_time_is_it")),
        "player": _played(),
        **_front_end(),
    }


def _clip(name: str) -> Samples:
    """Return a clip with silence around it, in the noise of a room."""
    silence = np.zeros(round(_SILENCE_S * RATE_HZ))
    sound = np.concatenate([silence, read_wav(CLIPS / f"{name}.wav", RATE_HZ), silence])
    sound += _NOISE * np.random.default_rng(1).standard_normal(len(sound))
    clip: Samples = np.clip(sound, -INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype(np.int16)
    return clip


def _probabilities(name: str) -> list[float]:
    vad = SileroVad()
    sound = _clip(name).astype(np.float32) / np.float32(INT16_FULL_SCALE)
    starts = range(0, len(sound) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    return [vad.process(sound[at : at + WINDOW_SAMPLES]) for at in starts]


def _wake_words(name: str) -> list[int]:
    """Return where each wake word ends."""
    sound = _clip(name)
    ear = wake_ear(WAKE_WORD)
    starts = range(0, len(sound) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    found = [word for at in starts for word in ear.hear(sound[at : at + WINDOW_SAMPLES], at + WINDOW_SAMPLES)]
    return [word.end_index for word in found if word.end_index is not None]


def _stop_words(name: str) -> list[int]:
    """Return by which sample each stop word is heard, its onset being given."""
    utterance = Utterance(StopDecoder(), round(_SILENCE_S * RATE_HZ))
    for samples, end_index in slices_of(_clip(name), round(_SILENCE_S * RATE_HZ)):
        found = utterance.hear(samples, end_index)
        if found is not None:
            return [found.heard_index]
    return []


def _played() -> Samples:
    """Return what a player makes of a reply that ducks, comes back, pauses, goes on and is flushed."""
    _, reply = heard(Sound.PLAYING, _CARD_HZ, 3)
    player = Player(_CARD_HZ)
    player.begin(1)
    player.feed(1, reply)
    orders: dict[int, Callable[[], object]] = {
        25: player.duck,
        50: player.unduck,
        75: player.pause,
        85: lambda: player.resume(_CARD_HZ // 10),
        120: lambda: player.flush(1),
    }
    rendered = []
    for block in range(3 * _BLOCKS_PER_S):
        if block in orders:
            orders[block]()
        rendered.append(player.render(_CARD_HZ // _BLOCKS_PER_S))
    return np.concatenate(rendered)


def _front_end() -> dict[str, NDArray[np.generic]]:
    front_end = FrontEnd(_CARD_HZ, HearingSettings(), SileroVad(), make_echo_control(CancellerKind.KALMAN))
    mic, played = heard(Sound.DOUBLE_TALK, _CARD_HZ, _FRONT_END_S)
    windows, kept = [], []
    block = _CARD_HZ // _BLOCKS_PER_S
    for at in range(0, len(mic), block):
        until = front_end.ring.end
        windows += front_end.push(mic[at : at + block], played[at : at + block])
        kept.append(front_end.ring.since(until))
    return {
        "front_end_probability": np.array([window.probability for window in windows]),
        "front_end_own_voice": np.array([window.is_echo for window in windows]),
        "front_end_level_db": np.array([window.level_db for window in windows]),
        "front_end_kept": np.concatenate(kept),
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps({name: values.tolist() for name, values in outputs().items()}))
