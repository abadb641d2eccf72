"""Turns a scene into sound: everything that does not depend on what the satellite plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.pcm import INT16_FULL_SCALE, to_int16
from tools.simulator import noises
from tools.simulator.convolution import convolve, convolve_loop
from tools.simulator.corpus import ONSET_SHARE, trimmed
from tools.simulator.effort import speak_with
from tools.simulator.impulse import PRE_FRAMES, Source, responses
from tools.simulator.levels import Signal, frames_of, level_dbfs, scaled, scaled_to
from tools.simulator.lines import Line
from tools.simulator.loudspeaker import Distortion, Driver, distortion_for
from tools.simulator.noises import NoiseKind
from tools.simulator.scene import DelayJump, Kind, Move, Scene, Volume

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples
    from tools.simulator.corpus import Corpus
    from tools.simulator.effort import Effort

# As text-to-speech programs deliver it.
REPLY_DBFS = -20.0
_BETWEEN_SENTENCES_S = 0.25
_ENERGY_FRAMES = 16
# The microphone's own noise, however quiet the room.
_HISS_DBFS = -72.0


@dataclass(frozen=True, slots=True)
class Label:
    """The truth about a sound at the microphone.

    start_frame: where its energy first comes within 40 dB of its highest. end_frame: one past the last direct sound;
    the room rings on. level_dbfs: its active level.
    """

    kind: Kind
    text: str
    clip: str
    voice: str
    effort: Effort
    place: int
    start_frame: int
    end_frame: int
    level_dbfs: float


@dataclass(frozen=True, slots=True, eq=False)
class NewResponse:
    """From this frame on the loudspeaker is heard through another response."""

    at_frame: int
    response: Signal


@dataclass(frozen=True, slots=True, eq=False)
class RenderedScene:
    """A scene ready to be played.

    reply: what the assistant says from its first word on, 16 bit. hum: one period of what is always played. people:
    everybody but the loudspeaker, at the microphone. noise: one period. distortion: of the loudspeaker. echo_response:
    from the distorted loudspeaker to the microphone, the scene's echo level in it.
    """

    scene: Scene
    labels: tuple[Label, ...]
    reply: Samples
    hum: Samples
    people: Signal
    noise: Signal
    distortion: Distortion
    echo_response: Signal
    changes: tuple[Volume | DelayJump | NewResponse, ...]

    def uninterrupted(self) -> Samples:
        """Give what is played, as long as the scene, if the assistant answers and nothing makes it stop."""
        played = np.zeros_like(self.reply)
        begin = self.scene.reply_from_frame
        played[begin:] = self.faded_in(self.reply[: len(played) - begin], 0)
        return self.sent(played, 0)

    def faded_in(self, piece: Samples, frame: int) -> Samples:
        """Give a piece of a reply, `frame` of its own, as text-to-speech delivers it."""
        fade = frames_of(self.scene.fade_in_s)
        if frame >= fade:
            return piece
        gains = np.minimum(1.0, (frame + np.arange(len(piece))) / fade)
        faded: Samples = np.rint(piece * gains).astype(np.int16)
        return faded

    def sent(self, played: Samples, frame: int) -> Samples:
        """Give what the device sends to its loudspeaker for what it is told to play from a frame of the scene on."""
        if self.scene.hum_dbfs is None:
            return played
        hum = self.hum.take(np.arange(frame, frame + len(played)), mode="wrap").astype(np.int32)
        sent: Samples = np.clip(played + hum, -INT16_FULL_SCALE, INT16_FULL_SCALE - 1).astype(np.int16)
        return sent


@dataclass(frozen=True, slots=True, eq=False)
class _Air:
    """The ways to the microphone while the device stands in one spot; `people` has those of the places in use."""

    from_frame: int
    echo: Signal
    people: dict[int, Signal]
    noise: Signal


def render_scene(scene: Scene, corpus: Corpus) -> RenderedScene:
    """Compute the scene's sound, in about 0.1 s; RoomToolMissingError without pyroomacoustics."""
    airs = _airs(scene)
    reply = _reply(scene, corpus)
    signal = reply.astype(np.float32) / np.float32(INT16_FULL_SCALE)
    distortion = distortion_for(scene.loudspeaker, signal)
    driven = Driver(scene.loudspeaker, distortion).process(signal)
    gain_db = scene.voice_dbfs + scene.echo_db - level_dbfs(convolve(driven, airs[0].echo))
    people, labels = _people(scene, corpus, airs)
    moves = (NewResponse(air.from_frame, scaled(air.echo, gain_db)) for air in airs[1:])
    others = (change for change in scene.changes if not isinstance(change, Move))
    return RenderedScene(
        scene=scene,
        labels=labels,
        reply=reply,
        hum=_hum(scene),
        people=people,
        noise=_noise(scene, corpus, airs[0]),
        distortion=distortion,
        echo_response=scaled(airs[0].echo, gain_db),
        changes=tuple(sorted((*moves, *others), key=lambda change: change.at_frame)),
    )


