"""Flags, environment and file say the same things, in one order of precedence, and mistakes are named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from interject.wire.errors import SettingError
from interject.wire.settings import load, load_and_tell, option

if TYPE_CHECKING:
    from collections.abc import Mapping


class Colour(Enum):
    RED = "red"
    DARK_BLUE = "dark-blue"


@dataclass(frozen=True, slots=True)
class Settings:
    name: str = option("nobody", "a text with 100 %")
    beam_size: int = option(5, "a whole number", minimum=0, maximum=10)
    threshold: float = option(0.5, "a number", minimum=0)
    debug: bool = option(False, "off unless asked for")
    streaming: bool = option(True, "on unless told otherwise")
    colour: Colour = option(Colour.RED, "one of several")
    device: str = option("cpu", "one of several words", choices=("cpu", "cuda"))
    language: str | None = option(None, "may be left out")
    speaker: int | None = option(None, "may be left out")
    data_dir: tuple[Path, ...] = option((), "may be given again")
    port: tuple[int, ...] = option((1, 2), "may be given again", minimum=1)
    zeroconf: str | None = option(None, "may stand alone", alone="auto")
    api_key: str | None = option(None, "not for a command line", secret=True)


def loaded(*argv: str, environ: Mapping[str, str] | None = None) -> Settings:
    return load(Settings, prefix="stt", argv=argv, environ=environ or {}, description="tests")


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write_file(content: str) -> str:
        path = tmp_path / "settings.toml"
        path.write_text(content)
        return str(path)

    return write_file


def test_defaults() -> None:
    assert loaded() == Settings()


def test_a_flag_overrides_the_environment_which_overrides_the_file_which_overrides_the_default(write: Any) -> None:
    config = write('[stt]\nname = "file"\nbeam-size = 1\nthreshold = 1\n')
    environ = {"INTERJECT_STT_NAME": "variable", "INTERJECT_STT_BEAM_SIZE": "2", "HOME": "/x"}
    settings = loaded("--config", config, "--name", "flag", environ=environ)
    assert (settings.name, settings.beam_size, settings.threshold, settings.device) == ("flag", 2, 1.0, "cpu")


def test_the_file_can_be_named_by_the_environment_and_a_flag_names_another(write: Any, tmp_path: Path) -> None:
    environ = {"INTERJECT_STT_CONFIG": write('[stt]\nname = "one"\n')}
    assert loaded(environ=environ).name == "one"
    (tmp_path / "other.toml").write_text('[stt]\nname = "two"\n')
    assert loaded("--config", str(tmp_path / "other.toml"), environ=environ).name == "two"


@pytest.mark.parametrize(
    ("field", "argv", "variable", "line", "value"),
    [
        ("name", ["--name", "kitchen"], "kitchen", 'name = "kitchen"', "kitchen"),
        ("beam_size", ["--beam-size", "3"], "3", "beam-size = 3", 3),
        ("beam_size", ["--beam-size=3"], "3", "beam_size = 3", 3),
        ("threshold", ["--threshold", "1e-3"], "0.001", "threshold = 0.001", 0.001),
        ("debug", ["--debug"], "yes", "debug = true", True),
        ("streaming", ["--no-streaming"], "OFF", "streaming = false", False),
        ("colour", ["--colour", "dark-blue"], "dark-blue", 'colour = "dark-blue"', Colour.DARK_BLUE),
        ("device", ["--device", "cuda"], "cuda", 'device = "cuda"', "cuda"),
        ("language", ["--language", "de"], "de", 'language = "de"', "de"),
        ("speaker", ["--speaker", "0"], "0", "speaker = 0", 0),
        ("data_dir", ["--data-dir=/a", "--data-dir=/b"], "/a,/b", 'data-dir = ["/a", "/b"]', (Path("/a"), Path("/b"))),
        ("port", ["--port", "7"], "7", "port = 7", (7,)),
        ("zeroconf", ["--zeroconf", "attic"], "attic", 'zeroconf = "attic"', "attic"),
    ],
)  # fmt: skip
def test_the_three_sources_say_the_same(
    field: str, argv: list[str], variable: str, line: str, value: Any, write: Any
) -> None:
    by_variable = loaded(environ={f"INTERJECT_STT_{field.upper()}": variable})
    by_file = loaded("--config", write(f"[stt]\n{line}\n"))
    assert [getattr(each, field) for each in (loaded(*argv), by_variable, by_file)] == [value] * 3


def test_a_flag_that_may_stand_alone() -> None:
    assert loaded("--zeroconf", "--debug").zeroconf == "auto"
    assert loaded().zeroconf is None


def test_the_home_directory_is_found_where_no_shell_expands_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    assert loaded(environ={"INTERJECT_STT_DATA_DIR": "~/voices"}).data_dir == (Path("/home/ann/voices"),)


def test_an_empty_variable_is_no_setting() -> None:
    assert loaded(environ={"INTERJECT_STT_BEAM_SIZE": "", "INTERJECT_STT_LANGUAGE": ""}) == Settings()


BAD_VALUES = [
    ("name", None, None, "name = 5", "a text"),
    ("beam_size", "many", "many", 'beam-size = "many"', "a whole number from 0 to 10"),
    ("beam_size", "11", "11", "beam-size = 11", "a whole number from 0 to 10"),
    ("beam_size", "1.5", "1.5", "beam-size = 1.5", "a whole number from 0 to 10"),
    ("beam_size", None, None, "beam-size = true", "a whole number from 0 to 10"),
    ("threshold", "-1", "-1", "threshold = -1", "a number, 0 or more"),
    ("threshold", "nan", "nan", "threshold = nan", "a number, 0 or more"),
    ("threshold", "inf", "inf", "threshold = inf", "a number, 0 or more"),
    ("debug", None, "perhaps", 'debug = "perhaps"', "true | false"),
    ("colour", "green", "green", 'colour = "green"', "red | dark-blue"),
    ("device", "gpu", "gpu", 'device = "gpu"', "cpu | cuda"),
    ("port", "0", "1,0", "port = [1, 0]", "a whole number, 1 or more"),
]


@pytest.mark.parametrize(("field", "flag", "variable", "line", "accepted"), BAD_VALUES)
def test_a_bad_value_names_its_key_and_what_is_accepted(
    field: str, flag: str | None, variable: str | None, line: str, accepted: str, write: Any
) -> None:
    key = field.replace("_", "-")
    if flag is not None:
        with pytest.raises(SettingError) as caught:
            loaded(f"--{key}={flag}")
        assert caught.value.key == f"--{key}"
        assert accepted in str(caught.value)
        assert flag in str(caught.value)
    if variable is not None:
        with pytest.raises(SettingError) as caught:
            loaded(environ={f"INTERJECT_STT_{field.upper()}": variable})
        assert caught.value.key == f"INTERJECT_STT_{field.upper()}"
        assert accepted in str(caught.value)
    path = write(f"[stt]\n{line}\n")
    with pytest.raises(SettingError) as caught:
        loaded("--config", path)
    assert caught.value.key == f"{path} [stt] {key}"
    assert accepted in str(caught.value)


def test_a_bad_value_is_told_even_where_another_source_overrides_it() -> None:
    with pytest.raises(SettingError, match="INTERJECT_STT_BEAM_SIZE"):
        loaded("--beam-size", "1", environ={"INTERJECT_STT_BEAM_SIZE": "many"})


def test_unknown_keys_are_named_with_those_that_exist(write: Any) -> None:
    with pytest.raises(SettingError, match=r"--beem-size: no such flag; did you mean --beam-size\?"):
        loaded("--beem-size", "1")
    with pytest.raises(SettingError, match=r"--beam: no such flag; --help-all lists them all"):
        loaded("--beam", "1")
    with pytest.raises(SettingError, match=r"INTERJECT_STT_BEEM_SIZE.*INTERJECT_STT_BEAM_SIZE"):
        loaded(environ={"INTERJECT_STT_BEEM_SIZE": "1"})
    with pytest.raises(SettingError, match=r"--confg: no such flag; did you mean --config\?"):
        loaded("--confg", "x")
    with pytest.raises(SettingError, match=r"\[stt\] beem-size.*beam-size"):
        loaded("--config", write("[stt]\nbeem-size = 1\n"))
    with pytest.raises(SettingError, match=r"sst: no such table.*\[stt\]"):
        loaded("--config", write("[sst]\nbeam-size = 1\n"))
    with pytest.raises(SettingError, match=r"beam-size: no such table.*\[stt\]"):
        loaded("--config", write("beam-size = 1\n"))


def test_a_variable_of_no_process_is_named_even_though_it_is_nobody_s() -> None:
    for variable in ("INTERJECT_STR_BEAM_SIZE", "INTERJECT_BEAM_SIZE"):
        with pytest.raises(SettingError, match=rf"{variable}: .*INTERJECT_STT_, INTERJECT_TTS_"):
            loaded(environ={variable: "1"})


def test_the_other_processes_settings_may_stand_beside(write: Any) -> None:
    settings = loaded(
        "--config", write('[tts]\nvoice = "x"\n[stt]\nname = "a"\n'), environ={"INTERJECT_TTS_VOICE": "y"}
    )
    assert settings.name == "a"


def test_a_file_that_cannot_be_used_is_named(write: Any, tmp_path: Path) -> None:
    for path, reason in (
        (str(tmp_path / "none.toml"), "No such file"),
        (write("[stt\n"), "TOML"),
        (str(tmp_path), "directory"),
    ):
        with pytest.raises(SettingError) as caught:
            loaded("--config", path)
        assert path in str(caught.value)
        assert reason in str(caught.value)


def test_a_secret_comes_by_environment_or_file_and_is_never_shown(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded(environ={"INTERJECT_STT_API_KEY": "s3cret"}).api_key == "s3cret"
    assert loaded("--config", write('[stt]\napi-key = "s3cret"\n')).api_key == "s3cret"
    with pytest.raises(SettingError) as caught:
        loaded("--api-key", "s3cret")
    assert "INTERJECT_STT_API_KEY" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingError) as caught:
        loaded("--config", write("[stt]\napi-key = 53637\n"))
    assert "53637" not in str(caught.value)
    with pytest.raises(SystemExit):
        loaded("--help")
    assert "api-key" not in capsys.readouterr().out


def test_help_shows_each_flag_with_its_default_and_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        loaded("--help")
    assert caught.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "--beam-size N",
        "a whole number (0 to 10; default: 5)",
        "red | dark-blue",
        "--no-streaming",
        "100 %",
        "INTERJECT_STT_",
        "[stt]",
    ):
        assert text in shown


def test_a_missing_value_is_told() -> None:
    with pytest.raises(SettingError, match="--name"):
        loaded("--name")


def test_what_was_given_is_told_from_what_was_not(write: Any) -> None:
    environ = {"INTERJECT_STT_CONFIG": write("[stt]\nbeam-size = 5\n"), "INTERJECT_STT_THRESHOLD": "0.5"}
    told = load_and_tell(Settings, prefix="stt", argv=["--name", "nobody"], environ=environ, description="tests")
    assert told.settings == Settings()
    assert told.given == {"name", "beam_size", "threshold"}


@dataclass(frozen=True)
class Sound:
    TABLE: ClassVar[str] = "audio"

    audio: str = option("device", "a setting that is called as its group is")
    volume: int = option(50, "a whole number")


@dataclass(frozen=True)
class Room(Sound):
    TABLE: ClassVar[str] = "room"

    echo_db: float = option(-40.0, "a number")


def in_file(path: str) -> Room:
    return load(Room, prefix="satellite", argv=["--config", path], environ={}, description="tests")


def test_a_file_may_have_a_table_for_each_group(write: Any) -> None:
    grouped = in_file(write('[satellite.audio]\naudio = "simulated"\nvolume = 7\n[satellite.room]\necho-db = 3\n'))
    flat = in_file(write('[satellite]\naudio = "simulated"\nvolume = 7\necho-db = 3\n'))
    assert grouped == flat == Room("simulated", 7, 3.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[satellite.sound]\nvolume = 7\n", r"\[satellite.sound\]: no such group; there are \[satellite.audio\], "),
        ("[satellite.room]\nvolume = 7\n", r"\[satellite.room\] volume: .*write it in \[satellite.audio\]"),
        ("[satellite.room]\nvolum = 7\n", r"\[satellite.room\] volum: no such setting; did you mean volume\?"),
        ("[satellite]\nvolume = 7\n[satellite.audio]\nvolume = 8\n", r"\[satellite.audio\] volume: .*leave one out"),
        ("[satellite.audio]\nvolume = true\n", r"\[satellite.audio\] volume: True is not accepted"),
    ],
)
def test_a_mistake_in_a_group_is_named_with_its_remedy(write: Any, content: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        in_file(write(content))
