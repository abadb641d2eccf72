"""From settings to a detector: models that are there, that are not, and that are broken."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from interject.satellite.settings.wake import WakeEngine, WakeWordName, WordThreshold
from interject.satellite.wake.base import Role, WakeModelError, WordModel
from interject.satellite.wake.choice import WordChoice, make_detector
from interject.satellite.wake.models import find_models
from interject.wire.errors import SettingError
from tests.satellite.wake.sound import listening, names_of, with_silence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NABU, JARVIS = WakeWordName("okay_nabu"), WakeWordName("hey_jarvis", "Kitchen")
# openWakeWord's thread takes whatever has come; so much at a time that nothing has to be dropped.
LARGE_PIECE = 8_000


# Found here, since nothing may read a folder in an event loop.
BUILT_IN = find_models(())


def built_in(name: str, engine: WakeEngine) -> Path:
    return next(model.path for model in BUILT_IN if (model.name, model.engine) == (name, engine))


def copy_model(folder: Path, name: str, **changed: Any) -> Path:
    """Make a model of microWakeWord of one's own: that of "okay nabu" by another name."""
    description = built_in("okay_nabu", WakeEngine.MICRO)
    shutil.copy(description.with_suffix(".tflite"), folder / f"{name}.tflite")
    content = json.loads(description.read_text(encoding="utf-8"))
    content |= {"wake_word": "Wake Up", "model": f"{name}.tflite"} | changed
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / f"{name}.json"


async def refusal(choice: WordChoice) -> str:
    with pytest.raises((SettingError, WakeModelError)) as raised:
        await make_detector(choice)
    return str(raised.value)


async def test_no_word_no_detector() -> None:
    assert await make_detector(WordChoice()) is None


async def test_a_word_may_have_the_name_that_wyoming_satellite_calls_it_by() -> None:
    called = WordChoice(wake=(WakeWordName("ok_nabu", "Kitchen"),), thresholds=(WordThreshold("ok_nabu", 0.5),))
    async with listening(await make_detector(called)) as ears:
        assert ears.detector.words == (WordModel("okay_nabu", "Okay Nabu", Role.WAKE, "Kitchen"),)


async def test_a_model_of_one_s_own_keeps_its_name(tmp_path: Path) -> None:
    copy_model(tmp_path, "ok_nabu")
    async with listening(await make_detector(WordChoice(wake=(WakeWordName("ok_nabu"),), folders=(tmp_path,)))) as ears:
        assert [word.name for word in ears.detector.words] == ["ok_nabu"]


async def test_wake_words_and_stop_words_are_heard_at_once_for_what_they_are() -> None:
    detector = await make_detector(WordChoice(wake=(JARVIS,), stop=("okay_nabu",)))
    async with listening(detector) as ears:
        assert ears.detector.words == (
            WordModel("hey_jarvis", "Hey Jarvis", Role.WAKE, "Kitchen"),
            WordModel("okay_nabu", "Okay Nabu", Role.STOP),
        )
        ears.push(with_silence("okay_nabu", "hey_jarvis"))
        assert [(word.name, word.role, word.pipeline) for word in ears.heard] == [
            ("okay_nabu", Role.STOP, None),
            ("hey_jarvis", Role.WAKE, "Kitchen"),
        ]


async def test_open_wake_word_listens_in_its_thread() -> None:
    detector = await make_detector(WordChoice(wake=(JARVIS,), engine=WakeEngine.OPEN))
    async with listening(detector) as ears:
        ears.push(with_silence("hey_jarvis"), LARGE_PIECE)
        await ears.until(1)
        assert names_of(ears.heard) == ["hey_jarvis"]


async def test_a_word_that_the_engine_lacks_is_left_to_the_other_one() -> None:
    rhasspy = WakeWordName("hey_rhasspy")
    detector = await make_detector(WordChoice(wake=(rhasspy, NABU, JARVIS), stop=("alexa",)))
    async with listening(detector) as ears:
        assert [word.phrase for word in ears.detector.words] == ["hey rhasspy", "Okay Nabu", "Hey Jarvis", "Alexa"]
        ears.push(with_silence("hey_jarvis", "okay_nabu"))
        assert names_of(ears.heard) == ["hey_jarvis", "okay_nabu"]


async def test_nothing_is_told_before_it_runs_or_after() -> None:
    detector = await make_detector(WordChoice(wake=(NABU,), refractory_s=0.0))
    assert detector is not None
    samples = with_silence("okay_nabu")
    detector.push(samples, len(samples))
    async with listening(detector) as ears:
        pass
    detector.push(samples, 2 * len(samples))
    assert ears.heard == []


async def test_thresholds_are_of_the_words_that_they_name() -> None:
    deaf = WordThreshold("okay_nabu", 1.0)
    async with listening(await make_detector(WordChoice(wake=(NABU, JARVIS), thresholds=(deaf,)))) as ears:
        ears.push(with_silence("okay_nabu", "hey_jarvis"))
        assert names_of(ears.heard) == ["hey_jarvis"]