def _airs(scene: Scene) -> list[_Air]:
    band = scene.loudspeaker.response()
    places = sorted({utterance.place for utterance in scene.utterances})
    airs = []
    microphone, loudspeaker, at = scene.microphone, scene.loudspeaker_at, 0
    for move in (None, *(change for change in scene.changes if isinstance(change, Move))):
        if move is not None:
            microphone, loudspeaker = (
                (point[0] + move.by_m[0], point[1] + move.by_m[1], point[2] + move.by_m[2])
                for point in (microphone, loudspeaker)
            )
            at = move.at_frame
        people = [Source(scene.places[place].at, scene.places[place].facing) for place in places]
        echo, noise, *voices = responses(
            scene.shell, microphone, [Source(loudspeaker), Source(scene.noise_at), *people]
        )
        airs.append(_Air(at, convolve(echo, band), dict(zip(places, voices, strict=True)), noise))
    return airs


def _reply(scene: Scene, corpus: Corpus) -> Samples:
    pause = np.zeros(frames_of(_BETWEEN_SENTENCES_S), np.float32)
    pieces = [piece for name in scene.reply for piece in (corpus.named(name).samples, pause)]
    return to_int16(scaled_to(np.concatenate(pieces)[: scene.frames], REPLY_DBFS))


def _hum(scene: Scene) -> Samples:
    """Give what a mixer adds to silence: mains and dither."""
    if scene.hum_dbfs is None:
        return np.zeros(1, np.int16)
    return to_int16(scaled_to(noises.hum(np.random.default_rng((scene.seed, 2))), scene.hum_dbfs))


def _people(scene: Scene, corpus: Corpus, airs: list[_Air]) -> tuple[Signal, tuple[Label, ...]]:
    track = np.zeros(scene.frames, np.float32)
    labels = []
    for number, utterance in enumerate(scene.utterances):
        clip = corpus.named(utterance.clip)
        said = trimmed(speak_with(utterance.effort, clip.samples, np.random.default_rng((scene.seed, number))))
        air = [air for air in airs if air.from_frame <= utterance.at_frame][-1]
        heard = convolve(said, air.people[utterance.place])
        onset, end = _onset(heard), PRE_FRAMES + len(said)
        level = scene.voice_dbfs + utterance.level_db
        heard = scaled(heard, level - level_dbfs(heard[onset:end]))
        begin = utterance.at_frame - PRE_FRAMES
        track[begin : begin + len(heard)] += heard[: scene.frames - begin]
        told = utterance.kind, clip.text, clip.name, clip.voice, utterance.effort, utterance.place
        labels.append(Label(*told, start_frame=begin + onset, end_frame=begin + end, level_dbfs=level))
    return track, tuple(labels)


def _onset(heard: Signal) -> int:
    """Give the sample from which on a millisecond's energy is within 40 dB of the highest."""
    energies = np.convolve(heard.astype(np.float64) ** 2, np.ones(_ENERGY_FRAMES))[_ENERGY_FRAMES - 1 :]
    return int(np.argmax(energies >= ONSET_SHARE**2 * energies.max())) + _ENERGY_FRAMES // 2


def _noise(scene: Scene, corpus: Corpus, air: _Air) -> Signal:
    generator = np.random.default_rng((scene.seed, list(NoiseKind).index(scene.noise), 1))
    hiss = scaled_to(noises.quiet(generator), _HISS_DBFS)
    match scene.noise:
        case NoiseKind.QUIET:
            dry = noises.quiet(generator)
        case NoiseKind.FAN:
            dry = noises.fan(generator)
        case NoiseKind.KITCHEN:
            dry = noises.kitchen(generator)
        case NoiseKind.MUSIC:
            dry = noises.music(generator)
        case NoiseKind.TV:
            clips = corpus.of(Line.BROADCAST)
            dry = noises.television([clips[int(index)].samples for index in generator.permutation(len(clips))[:3]])
    wet = scaled_to(convolve_loop(dry, air.noise), scene.voice_dbfs - scene.snr_db)
    loop: Signal = wet + hiss
    return loop
