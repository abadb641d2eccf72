"""The bench of engines: who is cast, what is made of a room's traces, and what is printed of it."""

from __future__ import annotations

import json
import time
import wave
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tools.bench.engines.__main__ import main
from tools.bench.engines.casting import Spoken, Trial, arrange, deal, rooms_of
from tools.bench.engines.figures import Proportion, figures, without_goals
from tools.bench.engines.judging import Judged, Outcome, judge, latencies
from tools.bench.engines.report import write
from tools.bench.engines.rooms import Results
from tools.bench.engines.scripted import Room, ScriptedRecognition, write_said
from tools.bench.engines.voices import INTERRUPTIONS, USER_DBFS, Role, Voice, read_voices, role_of, write_built_in
from tools.bench.report import GoalState, wilson_percent
from tools.bench.run_room import Recording
from tools.bench.scenes import Kind
from tools.simulator.corpus import SpeechFolderError
from tools.simulator.levels import RATE_HZ, frames_of, level_dbfs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ECHOES = ("headset", "+10")
# The clip of a trial begins here, its sound half a second later, and the next clip here.
BEGIN_S, NEXT_S = 10.0, 20.0
ONSET_S = 10.5


def voice(kind: str, words: str = "", number: int = 0) -> Voice:
    role = role_of(kind, words)
    assert role is not None
    return Voice(Path(f"/clips/{kind}-{number}.wav"), kind, role, words, "somebody", 0.5, 1.5)


def people() -> list[Voice]:
    return [
        *(voice("stop", "stop", number) for number in range(4)),
        *(voice("no", "no", number) for number in range(4)),
        *(voice("command", "turn it off", number) for number in range(5)),
        voice("command", "cancel that", 5),
        *(voice("backchannel", "uh huh", number) for number in range(5)),
        *(voice("cough", "", number) for number in range(3)),
        voice("hiccup"),
        voice("television", "stop"),
    ]


@pytest.mark.parametrize(
    ("kind", "words", "role"),
    [
        ("stop", "stop", Role.WORD),
        ("command", "go", Role.WORD),
        ("command", "turn it off", Role.SENTENCE),
        ("command-with-pauses", "I want a coffee", Role.SENTENCE),
        ("name", "alexa", Role.WORD),
        ("yes", "yes", Role.BACKCHANNEL),
        ("backchannel", "uh-huh", Role.BACKCHANNEL),
        ("backchannel-word", "right", Role.BACKCHANNEL),
        ("sneeze", "", Role.NOISE),
        ("notice", "", Role.OTHER),
        ("room", "", None),
    ],
)
def test_what_a_clip_is_to_a_reply_follows_from_its_kind(kind: str, words: str, role: Role | None) -> None:
    assert role_of(kind, words) is role


# --- a folder of voices


def write_clip(folder: Path, name: str, samples: NDArray[np.float64]) -> None:
    with wave.open(str(folder / name), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def tone(seconds: float, level: float) -> NDArray[np.float64]:
    return level * np.sin(2 * np.pi * 300 * np.arange(frames_of(seconds)) / RATE_HZ)


def folder_of(tmp_path: Path, *entries: object) -> Path:
    (tmp_path / "manifest.json").write_text(json.dumps(entries), encoding="utf-8")
    return tmp_path


def entry(**changes: object) -> dict[str, object]:
    told = {"file": "a.wav", "kind": "stop", "words": "stop", "speaker": "s", "onset_s": 0.2, "end_s": 1.0}
    return {**told, **changes}


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([entry(kind="command", words=None)], "a.wav: a command must say in words"),
        ([entry(), {"file": "a.wav"}], r"manifest.json\[1\] lacks something"),
        ([entry(), "a.wav"], r"manifest.json\[1\] lacks something"),
        ([entry(file="b.wav")], "b.wav cannot be read"),
        ([entry(onset_s=3.0, end_s=4.0)], "no sound from 3 to 4 s"),
        ([entry(kind="room")], "no clip that can be said"),
    ],
)
def test_a_manifest_that_is_wrong_is_told_where(tmp_path: Path, entries: Sequence[object], told: str) -> None:
    write_clip(tmp_path, "a.wav", tone(1.2, 0.1))
    with pytest.raises(SpeechFolderError, match=told):
        read_voices(folder_of(tmp_path, *entries))