async def test_a_model_of_ones_own_is_heard_by_the_name_of_its_file(tmp_path: Path) -> None:
    copy_model(tmp_path, "wake_up")
    choice = WordChoice(wake=(WakeWordName("wake_up"),), folders=(tmp_path,))
    async with listening(await make_detector(choice)) as ears:
        assert ears.detector.words == (WordModel("wake_up", "Wake Up", Role.WAKE),)
        ears.push(with_silence("okay_nabu"))
        assert names_of(ears.heard) == ["wake_up"]


async def test_a_model_of_ones_own_comes_before_a_built_in_one_of_the_same_name(tmp_path: Path) -> None:
    copy_model(tmp_path, "okay_nabu")
    detector = await make_detector(WordChoice(wake=(NABU,), folders=(tmp_path,)))
    assert detector is not None
    assert [word.phrase for word in detector.words] == ["Wake Up"]


async def test_an_open_wake_word_model_of_ones_own_needs_its_file_only(tmp_path: Path) -> None:
    shutil.copy(built_in("hey_jarvis", WakeEngine.OPEN), tmp_path / "be_quiet_v0.1.tflite")
    choice = WordChoice(stop=("be_quiet_v0.1",), folders=(tmp_path,))
    async with listening(await make_detector(choice)) as ears:
        assert ears.detector.words == (WordModel("be_quiet_v0.1", "be quiet", Role.STOP),)
        ears.push(with_silence("hey_jarvis"), LARGE_PIECE)
        await ears.until(1)
        assert ears.heard[0].role is Role.STOP


async def test_an_unknown_word_is_told_with_those_there_are_and_where_others_belong(tmp_path: Path) -> None:
    copy_model(tmp_path, "wake_up")
    told = await refusal(WordChoice(stop=("stop",), folders=(tmp_path,)))
    for part in ("--stop-word-name stop", "alexa", "hey_rhasspy", "okay_nabu", "wake_up", "--wake-word-dir"):
        assert part in told
    assert str(tmp_path) in told
    assert "melspectrogram" not in told


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    told = await refusal(WordChoice(wake=(NABU,), folders=(tmp_path / "nowhere",)))
    assert str(tmp_path / "nowhere") in told


async def test_a_word_with_two_meanings_is_refused() -> None:
    assert "--stop-word-name okay_nabu" in await refusal(WordChoice(wake=(NABU,), stop=("okay_nabu",)))
    assert "--wake-word-name okay_nabu" in await refusal(WordChoice(wake=(NABU, NABU)))


async def test_a_threshold_of_no_word_is_refused() -> None:
    told = await refusal(WordChoice(wake=(NABU,), thresholds=(WordThreshold("alexa", 0.5),)))
    assert "--wake-threshold alexa" in told
    assert "okay_nabu" in told


def truncate(folder: Path) -> Path:
    path = copy_model(folder, "word").with_suffix(".tflite")
    path.write_bytes(path.read_bytes()[:20_000])
    return path


def scribble(folder: Path) -> Path:
    path = copy_model(folder, "word").with_suffix(".tflite")
    path.write_bytes(b"<!DOCTYPE html>" * 100)
    return path


def empty(folder: Path) -> Path:
    path = copy_model(folder, "word").with_suffix(".tflite")
    path.write_bytes(b"")
    return path


def remove(folder: Path) -> Path:
    path = copy_model(folder, "word").with_suffix(".tflite")
    path.unlink()
    return path


def of_the_other_engine(folder: Path) -> Path:
    path = copy_model(folder, "word").with_suffix(".tflite")
    shutil.copy(built_in("okay_nabu", WakeEngine.OPEN), path)
    return path


def without_description(folder: Path) -> Path:
    path = copy_model(folder, "word")
    path.unlink()
    return path.with_suffix(".tflite")


def no_json(folder: Path) -> Path:
    path = copy_model(folder, "word")
    path.write_text("{", encoding="utf-8")
    return path


def a_list(folder: Path) -> Path:
    path = copy_model(folder, "word")
    path.write_text("[]", encoding="utf-8")
    return path


def no_numbers(folder: Path) -> Path:
    return copy_model(folder, "word", micro={"probability_cutoff": "high", "sliding_window_size": 5})


def other_step(folder: Path) -> Path:
    micro = {"probability_cutoff": 0.9, "sliding_window_size": 5, "feature_step_size": 20}
    return copy_model(folder, "word", micro=micro)


BREAKAGES = (
    truncate,
    scribble,
    empty,
    remove,
    of_the_other_engine,
    without_description,
    no_json,
    a_list,
    no_numbers,
    other_step,
)


@pytest.mark.parametrize("breakage", BREAKAGES)
async def test_a_broken_model_is_told_by_its_file(breakage: Callable[[Path], Path], tmp_path: Path) -> None:
    broken = breakage(tmp_path)
    told = await refusal(WordChoice(wake=(WakeWordName("word"),), folders=(tmp_path,)))
    assert re.search(rf"{re.escape(str(broken))} (is|does|has|needs|wants|describes)", told)
