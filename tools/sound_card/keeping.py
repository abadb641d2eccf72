"""Pairs for `script/bench real`, recorded through the virtual card: what it played, and what its microphone got."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.satellite.audio.base import running
from interject.satellite.audio.player import PlayerPhase
from interject.satellite.doctor.recording import Recording
from interject.wire.errors import InterjectError
from tools.bench.real.recordings import Kind as Heard
from tools.simulator.convolution import convolve
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.noises import NoiseKind
from tools.simulator.sampling import Wishes, make_scene
from tools.simulator.scene import Kind
from tools.sound_card.pauses import Deck
from tools.sound_card.talk import on_card

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from interject.satellite.audio.base import Device, Samples
    from tools.simulator.corpus import Corpus
    from tools.simulator.scene import Scene
    from tools.sound_card.card import RoomCard

# A moment of the quiet room, then the reply; who breaks in does so when a canceller has had three seconds of it.
_LEAD_S = 0.25
_USER_AFTER_S = 3.0
# So much of what was said is looked for in what was recorded.
_KNOWN_S = 0.6
# On a busy machine it takes so long until the device is found and open.
_SETTLED_S = 5.0
_ROOM_RINGS_S = 1.0
_EPOCH = 1
_SEED = 9100


class NotCleanError(InterjectError):
    """The machine was too busy for a recording without gaps."""

    def __init__(self, name: str, lost_frames: int, slips: int) -> None:
        super().__init__(
            f"{name}: {lost_frames} frames lost, the room late {slips} times; try again on an idle machine"
        )
        self.name = name
        self.lost_frames = lost_frames
        self.slips = slips


@dataclass(frozen=True, slots=True)
class Take:
    """What is recorded: with which device, how loud its echo is against a user's voice, who is heard, how long."""

    equipment: Equipment
    echo_db: float
    heard: Heard
    seconds: float

    @property
    def name(self) -> str:
        """Its ID, as those of the AEC Challenge begin."""
        return f"{'fe' if self.heard is Heard.FAR_END else 'dt'}-{self.equipment.value}"

    def scene(self, corpus: Corpus) -> Scene:
        """Give the room, with its reply; the user breaks in once, or keeps silent."""
        wishes = Wishes(echo_db=self.echo_db, noise=NoiseKind.QUIET, effort=Effort.NORMAL, equipment=self.equipment)
        drawn = make_scene(Kind.SHORT, _SEED, corpus, wishes)
        reply_from = frames_of(_SETTLED_S)
        said = replace(drawn.utterances[1], at_frame=reply_from + frames_of(_USER_AFTER_S))
        return on_card(
            replace(
                drawn,
                frames=reply_from + frames_of(self.seconds + _ROOM_RINGS_S),
                reply_from_frame=reply_from,
                utterances=() if self.heard is Heard.FAR_END else (said,),
            )
        )


# A loudspeaker with memory in all of them; seconds: as many as fit into what the repository has room for.
TAKES = (
    Take(Equipment.PHONE, 5.0, Heard.DOUBLE_TALK, 5.5),
    Take(Equipment.LAPTOP, 5.0, Heard.DOUBLE_TALK, 5.5),
    Take(Equipment.GATED, 10.0, Heard.FAR_END, 7.0),
)


async def record(take: Take, card: RoomCard, device: Device) -> tuple[Recording, Mapping[str, object]]:
    """Play the reply on the card; give the pair, cut, at 16 kHz, and what is told of it. Raises NotCleanError."""
    stage, deck = card.rendered, Deck(device)
    reply = soxr.resample(stage.reply, RATE_HZ, device.rate_hz)
    slips = 0
    mic: list[Samples] = []
    played: list[Samples] = []
    async with running(device, deck.render) as blocks:
        async for block in blocks:
            deck.took(block)
            mic.append(block.mic)
            played.append(block.played)
            performed = card.spoken_frames
            if performed >= stage.scene.frames:
                break
            if deck.player.status(0).phase is PlayerPhase.IDLE and performed >= stage.scene.reply_from_frame:
                # What was late until now is in none of the two files.
                slips = card.slips
                deck.player.begin(_EPOCH)
                deck.player.feed(_EPOCH, reply)
                deck.player.end(_EPOCH)
    late = card.slips - slips
    if deck.running.lost_frames or late:
        raise NotCleanError(take.name, deck.running.lost_frames, late)
    whole, sent = np.concatenate(mic), np.concatenate(played)
    # Resampling dithers: only here silence is silent.
    began_s = int(np.argmax(sent != 0)) / device.rate_hz
    heard, given = (soxr.resample(samples, device.rate_hz, RATE_HZ) for samples in (whole, sent))
    first = frames_of(began_s - _LEAD_S)
    part = slice(first, first + frames_of(take.seconds))
    told: dict[str, object] = {"equipment": take.equipment.value, "echo_db": take.echo_db}
    if stage.labels:
        (label,) = stage.labels
        at = _found(card.spoken[label.start_frame :][: frames_of(_KNOWN_S)], heard) - first
        end = at + label.end_frame - label.start_frame
        told |= {"user_speech_s": [[_seconds(at), _seconds(end)]], "voice": label.voice, "words": label.text}
    return Recording(RATE_HZ, heard[part], given[part]), told


def _found(known: Samples, heard: Samples) -> int:
    """Give the frame at which something is in what was recorded."""
    alike: NDArray[np.float32] = convolve(heard.astype(np.float32), known[::-1].astype(np.float32))
    return int(np.argmax(alike[len(known) - 1 :]))


def _seconds(frames: int) -> float:
    return round(frames / RATE_HZ, 3)
