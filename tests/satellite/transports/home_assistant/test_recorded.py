"""Recorded conversations with real Home Assistants, played to the machine: see the package `traces`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from tests.satellite.transports.home_assistant.traces.recording import VERSIONS, Recording, chunk_of, read
from tests.satellite.transports.home_assistant.traces.replay import Replay


@dataclass(frozen=True, slots=True)
class Expected:
    """What a user notices: the texts of utterances, the stream of speech that each reply is, which were cut off."""

    told: dict[int, str]
    spoken: dict[int, int]
    cut: tuple[int, ...] = ()
    failed: tuple[int, ...] = ()
    # Of a scene that is over before its last answer is.
    begun: tuple[int, ...] = ()


STORY, TIME = "tell me a long story", "what time is it"
EXPECTED = {
    "ordinary": Expected({1: TIME}, {1: 1}),
    "barge-in": Expected({1: STORY, 2: TIME}, {1: 1, 2: 2}, cut=(1,)),
    "slow-speech": Expected(
        {1: STORY, 2: "count to twenty", 3: "about a lighthouse", 4: "turn on the kitchen light"},
        {1: 1, 2: 2, 3: 3, 4: 4},
        cut=(1, 2, 3),
        begun=(4,),
    ),
    "thinking-any-agent": Expected(
        {1: "tell me a story", 2: "tell me a story about a lighthouse"}, {2: 1}, cut=(1,), begun=(2,)
    ),
    # An announcement has an epoch too, and no text.
    "announcement": Expected({}, {1: 1}),
    "announcement-cut": Expected({1: TIME}, {1: 1, 2: 2}, cut=(1,)),
    "tts-killed": Expected({1: STORY, 2: TIME}, {2: 1}, cut=(1,), failed=(1,)),
    "mute": Expected({1: TIME}, {1: 1}),
    "streaming": Expected({1: STORY, 2: TIME}, {1: 1, 2: 2}, cut=(1,)),
    # The agent had just finished, and its text came before the last of its speech.
    "streaming-late": Expected({1: STORY, 2: TIME}, {1: 1, 2: 2}, cut=(1,)),
}
RECORDED = [(v, s) for v in VERSIONS for s in EXPECTED if s != "streaming-late" or v == "2026.2.3"]
all_recorded = pytest.mark.parametrize(("version", "scene"), RECORDED, ids=["-".join(each) for each in RECORDED])


@dataclass(frozen=True, slots=True)
class Played:
    recording: Recording
    expected: Expected
    replay: Replay = field(repr=False)


@pytest.fixture(scope="module", params=RECORDED, ids="-".join)
def conversation(request: pytest.FixtureRequest) -> Played:
    version, scene = request.param
    recording = read(version, scene)
    replay = Replay(recording)
    replay.play()
    return Played(recording, EXPECTED[scene], replay)


def test_each_reply_is_its_own_speech_from_its_first_chunk_to_its_end_or_to_the_cut(conversation: Played) -> None:
    recording, expected, replay = conversation.recording, conversation.expected, conversation.replay
    heard = {epoch: reply.chunks for epoch, reply in replay.replies.items() if reply.chunks}
    assert heard == {
        epoch: recording.chunks_of(stream, replay.cut.get(epoch, float("inf")))
        for epoch, stream in expected.spoken.items()
    }
    assert tuple(replay.cut) == expected.cut
    for epoch, stream in expected.spoken.items():
        if epoch not in (*expected.cut, *expected.begun):
            assert recording.spoken_whole(stream)
            assert replay.replies[epoch].ended is not None


def test_home_assistant_is_told_that_playback_is_over_when_it_is(conversation: Played) -> None:
    replay = conversation.replay
    over = {**replay.cut, **replay.played}
    audible = [moment for epoch, moment in over.items() if replay.replies[epoch].chunks]
    assert [moment for moment, what in replay.sent if what == "played"] == sorted(audible)
    for epoch, moment in replay.played.items():
        ended = replay.replies[epoch].ended
        assert ended is not None
        assert ended <= moment


def test_what_was_understood_and_answered_is_told(conversation: Played) -> None:
    recording, expected, replay = conversation.recording, conversation.expected, conversation.replay
    # What an interrupted question said is told anew with what followed it.
    assert {stream: text for stream, text in replay.told.items() if text} == expected.told
    assert replay.stt_failures == []
    texts = [line.event.data["text"] for line in recording.of("home", "synthesize")]
    assert [reply.text for _, reply in sorted(replay.replies.items()) if reply.text] == texts


def test_a_run_gets_its_question_whole_with_the_one_that_it_goes_on_with(conversation: Played) -> None:
    questions: list[tuple[int, ...]] = [(stream,) for stream in conversation.expected.told]
    if conversation.recording.scene == "thinking-any-agent":
        questions = [(1,), (1, 2)]
    assert conversation.replay.runs == questions


def test_only_what_home_assistant_never_spoke_is_a_failure(conversation: Played) -> None:
    replay = conversation.replay
    failures = {epoch: str(reply.error) for epoch, reply in replay.replies.items() if reply.error is not None}
    assert tuple(failures) == conversation.expected.failed
    assert all("no speech" in failure for failure in failures.values())


def test_home_assistant_gets_what_it_got_when_it_was_recorded(conversation: Played) -> None:
    """Otherwise it would have answered something else, and the recording would be of no more use: record it anew."""
    got = [line.name for line in conversation.recording.of("satellite", "run-pipeline", "audio-stop", "played")]
    assert [what for _, what in conversation.replay.sent] == got


@all_recorded
def test_left_alone_everything_comes_to_an_end(version: str, scene: str) -> None:
    replay = Replay(read(version, scene))
    replay.play()
    replay.leave_alone()
    assert not replay.waits
    assert set(replay.replies) == set(replay.cut) | set(replay.played)


@all_recorded
def test_a_connection_that_breaks_at_the_last_event_leaves_nothing_waiting(version: str, scene: str) -> None:
    replay = Replay(read(version, scene))
    replay.play()
    replay.lose()
    replay.leave_alone()
    assert not replay.waits


@pytest.mark.parametrize("version", VERSIONS)
def test_the_recordings_of_slow_speech_have_the_interleaving_that_they_are_there_for(version: str) -> None:
    recording = read(version, "slow-speech")
    chunks = recording.of("home", "audio-chunk")
    for cut in recording.of("call", "interrupt"):
        begun = {line.stream for line in chunks if line.t < cut.t}
        assert sum(line.t > cut.t and line.stream in begun for line in chunks) > 20
    neighbours = Counter(before.stream != after.stream for before, after in pairwise(chunks))
    assert neighbours[True] > 100


@pytest.mark.parametrize("version", VERSIONS)
def test_while_the_microphone_is_off_the_link_may_change_and_the_next_turn_works(version: str) -> None:
    recording = read(version, "mute")
    assert [line.type for line in recording.of("home")][:3] == ["run-satellite", "pause-satellite", "run-satellite"]
    replay = Replay(recording)
    replay.play()
    assert replay.mutes == 1
    assert replay.told == {1: TIME}


def test_a_chunk_is_known_again() -> None:
    chunks = read("2026.11.0", "barge-in").of("home", "audio-chunk")
    tags = [chunk_of(line.event.payload or b"") for line in chunks]
    assert len(set(tags)) == len(tags)
    assert [stream for stream, _ in tags] == [line.stream for line in chunks]
