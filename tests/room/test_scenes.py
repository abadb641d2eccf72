"""Every scene renders, is what its labels say, and comes back bit for bit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tools.simulator.acoustic import AcousticRoom
from tools.simulator.convolution import BLOCK_FRAMES
from tools.simulator.effort import Effort
from tools.simulator.equipment import Equipment
from tools.simulator.levels import RATE_HZ, frames_of, level_dbfs
from tools.simulator.noises import LOOP_FRAMES, NoiseKind
from tools.simulator.rendering import render_scene
from tools.simulator.sampling import FIRST_UTTERANCE_S, ChangeKind, Wishes, make_scene
from tools.simulator.scene import INTERRUPTIONS, SCENE_KINDS, DelayJump, Kind, Move, Volume

if TYPE_CHECKING:
    from interject.satellite.simulator.room import Heard
    from tools.simulator.corpus import Corpus
    from tools.simulator.rendering import Label, RenderedScene

# Short, so that there are many; still with something said in it.
SECONDS = 18.0
ONSET_S = 0.005


def performed(rendered: RenderedScene) -> Heard:
    whole = len(rendered.reply) // BLOCK_FRAMES * BLOCK_FRAMES
    return AcousticRoom(rendered).listen(rendered.uninterrupted()[:whole])


def rendered_scene(corpus: Corpus, kind: Kind, seed: int, wishes: Wishes | None = None) -> RenderedScene:
    return render_scene(make_scene(kind, seed, corpus, wishes or Wishes(seconds=SECONDS)), corpus)


def measured_onset_s(rendered: RenderedScene, label: Label) -> float:
    """Return when the clean user's energy first comes within 40 dB of its highest, in windows of 1 ms."""
    start = label.start_frame - frames_of(0.1)
    sound = rendered.people[start : label.end_frame]
    powers = np.mean(sound[: len(sound) // 16 * 16].reshape(-1, 16) ** 2, axis=1)
    return start / RATE_HZ + float(np.argmax(powers >= 1e-4 * powers.max())) / 1000


def check_that_the_user_asks_and_then_the_assistant_speaks(rendered: RenderedScene) -> None:
    silent = replace(rendered, scene=replace(rendered.scene, fade_in_s=0.0, hum_dbfs=None))
    question, begin = rendered.labels[0], rendered.scene.reply_from_frame
    assert question.end_frame + frames_of(1.0) < begin < question.end_frame + frames_of(1.5)
    assert question.level_dbfs == rendered.scene.voice_dbfs
    assert not silent.uninterrupted()[:begin].any()
    assert np.array_equal(silent.uninterrupted()[begin:], rendered.reply[:-begin])
    if rendered.scene.kind in INTERRUPTIONS:
        assert {label.voice for label in rendered.labels} == {question.voice}


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("kind", SCENE_KINDS)
def test_a_scene_sounds_as_its_labels_say(corpus: Corpus, kind: Kind, seed: int) -> None:
    rendered = rendered_scene(corpus, kind, seed)
    check_that_the_user_asks_and_then_the_assistant_speaks(rendered)
    assert len(rendered.reply) == len(rendered.people) == frames_of(SECONDS)
    assert AcousticRoom(rendered).step(rendered.reply[:RATE_HZ]).any()
    question, *others = rendered.labels
    assert (question.kind, question.effort) == (Kind.QUESTION, Effort.NORMAL)
    assert {label.kind for label in others} == ({kind} if kind is not Kind.SILENCE else set())
    for label, following in pairwise(rendered.labels):
        assert label.end_frame < following.start_frame
    for label in others:
        earliest = rendered.scene.reply_from_frame + frames_of(FIRST_UTTERANCE_S)
        assert earliest <= label.start_frame < label.end_frame < rendered.scene.frames
    for utterance, label in zip(rendered.scene.utterances, rendered.labels, strict=True):
        assert label.level_dbfs == rendered.scene.voice_dbfs + utterance.level_db
        said = rendered.people[label.start_frame : label.end_frame]
        assert level_dbfs(said) == pytest.approx(label.level_dbfs, abs=0.5)
    for label in rendered.labels[:2]:
        # Later ones begin in what is left of those before.
        assert measured_onset_s(rendered, label) == pytest.approx(label.start_frame / RATE_HZ, abs=ONSET_S)


@pytest.mark.parametrize("echo_db", [0.0, 20.0])
def test_the_echo_is_exactly_so_much_louder_than_a_voice(corpus: Corpus, echo_db: float) -> None:
    rendered = rendered_scene(
        corpus,
        Kind.SHORT,
        5,
        Wishes(echo_db=echo_db, seconds=SECONDS, effort=Effort.NORMAL, equipment=Equipment.SPEAKERPHONE),
    )
    heard = performed(rendered)
    first = rendered.labels[1]
    voice_dbfs = level_dbfs(heard.people[first.start_frame : first.end_frame])
    assert level_dbfs(heard.echo) - voice_dbfs == pytest.approx(echo_db, abs=0.5)
    assert np.abs(heard.mic.astype(int)).max() < 32_767


def test_whispers_shouts_and_asides_have_their_own_levels(corpus: Corpus) -> None:
    levels_db = {
        effort: make_scene(Kind.LONG, 1, corpus, Wishes(seconds=SECONDS, effort=effort)).utterances[1].level_db
        for effort in (Effort.WHISPER, Effort.NORMAL, Effort.SHOUT)
    }
    aside = make_scene(Kind.SIDE_TALK, 1, corpus, Wishes(seconds=SECONDS)).utterances[1]
    assert (aside.effort, aside.level_db) == (Effort.AWAY, levels_db[Effort.NORMAL] - 8)
    assert levels_db[Effort.WHISPER] < levels_db[Effort.NORMAL] - 10
    assert levels_db[Effort.SHOUT] > levels_db[Effort.NORMAL] + 10


@pytest.mark.parametrize("noise", NoiseKind)
def test_noise_is_as_loud_as_the_scene_says(corpus: Corpus, noise: NoiseKind) -> None:
    rendered = rendered_scene(
        corpus, Kind.SILENCE, 3, Wishes(seconds=SECONDS, noise=noise, echo_db=0.0, equipment=Equipment.LINEAR)
    )
    heard = AcousticRoom(rendered).listen(np.zeros(LOOP_FRAMES // BLOCK_FRAMES * BLOCK_FRAMES, np.int16))
    assert level_dbfs(heard.noise) == pytest.approx(rendered.scene.voice_dbfs - rendered.scene.snr_db, abs=0.5)


def test_a_seed_gives_the_same_scene_bit_for_bit(corpus: Corpus) -> None:
    wishes = Wishes(seconds=SECONDS, change=ChangeKind.MOVE, drift_ppm=40.0)
    first, again = (rendered_scene(corpus, Kind.WORD, 7, wishes) for _ in range(2))
    assert (first.scene, first.labels) == (again.scene, again.labels)
    assert np.array_equal(performed(first).mic, performed(again).mic)
    assert first.scene != make_scene(Kind.WORD, 8, corpus, wishes)


def test_a_wish_leaves_the_rest_to_the_seed(corpus: Corpus) -> None:
    scene = make_scene(Kind.LONG, 3, corpus)
    wished = make_scene(Kind.LONG, 3, corpus, Wishes(change=ChangeKind.MOVE, drift_ppm=50.0))
    assert replace(wished, changes=(), drift_ppm=0.0) == scene
    other_noise = make_scene(Kind.LONG, 3, corpus, Wishes(noise=NoiseKind.FAN))
    assert (other_noise.utterances, other_noise.places) == (scene.utterances, scene.places)
    linear = make_scene(Kind.LONG, 3, corpus, Wishes(equipment=Equipment.LINEAR))
    assert linear.loudspeaker.linear_db is None
    assert replace(linear, loudspeaker=scene.loudspeaker, capture=scene.capture) == scene


def test_a_reply_fades_in(corpus: Corpus) -> None:
    rendered = rendered_scene(corpus, Kind.SILENCE, 1)
    fading = replace(rendered, scene=replace(rendered.scene, fade_in_s=0.4, hum_dbfs=None))
    begin, fade = rendered.scene.reply_from_frame, frames_of(0.4)
    played = fading.uninterrupted()
    assert played[begin + fade // 2] == pytest.approx(rendered.reply[fade // 2] / 2, abs=1)
    assert np.array_equal(played[begin + fade :], rendered.reply[fade : len(played) - begin])
    assert np.array_equal(fading.faded_in(rendered.reply[100:300], 100), fading.faded_in(rendered.reply[:300], 0)[100:])


def test_the_kinds_of_change(corpus: Corpus) -> None:
    wanted = {ChangeKind.VOLUME: Volume, ChangeKind.DELAY: DelayJump, ChangeKind.MOVE: Move}
    for kind, change in wanted.items():
        scenes = [make_scene(Kind.LONG, seed, corpus, Wishes(change=kind)) for seed in range(8)]
        assert all(len(scene.changes) == 1 and isinstance(scene.changes[0], change) for scene in scenes)
    assert not make_scene(Kind.LONG, 1, corpus).changes


def test_seeds_differ_in_voices_places_echo_and_delay(corpus: Corpus) -> None:
    scenes = [make_scene(Kind.SHORT, seed, corpus) for seed in range(40)]
    assert len({corpus.named(scene.utterances[1].clip).voice for scene in scenes}) >= 5
    assert len({utterance.place for scene in scenes for utterance in scene.utterances}) == 4
    assert {utterance.effort for scene in scenes for utterance in scene.utterances} >= set(Effort) - {Effort.AWAY}
    assert {scene.echo_db for scene in scenes} == {0.0, 5.0, 10.0, 15.0, 20.0}
    assert {scene.noise for scene in scenes} == set(NoiseKind)
    delays = [scene.delay_ms for scene in scenes]
    assert min(delays) < 20
    assert max(delays) > 130
    assert {scene.loudspeaker.linear_db is None for scene in scenes} == {True, False}
    assert any(scene.capture.gain_db for scene in scenes)
    assert any(scene.capture.gate_db for scene in scenes)
    assert any(scene.capture.suppression for scene in scenes)
    assert 0 < sum(scene.hum_dbfs is None for scene in scenes) < len(scenes)
    assert 0 < sum(scene.fade_in_s > 0 for scene in scenes) < len(scenes)


@pytest.mark.parametrize("seed", range(4))
def test_a_buffer_slips_whatever_its_delay(corpus: Corpus, seed: int) -> None:
    wishes = Wishes(seconds=SECONDS, change=ChangeKind.DELAY, equipment=Equipment.LINEAR)
    rendered = rendered_scene(corpus, Kind.SILENCE, seed, wishes)
    quick = replace(rendered, scene=replace(rendered.scene, delay_ms=min(rendered.scene.delay_ms, 22.0)))
    slips_at = rendered.changes[0].at_frame // BLOCK_FRAMES * BLOCK_FRAMES
    played = quick.uninterrupted()[slips_at - RATE_HZ : slips_at + RATE_HZ]
    room = AcousticRoom(replace(quick, changes=(replace(rendered.changes[0], at_frame=RATE_HZ),)))
    assert room.listen(played).echo[RATE_HZ:].any()