def test_a_folder_without_a_manifest_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--voices", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "manifest.json cannot be read" in capsys.readouterr().err


def test_everybody_speaks_as_loudly_as_a_user_within_limits(tmp_path: Path) -> None:
    for name, level in (("loud", 0.3), ("soft", 0.01), ("hardly", 0.0005)):
        write_clip(tmp_path, f"{name}.wav", tone(1.2, level))
    read = read_voices(folder_of(tmp_path, *(entry(file=f"{name}.wav") for name in ("loud", "soft", "hardly"))))
    loud, soft, hardly = (
        level_dbfs(tone(1.2, level).astype(np.float32)) + one.gain_db
        for level, one in zip((0.3, 0.01, 0.0005), read, strict=True)
    )
    assert loud == pytest.approx(USER_DBFS, abs=0.5)
    assert soft == pytest.approx(USER_DBFS, abs=0.5)
    assert hardly < USER_DBFS - 10


def test_a_click_is_not_the_onset_of_a_voice(tmp_path: Path) -> None:
    samples = np.concatenate((np.zeros(RATE_HZ), tone(0.01, 0.3), np.zeros(RATE_HZ), tone(1.0, 0.3)))
    write_clip(tmp_path, "a.wav", samples)
    (clicked,) = read_voices(folder_of(tmp_path, entry(onset_s=1.0, end_s=3.01)))
    assert 1.7 < clicked.onset_s < 2.02
    (plain,) = read_voices(folder_of(tmp_path, entry(onset_s=2.0, end_s=3.01)))
    assert plain.onset_s == 2.0


@pytest.mark.slow
def test_the_built_in_voices_have_every_role(tmp_path: Path) -> None:
    read = read_voices(write_built_in(tmp_path / "voices"))
    assert {voice.role for voice in read} == {*INTERRUPTIONS, Role.BACKCHANNEL, Role.NOISE}
    assert any(voice.kind == "stop" for voice in read)


# --- casting


def test_half_of_the_interruptions_are_words_and_echoes_share_evenly() -> None:
    trials = deal(people(), 40, ECHOES, seed=1)
    roles = Counter(trial.voice.role for trial in trials)
    assert roles == {Role.SENTENCE: 20, Role.WORD: 20, Role.BACKCHANNEL: 40, Role.NOISE: 20, Role.OTHER: 2}
    for role in (*INTERRUPTIONS, Role.BACKCHANNEL, Role.NOISE):
        assert len({Counter(trial.echo for trial in trials if trial.voice.role is role)[echo] for echo in ECHOES}) == 1
    assert sorted(trial.number for trial in trials) == list(range(len(trials)))


def test_each_clip_of_a_role_is_dealt_as_often_as_the_others() -> None:
    trials = deal(people(), 40, ECHOES, seed=1)
    for echo in ECHOES:
        times = Counter(trial.voice.path for trial in trials if trial.echo == echo)
        for role in (Role.SENTENCE, Role.WORD, Role.BACKCHANNEL, Role.NOISE):
            often = [times[one.path] for one in people() if one.role is role]
            assert max(often) - min(often) <= 1


