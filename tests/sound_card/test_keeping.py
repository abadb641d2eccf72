"""What is cut out of a recording, and where the user is in it, on a card that is as late as we like."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.base import Block
from tests.rooms import skip_without_rooms
from tools.bench.real.recordings import Kind as Heard
from tools.simulator.acoustic import AcousticRoom
from tools.simulator.corpus import built_in
from tools.simulator.levels import RATE_HZ, frames_of
from tools.simulator.rendering import RenderedScene, render_scene
from tools.sound_card.air import AIR_LOG, RENDERED_FILE, SPOKEN
from tools.sound_card.card import RoomCard
from tools.sound_card.keeping import TAKES, NotCleanError, Take, record

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from interject.satellite.audio.base import Render
    from tools.simulator.corpus import Corpus

pytest.importorskip("espeakng_loader", reason="espeakng_loader is not installed", exc_type=ImportError)
skip_without_rooms()

PERIOD = RATE_HZ // 50
LATE_FRAMES = frames_of(0.14)
# Each pair begins with so much of the quiet room.
LEAD_S = 0.25
# The resampler's, in silence.
DITHER = 2


class LateCard:
    """A device in a performed room, whose microphone is late; it leaves in a folder what the room's process would.

    In the period that begins with `loses_at` it loses frames, in that of `slips_at` the room is too late.
    """

    name = "a late card"
    rate_hz = RATE_HZ
    output_latency_frames = 0

    def __init__(self, rendered: RenderedScene, folder: Path, *, loses_at: int = -1, slips_at: int = -1) -> None:
        (folder / RENDERED_FILE).write_bytes(pickle.dumps(rendered))
        self._room = AcousticRoom(rendered)
        self._spoken, self._log = folder / f"{SPOKEN}.s16", folder / AIR_LOG
        self._loses_at, self._slips_at = loses_at, slips_at
        self.sounded_at: int | None = None

    async def blocks(self, render: Render) -> AsyncGenerator[Block, None]:
        on_its_way = np.zeros(LATE_FRAMES, np.int16)
        lost = 0
        with self._spoken.open("wb", buffering=0) as spoken, self._log.open("w", buffering=1) as log:
            while True:
                frame = self._room.frame
                played = render(PERIOD)
                if self.sounded_at is None and played.any():
                    self.sounded_at = frame + int(np.argmax(played != 0))
                given = self._room.step(played)
                spoken.write(given.tobytes())
                on_its_way = np.concatenate([on_its_way, given])
                mic, on_its_way = on_its_way[:PERIOD], on_its_way[PERIOD:]
                lost += PERIOD if frame == self._loses_at else 0
                if frame == self._slips_at:
                    log.write("Stream underrun\n")
                yield Block(mic, played, frame + lost)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return built_in()


@pytest.mark.parametrize("take", TAKES, ids=lambda take: take.name)
async def test_a_pair_begins_in_silence_and_tells_where_the_user_is(take: Take, corpus: Corpus, tmp_path: Path) -> None:
    rendered = render_scene(take.scene(corpus), corpus)
    device = LateCard(rendered, tmp_path)
    pair, told = await record(take, RoomCard(tmp_path, {}), device)
    assert pair.rate_hz == RATE_HZ
    assert len(pair.mic) == len(pair.played) == frames_of(take.seconds)
    reply_at = frames_of(LEAD_S)
    assert np.abs(pair.played[:reply_at]).max() <= DITHER
    assert np.abs(pair.played[reply_at : reply_at + frames_of(0.1)]).max() > 100
    if take.heard is Heard.FAR_END:
        assert "user_speech_s" not in told
        return
    (label,) = rendered.labels
    assert device.sounded_at is not None
    cut_at = device.sounded_at - reply_at
    ends = [(at + LATE_FRAMES - cut_at) / RATE_HZ for at in (label.start_frame, label.end_frame)]
    assert told["user_speech_s"] == [pytest.approx(ends, abs=0.002)]
    assert told["words"] == label.text
    assert ends[1] < take.seconds


async def test_what_is_late_before_the_reply_is_in_no_pair(corpus: Corpus, tmp_path: Path) -> None:
    take = TAKES[0]
    rendered = render_scene(take.scene(corpus), corpus)
    device = LateCard(rendered, tmp_path, slips_at=PERIOD)
    pair, _ = await record(take, RoomCard(tmp_path, {}), device)
    assert len(pair.mic) == frames_of(take.seconds)


@pytest.mark.parametrize("fault", ["loses_at", "slips_at"])
async def test_a_recording_with_a_gap_in_the_reply_is_refused(fault: str, corpus: Corpus, tmp_path: Path) -> None:
    take = TAKES[0]
    rendered = render_scene(take.scene(corpus), corpus)
    device = LateCard(rendered, tmp_path, **{fault: rendered.scene.reply_from_frame + 50 * PERIOD})
    with pytest.raises(NotCleanError, match="try again on an idle machine"):
        await record(take, RoomCard(tmp_path, {}), device)
