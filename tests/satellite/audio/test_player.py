"""The player, sample by sample: every sample of a reply can be told from its neighbours."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.satellite.audio.player import Player, PlayerPhase

if TYPE_CHECKING:
    from interject.satellite.audio.base import Samples

RATE_HZ = 16_000
FADE = RATE_HZ * 20 // 1000
FLUSH_FADE = RATE_HZ * 10 // 1000
UNDUCK = RATE_HZ * 150 // 1000


def ramp(start: int, stop: int) -> Samples:
    return np.arange(start, stop, dtype=np.int16)


def level(count: int, value: int = 10_000) -> Samples:
    return np.full(count, value, np.int16)


def playing(samples: Samples, epoch: int = 1) -> Player:
    player = Player(RATE_HZ)
    player.begin(epoch)
    player.feed(epoch, samples)
    return player


def render_all(player: Player, frames: int, block: int) -> Samples:
    blocks = [player.render(min(block, frames - done)) for done in range(0, frames, block)]
    return np.concatenate(blocks)


@pytest.mark.parametrize("block", [1, 7, 160, 441, 2000])
def test_a_reply_comes_out_as_it_was_fed_whatever_the_block_size(block: int) -> None:
    player = playing(ramp(1, 1501))
    player.feed(1, ramp(1501, 4001))
    player.end(1)

    out = render_all(player, 4200, block)

    assert np.array_equal(out[:4000], ramp(1, 4001))
    assert not out[4000:].any()
    assert player.status(0).underruns == 0


def test_audio_of_another_epoch_is_refused_and_never_plays() -> None:
    player = playing(level(1000), epoch=1)
    player.begin(2)

    assert not player.feed(1, level(1000))
    assert not player.flush(1)
    assert not player.end(1)
    assert player.feed(2, ramp(1, 101))
    assert np.array_equal(player.render(200)[:100], ramp(1, 101))


def test_no_audio_is_taken_without_a_reply_or_after_its_end() -> None:
    player = Player(RATE_HZ)

    assert not player.feed(1, level(10))
    player.begin(1)
    player.end(1)
    assert not player.feed(1, level(10))
    assert not player.render(20).any()


def test_samples_are_kept_even_if_the_feeder_reuses_its_array() -> None:
    samples = ramp(1, 101)
    player = playing(samples)

    samples[:] = 0

    assert np.array_equal(player.render(100), ramp(1, 101))


def test_duck_goes_down_12_db_within_20_ms_and_stays() -> None:
    player = playing(level(RATE_HZ))
    player.render(160)

    player.duck()
    out = player.render(3 * FADE).astype(float) / 10_000

    assert out[0] > 0.99
    assert np.all(np.diff(out[:FADE]) <= 0)
    assert 20 * np.log10(out[FADE - 1 :]) == pytest.approx(-12, abs=0.01)
    assert player.position(0) == 160 + 3 * FADE


def test_unduck_comes_back_to_full_gain_over_150_ms_and_loses_no_sample() -> None:
    player = playing(ramp(1, 10_001))
    player.duck()
    player.render(FADE)

    player.unduck()
    out = player.render(UNDUCK + 100).astype(float)

    expected = np.arange(FADE + 1, FADE + UNDUCK + 101)
    gains = out / expected
    assert np.all(gains[:-100] <= 1 + 1e-3)
    assert gains[UNDUCK // 2] < 0.9
    assert np.array_equal(out[-101:], expected[-101:])


def test_a_gain_ramp_does_not_depend_on_block_borders() -> None:
    outs = []
    for block in (1, 33, 512):
        player = playing(level(RATE_HZ))
        player.duck()
        first = render_all(player, 100, block)
        player.unduck()
        outs.append(np.concatenate([first, render_all(player, 3000, block)]))

    assert np.array_equal(outs[0], outs[1])
    assert np.array_equal(outs[0], outs[2])


def test_no_gain_change_clicks() -> None:
    player = playing(level(2 * RATE_HZ))
    out = [player.render(100)]
    for change in (player.duck, player.pause, player.resume, player.unduck, player.duck, player.pause, player.resume):
        change()
        out.append(player.render(137))

    assert np.abs(np.diff(np.concatenate(out).astype(int))).max() < 150


def test_pause_fades_out_in_20_ms_and_holds_at_the_frame_where_the_fade_began() -> None:
    player = playing(level(RATE_HZ))
    player.render(480)

    player.pause()
    out = player.render(2 * FADE)

    assert out[0] > 9_900
    assert np.all(np.diff(out[:FADE].astype(int)) <= 0)
    assert out[FADE // 2] > 4_000
    assert not out[FADE:].any()
    assert player.paused_at() == 480
    assert player.status(0).phase is PlayerPhase.PAUSED
    assert player.position(0) == 480


@pytest.mark.parametrize("rewind", [0, 1, 250])
def test_resume_plays_on_from_the_pause_point_minus_the_rewind(rewind: int) -> None:
    player = playing(ramp(1, 8001))
    before = player.render(480)
    player.pause()
    player.render(1000)

    player.resume(rewind)
    after = player.render(3000)

    assert before[-1] == 480
    first = 480 - rewind + 1
    assert np.array_equal(after[FADE:], ramp(first + FADE, first + 3000))
    fade_in = after[:FADE].astype(float) / ramp(first, first + FADE)
    assert fade_in[0] < 0.02
    assert np.all(np.diff(fade_in) >= -0.005)
    assert player.paused_at() is None
    assert player.position(0) == 480 - rewind + 3000


def test_what_left_while_the_fade_ran_plays_again_also_when_resumed_within_the_fade() -> None:
    player = playing(ramp(1, 8001))
    player.render(480)
    player.pause()
    player.render(FADE // 2)

    player.resume()
    player.render(FADE)

    assert np.array_equal(player.render(500), ramp(480 + FADE + 1, 480 + FADE + 501))


def test_a_second_pause_holds_where_it_is_and_keeps_the_pause_point() -> None:
    player = playing(ramp(1, 2001))
    player.render(100)
    player.pause()
    player.pause()
    player.render(100)

    assert player.paused_at() == 100


def test_a_pause_before_anything_sounds_keeps_the_reply_waiting() -> None:
    player = Player(RATE_HZ)
    player.begin(1)
    player.pause()
    player.feed(1, ramp(1, 1001))

    assert not player.render(500).any()
    assert player.paused_at() == 0

    player.resume()
    player.render(FADE)
    assert np.array_equal(player.render(100), ramp(FADE + 1, FADE + 101))


def test_resume_un_ducks() -> None:
    player = playing(level(RATE_HZ))
    player.duck()
    player.render(800)
    player.pause()
    player.render(800)

    player.resume()

    assert player.render(FADE + 10)[-1] == 10_000


def test_a_rewind_goes_back_no_further_than_what_is_kept() -> None:
    player = Player(RATE_HZ, keep_behind_ms=1000)
    player.begin(1)
    for start in range(0, 4 * RATE_HZ, 160):
        player.feed(1, level(160, start // 160))
    render_all(player, 3 * RATE_HZ, 160)
    player.pause()
    player.render(160)

    player.resume(10 * RATE_HZ)

    player.render(FADE)
    assert player.render(1)[0] == 202
    assert player.position(0) == 2 * RATE_HZ + FADE + 1


def test_flush_while_sounding_fades_10_ms_and_nothing_of_the_reply_follows() -> None:
    player = playing(level(RATE_HZ))
    player.render(480)

    player.flush(1)
    out = player.render(500)

    assert out[0] > 9_900
    assert np.all(np.diff(out.astype(int)) <= 0)
    assert not out[FLUSH_FADE:].any()
    assert not player.feed(1, level(100))
    assert not player.render(500).any()
    assert player.status(0).phase is PlayerPhase.IDLE


def test_flush_while_paused_or_before_anything_sounded_is_silent_at_once() -> None:
    paused = playing(level(RATE_HZ))
    paused.render(480)
    paused.pause()
    paused.render(FADE)
    paused.flush(1)
    waiting = playing(level(RATE_HZ))
    waiting.flush(1)

    assert not paused.render(500).any()
    assert not waiting.render(500).any()


def test_a_new_reply_starts_at_position_0_at_full_gain_and_not_held() -> None:
    player = playing(level(RATE_HZ))
    player.duck()
    player.render(480)
    player.pause()
    player.render(FADE)

    player.begin(2)
    player.feed(2, ramp(1, 1001))

    assert player.position(0) == 0
    assert np.array_equal(player.render(100), ramp(1, 101))
    assert player.status(0).epoch == 2


def test_position_is_what_left_the_loudspeaker_a_latency_ago() -> None:
    player = playing(ramp(1, 8001))
    player.render(320)

    assert [player.position(latency) for latency in (0, 100, 320, 1000)] == [320, 220, 0, 0]


def test_position_is_exact_across_an_underrun_a_pause_and_a_rewind() -> None:
    player = playing(ramp(1, 101))
    player.render(150)
    player.feed(1, ramp(101, 8001))
    player.render(50)
    player.pause()
    player.render(400)
    player.resume(30)
    player.render(100)

    device_frames = [0, 50, 100, 125, 150, 180, 200, 400, 600, 650, 700]
    positions = [player.position(player.device_frames - frame) for frame in device_frames]
    assert positions == [0, 50, 100, 100, 100, 130, 150, 150, 120, 170, 220]


def test_what_the_user_has_heard_is_not_unheard_by_a_rewind() -> None:
    player = playing(ramp(1, 8001))
    player.render(1000)
    player.pause()
    player.render(1000)
    player.resume(400)
    player.render(100)

    status = player.status(0)
    assert (player.position(0), status.furthest_frames) == (700, 1000)
    assert player.status(700).furthest_frames == 1000
    assert player.status(1500).furthest_frames == 600


def test_what_was_heard_is_remembered_through_a_long_pause_after_a_rewind() -> None:
    player = playing(level(2 * RATE_HZ))
    player.render(RATE_HZ)
    player.pause()
    player.render(3 * RATE_HZ)
    player.resume(RATE_HZ // 2)
    player.render(100)
    player.pause()
    player.render(3 * RATE_HZ)
    player.resume(50)
    player.render(100)

    assert player.status(0).furthest_frames == RATE_HZ


def test_a_latency_beyond_all_memory_gives_the_oldest_known_position() -> None:
    player = playing(level(10 * RATE_HZ))
    for _ in range(4):
        player.render(RATE_HZ)
        player.pause()
        player.render(RATE_HZ)
        player.resume()
    player.render(RATE_HZ // 2)

    assert player.position(100 * RATE_HZ) == 3 * RATE_HZ


def test_a_pause_or_flush_right_after_a_resume_lets_nothing_slip_out() -> None:
    for stop in (Player.pause, lambda player: player.flush(1)):
        player = playing(level(RATE_HZ))
        player.render(480)
        player.pause()
        player.render(FADE)
        player.resume()
        stop(player)

        assert not player.render(500).any()


def test_an_underrun_is_silent_repeats_nothing_and_is_counted_once() -> None:
    player = playing(ramp(1, 101))
    gap = render_all(player, 400, 50)
    player.feed(1, ramp(101, 501))
    rest = player.render(400)

    assert not gap[100:].any()
    assert np.array_equal(rest, ramp(101, 501))
    assert player.status(0).underruns == 1


def test_running_dry_at_the_end_or_before_the_first_sample_is_no_underrun() -> None:
    player = Player(RATE_HZ)
    player.begin(1)
    player.render(100)
    player.feed(1, ramp(1, 101))
    player.render(300)
    player.end(1)

    assert player.status(0).underruns == 0


def test_phases_of_a_reply_as_its_sound_leaves_the_loudspeaker() -> None:
    latency = 200
    player = Player(RATE_HZ)
    seen = [player.status(latency).phase]
    player.begin(1)
    seen.append(player.status(latency).phase)
    player.feed(1, ramp(1, 301))
    player.end(1)
    player.render(200)
    seen.append(player.status(latency).phase)
    player.render(200)
    seen.append(player.status(latency).phase)
    player.render(100)
    seen.append(player.status(latency).phase)

    assert seen == [
        PlayerPhase.IDLE,
        PlayerPhase.WAITING,
        PlayerPhase.WAITING,
        PlayerPhase.PLAYING,
        PlayerPhase.FINISHED,
    ]


def test_a_reply_paused_at_its_end_is_not_finished_until_the_rewound_part_left() -> None:
    player = playing(ramp(1, 1001))
    player.end(1)
    player.render(1000)
    player.pause()
    player.render(500)
    player.resume(100)
    player.render(100)

    assert player.status(50).phase is PlayerPhase.PLAYING
    player.render(50)
    assert player.status(50).phase is PlayerPhase.FINISHED


def test_an_empty_reply_is_finished_when_it_ends() -> None:
    player = Player(RATE_HZ)
    player.begin(1)
    player.end(1)

    assert player.status(500).phase is PlayerPhase.FINISHED


def test_status_counts_what_was_rendered_and_what_waits() -> None:
    player = playing(ramp(1, 1001))
    player.render(300)

    status = player.status(0)
    assert (status.rendered_frames, status.buffered_frames) == (300, 700)


def test_a_cue_plays_without_a_reply_and_over_one() -> None:
    player = Player(RATE_HZ)
    player.cue(level(100, 5000))
    alone = player.render(200)
    player.begin(1)
    player.feed(1, level(400, 1000))
    player.cue(level(100, 5000))
    over = player.render(200)

    assert np.array_equal(alone, np.concatenate([level(100, 5000), level(100, 0)]))
    assert np.array_equal(over, np.concatenate([level(100, 6000), level(100, 1000)]))


def test_a_cue_after_a_flush_plays_and_cues_queue_one_after_another() -> None:
    player = playing(level(1000))
    player.render(100)
    player.flush(1)
    player.render(FLUSH_FADE)
    player.cue(level(50, 1000))
    player.cue(level(50, 2000))

    assert player.cue_frames == 100
    assert np.array_equal(player.render(100), np.concatenate([level(50, 1000), level(50, 2000)]))


def test_cues_are_bounded_and_their_sum_with_a_reply_is_clipped() -> None:
    player = playing(level(1000, 30_000))

    assert player.cue(level(100, 30_000))
    assert not player.cue(level(6 * RATE_HZ))
    assert player.render(100).max() == np.iinfo(np.int16).max


def test_memory_behind_the_read_position_is_let_go() -> None:
    player = Player(RATE_HZ, keep_behind_ms=1000)
    player.begin(1)
    for _ in range(600):
        player.feed(1, level(160))
        player.render(160)

    reply = player._reply
    assert reply is not None
    assert reply.buffer.end - reply.buffer.start <= RATE_HZ + 160


def test_feeding_from_one_thread_while_another_renders_loses_nothing() -> None:
    player = Player(8000)
    player.begin(1)
    total, block = 32_000, 64
    done = threading.Event()

    def feed() -> None:
        for start in range(0, total, 100):
            player.feed(1, ramp(start, start + 100))
        player.end(1)
        done.set()

    feeder = threading.Thread(target=feed)
    feeder.start()
    heard: list[int] = []
    while not done.is_set() or player.status(0).buffered_frames:
        heard.extend(sample for sample in player.render(block).tolist() if sample)
    feeder.join()

    assert heard == list(range(1, total))
