"""Draws a scene from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from tools.simulator.effort import USUAL_LEVEL_DB, Effort
from tools.simulator.equipment import MIX, Equipment, fit
from tools.simulator.impulse import Shell
from tools.simulator.levels import frames_of
from tools.simulator.lines import Line
from tools.simulator.loudspeaker import Loudspeaker
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import Change, DelayJump, Kind, Move, Place, Scene, Utterance, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.simulator.corpus import Clip, Corpus
    from tools.simulator.impulse import Point

T = TypeVar("T")

# Echo that is as loud as the user, and up to what a loudspeaker beside the microphone does at full volume.
ECHO_LEVELS_DB = (0.0, 5.0, 10.0, 15.0, 20.0)
SCENE_S = 30.0
# The room is quiet for a moment before the user asks.
_QUESTION_S = 0.5
# A satellite knows by now that the question is over, and its servers have answered.
_ANSWER_S = 1.2
# After the beginning of the reply: a canceller needs some seconds of playback before anything can be asked of it.
FIRST_UTTERANCE_S = 5.0
# Room for the reply that follows an interruption.
_BETWEEN_S = (5.0, 7.0)
# Sentences that follow each other in one breath.
_BREATH_S = (0.1, 0.3)
# The room rings out before the scene ends.
_LAST_S = 0.5
# A voice at 2-3 m in a microphone that does not clip; when the loudspeaker is louder, the gain must come down.
_VOICE_DBFS = -32.0
_LOUDEST_ECHO_DBFS = -20.0
# Of the seven far-end recordings whose microphone does not gate, three have 12 to 16 dB less echo at 200 to 500 Hz than
# at 500 to 1000 Hz for what is played, the others about as much.
_LOW_HZ = (120.0, 500.0)
# What the draws of an effort and of a noise are worth.
_EFFORTS = ((Effort.NORMAL, 0.8), (Effort.WHISPER, 0.1), (Effort.SHOUT, 0.1))
_NOISES = ((NoiseKind.QUIET, 0.5), *((kind, 0.125) for kind in NoiseKind if kind is not NoiseKind.QUIET))
_QUIET_SNR_DB = (20.0, 30.0)
_NOISY_SNR_DB = (10.0, 20.0)
_TV_LEVEL_DB = (-12.0, -4.0)
# Of real chains of buffers: 32 recordings of the AEC Challenge have 2 to 221 ms; 17 of them P50 35, P90 111.
_DELAY_MS = (2.0, 250.0)
_USUAL_DELAY_MS, _DELAY_SIGMA = 40.0, 0.9
# A buffer that slips does not get shorter than it can.
_SLIP_MS = 20.0
# Text-to-speech begins at once or fades in; a mixer in between adds its own to digital silence (a recording's
# reference hums at -68 dBFS throughout).
_FADE_IN_S = (0.05, 0.5)
_FADES_IN = 0.3
_HUM_DBFS = (-72.0, -64.0)
_HUMS = 0.25
# After the user's own places: the television, or whoever the user talks to; then where the user asks from.
_USER_PLACES = 3
_ASKING_PLACE = 4
# What a voice can ask, the best first; recorded voices may lack some.
_QUESTIONS = (Line.REQUEST, Line.COMMAND, Line.WORD, Line.BACKCHANNEL, Line.ASIDE)


class ChangeKind(Enum):
    """What may change in the middle of a scene."""

    NONE = "none"
    VOLUME = "volume"
    MOVE = "move"
    DELAY = "delay"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is not left to the seed; None leaves it to the seed, except for changes and drift, of which there is none.

    echo_db: 0 to 20 are usual. seconds: length of the scene.
    """

    echo_db: float | None = None
    seconds: float = SCENE_S
    noise: NoiseKind | None = None
    effort: Effort | None = None
    equipment: Equipment | None = None
    change: ChangeKind = ChangeKind.NONE
    drift_ppm: float = 0.0


_LINES: dict[Kind, Line] = {
    Kind.LONG: Line.REQUEST,
    Kind.SHORT: Line.COMMAND,
    Kind.WORD: Line.WORD,
    Kind.BACKCHANNEL: Line.BACKCHANNEL,
    Kind.COUGH: Line.COUGH,
    Kind.SIDE_TALK: Line.ASIDE,
    Kind.TV: Line.BROADCAST,
    Kind.DOUBLE_TALK: Line.REQUEST,
}


