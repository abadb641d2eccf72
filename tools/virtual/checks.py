"""What must hold of every run, whatever was said when."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from interject.satellite.audio.heard import REWIND_LIMIT_MS
from interject.satellite.turn.state import Phase
from interject.servers.llm.turns import INTERRUPTED_MARK, Role
from tools.virtual.room import BLOCK, LATENCY, samples_of
from tools.virtual.servers import WORD_SAMPLES
from tools.virtual.signals import RATE_HZ, SIGNATURE, heard_samples

if TYPE_CHECKING:
    from tools.virtual.room import Result, Room
    from tools.virtual.signals import Run

# What fades out after a pause or flush was decided.
FADE = round(0.020 * RATE_HZ)
# At the quiet end of a fade samples round to zero and cannot be told any more.
UNTOLD = 96
# Two windows of the VAD, and the block in which the second one ends.
UNNOTICED = 2 * 512 + BLOCK
_WORD = re.compile(r"r(\d+)w(\d+)")


def nothing_old_plays(result: Result) -> None:
    """pipecat#3986, agents-js#1791: after the commit only the fade of the old reply leaves the player."""
    for cut in result.of("interrupt"):
        for run in result.runs:
            if run.epoch == cut["epoch"]:
                last = run.device + run.end - run.start
                assert last <= round(cut["t"] * RATE_HZ) + FADE, f"{run} plays after {cut}"


def what_was_heard_is_what_was_played(result: Result) -> None:
    """livekit#2607: no word that never sounded; pipecat#4996: none lost that did, but the one being spoken."""
    for cut in result.of("interrupt"):
        epoch, heard = cut["epoch"], _words(cut["heard"])
        assert heard == [f"r{epoch}w{number}" for number in range(len(heard))]
        _within_a_word(result, epoch, len(heard))


def history_says_what_was_heard(result: Result) -> None:
    """pipecat#4466, #5426, livekit#2607: the same of what the model will be told."""
    told: dict[int, list[str]] = {}
    for message in result.bridge.history():
        if message.role is Role.ASSISTANT:
            assert message.epoch is not None
            told[message.epoch] = _words(message.content.replace(INTERRUPTED_MARK, ""))
    for epoch in {run.epoch for run in result.runs} | set(told):
        _within_a_word(result, epoch, len(told.get(epoch, [])))


def resuming_loses_nothing(result: Result) -> None:
    """livekit: each resume goes back to a place within the rewind, and what follows overlaps nothing."""
    by_epoch: dict[int, list[Run]] = {}
    for run in sorted(result.runs, key=lambda run: run.device):
        by_epoch.setdefault(run.epoch, []).append(run)
    for runs in by_epoch.values():
        assert runs[0].start <= UNTOLD
        for before, after in pairwise(runs):
            assert after.start <= before.end + UNTOLD + SIGNATURE, f"lost between {before} and {after}"
            furthest_back = before.end - FADE - round(REWIND_LIMIT_MS * RATE_HZ / 1000) - BLOCK
            assert after.start >= furthest_back, f"repeated between {before} and {after}"
            assert after.device >= before.device + before.end - before.start - SIGNATURE, "both sound at once"


def speech_reaches_recognition_once(result: Result, room: Room) -> None:
    """livekit#3261: every sample of every utterance, its first one included, in one stream that counts and in order.

    What is too short to be noticed as a voice yet may also be at the end of the stream before.
    """
    streams = [heard.audio() for heard in result.stt.heard if heard.whole]
    for number, said in enumerate(room.utterances, 1):
        counts = [samples_of(audio, number) for audio in streams]
        *others, most = sorted(counts)
        assert most == said.samples, f"utterance {number} of {said.samples} samples arrived as {counts}"
        assert sum(others) <= UNNOTICED, f"utterance {number} of {said.samples} samples arrived as {counts}"
    opened = [round(record["audio_from"] * RATE_HZ) for record in result.of("stt-open")]
    for start, heard in zip(opened, result.stt.heard, strict=True):
        audio = heard.audio()
        assert np.array_equal(audio, result.mic[start : start + len(audio)]), "gaps or doubled audio"


def the_room_is_at_rest(result: Result, room: Room) -> None:
    """livekit#3418: idle, nothing generated twice at once, no connection left."""
    assert result.phase is Phase.IDLE
    assert result.bridge.most_at_once <= 1
    assert room.links_left == 0
    assert len(result.of("pause")) == len(result.of("resume")) + len(_cut_while_paused(result))


def everything_holds(result: Result, room: Room) -> None:
    nothing_old_plays(result)
    what_was_heard_is_what_was_played(result)
    history_says_what_was_heard(result)
    resuming_loses_nothing(result)
    speech_reaches_recognition_once(result, room)
    the_room_is_at_rest(result, room)


def played_to_the_end(result: Result) -> list[int]:
    """Return the replies of which every sample left the loudspeaker."""
    ended = {record["epoch"]: round(record["audio_ms"] * RATE_HZ / 1000) for record in result.of("reply-received")}
    return [
        record["epoch"]
        for record in result.of("reply-played")
        if heard_samples(result.runs, record["epoch"]) == ended[record["epoch"]]
    ]


def _cut_while_paused(result: Result) -> list[float]:
    paused, cuts = False, []
    for record in result.trace.records:
        if record["type"] in {"pause", "resume"}:
            paused = record["type"] == "pause"
        elif record["type"] == "interrupt" and paused:
            paused = False
            cuts.append(record["t"])
    return cuts


def _within_a_word(result: Result, epoch: int, words: int) -> None:
    samples = heard_samples(result.runs, epoch)
    whole = (samples + UNTOLD) // WORD_SAMPLES
    assert words * WORD_SAMPLES <= samples + UNTOLD, f"{words} words of reply {epoch}, only {samples} samples sounded"
    # What was on its way to the loudspeaker when the floor was taken sounds, and is not counted.
    surely = (samples - LATENCY - FADE) // WORD_SAMPLES
    assert words >= min(whole - 1, surely), f"{words} words of reply {epoch}, though {samples} samples sounded"


def _words(text: str) -> list[str]:
    return [word.group() for word in _WORD.finditer(text)]