def test_a_seed_deals_the_same_again_and_another_one_does_not() -> None:
    first, again, other = (deal(people(), 40, ECHOES, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_every_trial_is_said_once_into_a_story_that_is_asked_for_after_a_stop() -> None:
    trials = deal(people(), 40, ["headset"], seed=1)
    spoken = arrange(trials, seed=1)
    said = [line.trial for line in spoken if line.trial is not None]
    assert sorted(trial.number for trial in said) == sorted(trial.number for trial in trials)
    assert spoken[0].trial is None
    assert spoken[0].cue.kind is Kind.QUESTION
    for line, following in pairwise(spoken):
        if line.trial is not None and line.trial.stops:
            assert following.trial is None
        if following.trial is None:
            # Whatever became of the reply: a trigger that waits for a loudspeaker would wait forever after a stop.
            assert following.cue.line.trigger == "after_clip_s"


def test_each_room_gets_all_kinds_of_trials() -> None:
    trials = deal(people(), 40, ["headset"], seed=1)
    rooms = rooms_of(trials, 50, seed=1)
    assert [len(one) for one in rooms] == [50, 50, 2]
    assert sorted(trial.number for one in rooms for trial in one) == sorted(trial.number for trial in trials)
    for one in rooms[:2]:
        assert {trial.voice.role for trial in one} >= {*INTERRUPTIONS, Role.BACKCHANNEL, Role.NOISE}


# --- judging


def record(source: str, kind: str, t: float, **fields: object) -> dict[str, Any]:
    return {"source": source, "type": kind, "t": t, **fields}


def room(
    *events: dict[str, Any], said: Voice | None = None, silent_from_s: float = NEXT_S + 5.0
) -> tuple[list[Spoken], Recording]:
    """One trial in a reply that began long before it, and the question after it."""
    trial = Trial(7, "headset", said or voice("command", "turn it off"))
    stories = [line for line in arrange([trial], seed=1) if line.trial is None]
    line = next(line for line in arrange([trial], seed=1) if line.trial is not None)
    spoken = [line, *stories]
    all_events = [
        record("satellite", "phase", 2.0, phase="speaking"),
        record("room", "user-speaks", BEGIN_S, onset_t=BEGIN_S),
        record("room", "user-stops", BEGIN_S + 1.6),
        record("room", "user-speaks", NEXT_S, onset_t=NEXT_S + 0.1),
        record("room", "user-stops", NEXT_S + 1.6),
        *events,
    ]
    loudspeaker = np.full(frames_of(NEXT_S + 5.0), 1000, np.int16)
    loudspeaker[frames_of(silent_from_s) :] = 0
    recording = Recording(
        [line.cue for line in spoken], sorted(all_events, key=lambda e: e["t"]), loudspeaker, RATE_HZ, {}, []
    )
    return spoken, recording


def satellite(kind: str, t: float, **fields: object) -> dict[str, Any]:
    return record("satellite", kind, t, **fields)


def judged(*events: dict[str, Any], said: Voice | None = None, silent_from_s: float = NEXT_S + 5.0) -> Judged:
    (found,) = judge(*room(*events, said=said, silent_from_s=silent_from_s), "room-0")
    return found


def test_a_reply_that_is_cut_is_timed_from_the_onset_of_the_voice() -> None:
    found = judged(
        satellite("stt-open", ONSET_S + 0.1, stream=3, audio_from=10.0),
        satellite("duck", ONSET_S + 0.1),
        satellite("pause", ONSET_S + 0.25),
        satellite("interrupt", ONSET_S + 0.6, reason="speech"),
        satellite("transcript", ONSET_S + 1.5, stream=3, text="Turn it, off."),
        satellite("ask", ONSET_S + 1.5, epoch=2, text="Turn it, off."),
        silent_from_s=ONSET_S + 0.28,
    )
    assert found.outcome is Outcome.CUT
    assert (found.duck_ms, found.pause_ms, found.commit_ms) == (100.0, 250.0, 600.0)
    assert found.silence_ms == pytest.approx(280, abs=1)
    assert (found.text, found.wrong_words, found.first_word_kept) == ("Turn it, off.", 0, True)
    assert not found.stutter


def test_a_pause_that_ends_is_a_hole_if_it_is_long_enough_to_hear() -> None:
    def paused_for(seconds: float) -> Judged:
        return judged(
            satellite("duck", ONSET_S + 0.1),
            satellite("pause", ONSET_S + 0.3),
            satellite("resume", ONSET_S + 0.3 + seconds),
            said=voice("backchannel", "uh huh"),
        )

    assert paused_for(0.8).outcome is Outcome.HOLE
    assert paused_for(0.8).hole_ms == pytest.approx(800)
    assert paused_for(0.1).outcome is Outcome.DUCKED
    assert judged(said=voice("cough")).outcome is Outcome.NOTHING


@pytest.mark.parametrize(("went_on_s", "stutters"), [(0.3, True), (2.5, False)])
def test_who_is_cut_soon_after_going_on_stutters(went_on_s: float, stutters: bool) -> None:
    cut_s = ONSET_S + 1.5 + went_on_s
    found = judged(
        satellite("pause", ONSET_S + 0.3),
        satellite("resume", ONSET_S + 1.5),
        satellite("interrupt", cut_s, reason="speech"),
        silent_from_s=cut_s + 0.03,
    )
    assert found.stutter is stutters
    assert found.commit_ms == pytest.approx(1000 * (cut_s - ONSET_S))
    assert found.silence_ms == pytest.approx(1000 * (cut_s + 0.03 - ONSET_S), abs=1)


@pytest.mark.parametrize(
    "events",
    [
        [satellite("phase", BEGIN_S - 1.0, phase="idle")],
        [satellite("reply-played", ONSET_S + 0.5, epoch=1)],
        [satellite("interrupt", ONSET_S - 0.3, reason="speech")],
    ],
    ids=["nobody-spoke", "the-reply-was-over", "cut-for-what-was-said-before"],
)
def test_what_was_not_said_into_a_reply_is_no_trial(events: Sequence[dict[str, Any]]) -> None:
    assert judge(*room(*events), "room-0") == []


def test_a_late_text_is_blamed_on_whom_it_belongs_to() -> None:
    late = (
        satellite("stt-open", ONSET_S, stream=3, audio_from=10.0),
        satellite("transcript", NEXT_S + 0.4, stream=3, text="Bye bye."),
        satellite("interrupt", NEXT_S + 0.4, reason="speech"),
    )
    found = judged(*late, said=voice("backchannel", "uh huh"))
    assert found.outcome is Outcome.CUT
    assert found.commit_ms == pytest.approx(1000 * (NEXT_S + 0.4 - ONSET_S))
    earlier = [{**event, "t": event["t"] - (NEXT_S - ONSET_S)} for event in late[1:]]
    opened = satellite("stt-open", BEGIN_S - 2.0, stream=3, audio_from=7.5)
    assert judge(*room(opened, *earlier), "room-0") == []


def test_a_transcription_that_fails_is_the_engines_failure_and_a_trial() -> None:
    assert judged(satellite("failed", ONSET_S + 1.0, stage="stt", stream=3)).outcome is Outcome.NOTHING


def test_all_fields_of_what_was_heard_are_kept_late_ones_and_refusals_too() -> None:
    found = judged(
        satellite("stt-open", ONSET_S + 0.1, stream=3, audio_from=10.0),
        satellite("refused", ONSET_S + 1.0, stream=3, reason="softer than the user"),
        satellite("transcript", NEXT_S + 0.5, stream=3, text="Bye bye.", confidence=0.2),
        satellite("transcript", NEXT_S + 3.0, stream=4, text="Tell me a long story.", confidence=0.9),
        said=voice("backchannel", "uh huh"),
    )
    assert [text.get("reason") or text.get("confidence") for text in found.texts] == ["softer than the user", 0.2]
    assert found.text == "Bye bye."


def test_a_stop_word_that_acts_on_a_partial_has_its_words() -> None:
    found = judged(
        satellite("stt-open", ONSET_S + 0.1, stream=3, audio_from=10.0),
        satellite("partial", ONSET_S + 0.5, stream=3, text="Stop."),
        satellite("interrupt", ONSET_S + 0.5, reason="stop-word"),
        said=voice("stop", "stop"),
        silent_from_s=ONSET_S + 0.55,
    )
    assert (found.reason, found.text, found.wrong_words) == ("stop-word", "Stop.", 0)


def test_a_turn_is_timed_by_stage() -> None:
    end_s = BEGIN_S + 1.5
    spoken, recording = room(
        satellite("stt-open", ONSET_S, stream=3, audio_from=10.0),
        satellite("interrupt", ONSET_S + 0.6, reason="speech"),
        satellite("stt-end", end_s + 0.6, stream=3),
        satellite("transcript", end_s + 0.9, stream=3, text="turn it off"),
        satellite("ask", end_s + 0.9, epoch=2, text="turn it off"),
        record("stt", "transcript", end_s + 0.9, text="turn it off", took_s=0.28),
        record("llm", "first-token", end_s + 1.0, took_s=0.1),
        record("tts", "first-audio", end_s + 1.9, took_s=0.4),
        satellite("reply-started", end_s + 2.0, epoch=2),
    )
    (found,) = latencies(spoken, recording)
    assert (found.transcript, found.sentence, found.answer) == pytest.approx((300, 1100, 2000), abs=1)
    assert (found.stt, found.llm, found.tts) == (280.0, 100.0, 400.0)


# --- figures


def test_a_confidence_interval_is_wilsons() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    assert wilson_percent(81, 263) == pytest.approx((25.53, 36.62), abs=0.01)
    assert wilson_percent(15, 148) == pytest.approx((6.24, 16.05), abs=0.01)
    assert wilson_percent(0, 20) == pytest.approx((0, 16.11), abs=0.01)
    assert wilson_percent(1, 29) == pytest.approx((0.61, 17.18), abs=0.01)


def test_a_share_may_have_a_goal_from_above_and_shows_how_sure_it_is() -> None:
    few, many = (
        Proportion("", [True] * 3 + [False] * 97, "", most_percent=3),
        Proportion("", [True], "", most_percent=3),
    )
    assert (few.goal_state(), many.goal_state()) == (GoalState.MET, GoalState.MISSED)
    assert few.goal() == "≤ 3 %"
    assert few.cells()[:2] == ["3.0 %", "3 of 100 (1.0 to 8.5)"]


def test_goals_are_missed_by_role() -> None:
    cut = [satellite("interrupt", ONSET_S + 0.9, reason="speech")]
    trials = [
        judged(*cut, said=voice("backchannel", "uh huh"), silent_from_s=ONSET_S + 1.0),
        judged(said=voice("cough")),
        judged(*cut, said=voice("command", "turn it off"), silent_from_s=ONSET_S + 1.0),
        judged(said=voice("no", "no")),
        judged(*cut, said=voice("hiccup"), silent_from_s=ONSET_S + 1.0),
    ]
    rows = figures(trials, [])
    verdicts = {row.name: row.goal_state() for row in rows if row.goal_state() is not GoalState.NO_GOAL}
    assert verdicts == {
        "backchannels: cut the reply off": GoalState.MISSED,
        "voiced noises: cut the reply off": GoalState.MET,
        "sentences, commands: yielded to": GoalState.MET,
        "single words: yielded to": GoalState.MISSED,
        "interruptions: stutters": GoalState.MET,
        "onset -> commit": GoalState.MISSED,
    }
    assert all(row.goal_state() is GoalState.NO_GOAL for row in without_goals(rows))


def test_every_trial_is_written_with_who_said_what_and_what_was_heard(tmp_path: Path) -> None:
    heard = judged(
        satellite("stt-open", ONSET_S + 0.1, stream=3, audio_from=10.0),
        satellite("transcript", ONSET_S + 1.0, stream=3, text="Bye bye.", confidence=0.2),
        said=voice("backchannel", "uh huh"),
    )
    write(tmp_path / "engines.json", {}, {"pair": figures([heard], [])}, {"pair": Results([heard])})
    ((written,),) = json.loads((tmp_path / "engines.json").read_text(encoding="utf-8"))["trials"].values()
    assert (written["role"], written["words"], written["duration_s"]) == ("backchannel", "uh huh", 1.0)
    assert (written["outcome"], written["text"], written["texts"][0]["confidence"]) == ("nothing", "Bye bye.", 0.2)


# --- the recogniser that knows the words


def test_the_scripted_recogniser_hears_the_words_in_its_audio(tmp_path: Path) -> None:
    said = voice("command", "turn it off")
    write_said(tmp_path / "said.json", [said])
    (tmp_path / "room.json").write_text(json.dumps({"clips": [{"path": str(said.path)}]}), encoding="utf-8")
    now = time.monotonic()
    trace = [
        {"mono": now - 10, "source": "room", "type": "clock", "t": 0.0},
        {"mono": now - 8, "source": "room", "type": "user-speaks", "t": 2.0},
    ]
    (tmp_path / "satellite.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in trace), encoding="utf-8")
    known = Room(tmp_path, tmp_path / "said.json")

    def transcribed(seconds: float) -> str:
        recognition = ScriptedRecognition(known)
        recognition.hear(bytes(2 * frames_of(seconds)))
        recognition.abort()
        return recognition.finish().text

    # The words lie from 2.5 to 3.5 s, and the room is at 10 s now.
    assert transcribed(9.0) == "turn it off"
    assert transcribed(7.3) == "it off"
    assert transcribed(1.0) == ""