def make_scene(kind: Kind, seed: int, corpus: Corpus, wishes: Wishes | None = None) -> Scene:
    """Give the scene of a seed: with the same corpus and wishes always the same; a wish changes nothing else."""
    wished = wishes or Wishes()
    # A stream for each part, so that more of one leaves the others alone.
    setting, cast, talk, fate, asking, chain = (
        np.random.default_rng((seed, list(Kind).index(kind), part)) for part in range(6)
    )
    frames = frames_of(wished.seconds)
    shell, microphone, loudspeaker_at, places, noise_at = _furnish(setting, kind)
    noise = _weighted(setting, _NOISES)
    quiet_snr_db, noisy_snr_db = setting.uniform(*_QUIET_SNR_DB), setting.uniform(*_NOISY_SNR_DB)
    noise = wished.noise or noise
    drawn_echo_db = float(setting.choice(ECHO_LEVELS_DB))
    echo_db = drawn_echo_db if wished.echo_db is None else wished.echo_db
    clips = () if kind is Kind.SILENCE else _same_voice(talk, corpus.of(_LINES[kind]), kind)
    question = _question(asking, kind, corpus, clips)
    reply_from = question.at_frame + len(corpus.named(question.clip).samples) + frames_of(_ANSWER_S)
    said = _utterances(talk, kind, clips, (reply_from, frames), wished.effort) if clips else ()
    voice_dbfs = min(_VOICE_DBFS, _LOUDEST_ECHO_DBFS - echo_db)
    plain = Loudspeaker(
        knee=float(setting.uniform(0.5, 1.2)),
        asymmetry=float(setting.uniform(0, 0.08)),
        low_hz=float(setting.uniform(*_LOW_HZ)),
        high_hz=float(setting.uniform(5_500, 7_200)),
    )
    delay_ms = float(np.clip(chain.lognormal(np.log(_USUAL_DELAY_MS), _DELAY_SIGMA), *_DELAY_MS))
    fades_in, fade_in_s = chain.uniform() < _FADES_IN, float(chain.uniform(*_FADE_IN_S))
    hums, hum_dbfs = chain.uniform() < _HUMS, float(chain.uniform(*_HUM_DBFS))
    equipment = _weighted(chain, MIX)
    fitted = fit(wished.equipment or equipment, plain, voice_dbfs, chain)
    return Scene(
        kind=kind,
        seed=seed,
        frames=frames,
        shell=shell,
        microphone=microphone,
        loudspeaker_at=loudspeaker_at,
        places=places,
        noise_at=noise_at,
        reply=_reply(cast, corpus, frames),
        reply_from_frame=reply_from,
        loudspeaker=fitted.loudspeaker,
        capture=fitted.microphone,
        fade_in_s=fade_in_s if fades_in else 0.0,
        hum_dbfs=hum_dbfs if hums else None,
        delay_ms=delay_ms,
        drift_ppm=wished.drift_ppm,
        echo_db=echo_db,
        voice_dbfs=voice_dbfs,
        noise=noise,
        snr_db=float(quiet_snr_db if noise is NoiseKind.QUIET else noisy_snr_db),
        utterances=(question, *said),
        changes=_changes(fate, wished.change, frames, delay_ms),
    )


def _furnish(generator: np.random.Generator, kind: Kind) -> tuple[Shell, Point, Point, tuple[Place, ...], Point]:
    """Put the device near a wall and everybody else 2 to 3 m away."""
    width, depth, height = (float(generator.uniform(*span)) for span in ((4.5, 6.5), (4.0, 5.5), (2.4, 2.9)))
    shell = Shell((width, depth, height), float(generator.uniform(0.3, 0.5)))
    microphone = (float(generator.uniform(0.4, width - 0.4)), float(generator.uniform(0.25, 0.5)), 0.9)
    away_m, angle = generator.uniform(0.05, 0.10), generator.uniform(0, 2 * np.pi)
    loudspeaker_at = _beside(microphone, away_m * np.cos(angle), away_m * np.sin(angle), -0.01)
    people = [_person(generator, shell, microphone) for _ in range(_USER_PLACES + 1)]
    places = [Place(at, _behind(at, microphone) if kind is Kind.SIDE_TALK else microphone) for at in people]
    return shell, microphone, loudspeaker_at, (*places, Place(people[0], microphone)), people[-1]


def _behind(person: Point, microphone: Point) -> Point:
    """Give a point that somebody looks at who turns the back to the microphone."""
    return 2 * person[0] - microphone[0], 2 * person[1] - microphone[1], person[2]


def _person(generator: np.random.Generator, shell: Shell, microphone: Point) -> Point:
    width, depth, _ = shell.size_m
    distance, height = generator.uniform(2.0, 3.0), float(generator.uniform(1.1, 1.7))
    across = float(np.clip(microphone[0] + generator.uniform(-1.8, 1.8), 0.3, width - 0.3))
    along = np.sqrt(max(1.0, distance**2 - (across - microphone[0]) ** 2))
    return across, float(min(microphone[1] + along, depth - 0.3)), height


def _beside(point: Point, x: float, y: float, z: float) -> Point:
    return float(point[0] + x), float(point[1] + y), float(point[2] + z)


def _reply(generator: np.random.Generator, corpus: Corpus, frames: int) -> tuple[str, ...]:
    """Have one voice say its sentences in some order, again and again until the scene is over."""
    voices = sorted({clip.voice for clip in corpus.of(Line.REPLY)})
    voice = generator.choice(voices)
    sentences = [clip for clip in corpus.of(Line.REPLY) if clip.voice == voice]
    order = [sentences[int(index)] for index in generator.permutation(len(sentences))]
    names: list[str] = []
    length = 0
    while length < frames:
        clip = order[len(names) % len(order)]
        names.append(clip.name)
        length += len(clip.samples)
    return tuple(names)


def _question(generator: np.random.Generator, kind: Kind, corpus: Corpus, clips: Sequence[Clip]) -> Utterance:
    """Have the user of the scene ask, or somebody where only coughs and programmes are heard."""
    voices = {clip.voice for clip in corpus.of(Line.REQUEST)}
    voice = clips[0].voice if clips and kind not in {Kind.COUGH, Kind.TV} else generator.choice(sorted(voices))
    spoken = ([clip for clip in corpus.of(line) if clip.voice == voice] for line in _QUESTIONS)
    questions = next(clips for clips in spoken if clips)
    clip = questions[int(generator.integers(len(questions)))]
    at_frame, level_db = frames_of(_QUESTION_S), USUAL_LEVEL_DB[Effort.NORMAL]
    return Utterance(Kind.QUESTION, clip.name, at_frame, _ASKING_PLACE, Effort.NORMAL, level_db)


def _utterances(
    generator: np.random.Generator, kind: Kind, clips: Sequence[Clip], span: tuple[int, int], wished: Effort | None
) -> tuple[Utterance, ...]:
    """Fill the span from the first frame of the reply to the end of the scene."""
    reply_from, frames = span
    last = frames - frames_of(_LAST_S)
    between_s = _BREATH_S if kind in {Kind.DOUBLE_TALK, Kind.TV} else _BETWEEN_S
    found: list[Utterance] = []
    level_db = generator.uniform(*_TV_LEVEL_DB)
    at = reply_from + frames_of(FIRST_UTTERANCE_S + generator.uniform(0, 1))
    while True:
        clip = clips[int(generator.integers(len(clips)))]
        place = _USER_PLACES if kind is Kind.TV else int(generator.integers(_USER_PLACES))
        effort = _weighted(generator, _EFFORTS)
        pause = frames_of(generator.uniform(*between_s))
        if at + len(clip.samples) > last:
            return tuple(found)
        effort = _effort(kind, wished or effort)
        said_db = level_db if kind is Kind.TV else USUAL_LEVEL_DB[effort]
        found.append(Utterance(kind, clip.name, at, place, effort, float(said_db)))
        at += len(clip.samples) + pause


def _same_voice(generator: np.random.Generator, clips: Sequence[Clip], kind: Kind) -> Sequence[Clip]:
    """Let one person do all the talking; coughs and programmes come from anybody."""
    if kind in {Kind.COUGH, Kind.TV}:
        return clips
    voice = generator.choice(sorted({clip.voice for clip in clips}))
    return [clip for clip in clips if clip.voice == voice]


def _effort(kind: Kind, effort: Effort) -> Effort:
    match kind:
        case Kind.SIDE_TALK:
            return Effort.AWAY
        case Kind.COUGH | Kind.TV:
            return Effort.NORMAL
        case _:
            return effort


def _changes(generator: np.random.Generator, kind: ChangeKind, frames: int, delay_ms: float) -> tuple[Change, ...]:
    at = round(frames * generator.uniform(0.35, 0.6))
    sign, x, y = generator.choice((-1.0, 1.0)), generator.uniform(-0.3, 0.3), generator.uniform(0.05, 0.3)
    match kind:
        case ChangeKind.NONE:
            return ()
        case ChangeKind.VOLUME:
            return (Volume(at, float(6.0 * sign)),)
        case ChangeKind.DELAY:
            longer = sign > 0 or delay_ms < _SLIP_MS + _DELAY_MS[0]
            return (DelayJump(at, _SLIP_MS if longer else -_SLIP_MS),)
        case ChangeKind.MOVE:
            return (Move(at, (float(x), float(y), 0.0)),)


def _weighted(generator: np.random.Generator, choices: Sequence[tuple[T, float]]) -> T:
    return choices[int(generator.choice(len(choices), p=[weight for _, weight in choices]))][0]
