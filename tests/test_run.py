from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from interject.satellite.audio.sound_cards import SoundCard, SoundCards
from interject.satellite.simulator.script import load_script
from interject.servers.stt.settings import SttSettings
from interject.servers.tts.engines.piper_voices import VoiceEntry
from interject.servers.tts.settings import TtsSettings
from interject.wire.errors import SettingError
from tools.harness.processes import free_uri
from tools.run.__main__ import NoSoundCardError, plan, require_sound_card
from tools.run.engines import Here, look_around
from tools.testing.patience import showing, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

JOE = VoiceEntry("en_US-joe-medium", ("en_US",), "joe", {}, Path("joe.onnx"))
NOTHING = Here(pocketsphinx=False, models=(), voices=())
ALL = Here(pocketsphinx=True, models=("tiny.en", "base"), voices=(JOE,))
QUIET = ("--uri", "tcp://127.0.0.1:0", "--no-zeroconf")


def nothing(_stt: SttSettings, _tts: TtsSettings) -> Here:
    return NOTHING


def chosen(argv: Sequence[str], here: Here, environ: Mapping[str, str] | None = None) -> dict[str, list[str]]:
    wanted = plan(argv, environ or {}, lambda _stt, _tts: here)
    return {name: list(wanted.servers[name]) for name in ("stt", "tts")}


@pytest.mark.parametrize(
    ("argv", "here", "stt", "tts"),
    [
        ((), NOTHING, ["faster-whisper"], ["espeak-ng"]),
        ((), replace(NOTHING, pocketsphinx=True), ["pocketsphinx"], ["espeak-ng"]),
        ((), ALL, ["faster-whisper", "--model", "tiny.en"], ["piper", "--voice", "en_US-joe-medium"]),
        (("--language", "de-DE"), ALL, ["faster-whisper", "--model", "base"], ["espeak-ng"]),
        (("--language", "de"), replace(ALL, models=("tiny.en",)), ["faster-whisper"], ["espeak-ng"]),
        (("--language", "en-GB"), ALL, ["faster-whisper", "--model", "tiny.en"], ["piper", "--voice", JOE.name]),
    ],
)
def test_engines_are_chosen_by_what_is_here_and_by_language(
    argv: Sequence[str], here: Here, stt: list[str], tts: list[str]
) -> None:
    assert chosen(argv, here) == {"stt": ["--engine", *stt], "tts": ["--engine", *tts]}


def test_what_was_chosen_and_why_is_said() -> None:
    told = "\n".join(plan(["--language", "de"], {}, lambda _stt, _tts: replace(ALL, models=())).told)
    assert "PocketSphinx knows English only" in told
    assert "espeak-ng, which needs no download" in told


def test_who_chooses_an_engine_gets_it(tmp_path: Path) -> None:
    file = tmp_path / "interject.toml"
    file.write_text("[tts]\nengine = 'espeak-ng'\n")
    argv = ["--stt-engine", "pocketsphinx", "--config", str(file)]
    config = ["--config", str(file)]
    assert chosen(argv, ALL) == {"stt": [*config, "--engine", "pocketsphinx"], "tts": config}
    by_setting = chosen(["--stt-engine", "faster-whisper"], ALL, {"INTERJECT_TTS_NOISE_SCALE": "0.5"})
    assert by_setting["stt"][-2:] == ["--model", "tiny.en"]
    assert by_setting["tts"] == ["--engine", "piper", "--voice", JOE.name]
    by_variable = chosen([], ALL, {"INTERJECT_STT_ENGINE": "pocketsphinx", "INTERJECT_TTS_VOICE": "fr"})
    assert by_variable == {"stt": [], "tts": []}


def test_models_and_voices_are_found_where_they_are_kept(tmp_path: Path) -> None:
    (tmp_path / "tiny.en").mkdir()
    (tmp_path / "tiny.en" / "model.bin").touch()
    (tmp_path / JOE.name).with_suffix(".onnx").touch()
    config = {"language": {"code": "en_US"}}
    (tmp_path / f"{JOE.name}.onnx.json").write_text(json.dumps(config))
    here = look_around(SttSettings(data_dir=(tmp_path,)), TtsSettings(data_dir=(tmp_path,)))
    assert here.models[0] == "tiny.en"
    assert [voice.name for voice in here.voices] == [JOE.name]


def test_each_process_gets_an_address_of_its_own_and_can_listen_there() -> None:
    # Of so many that are drawn from 12,000 without regard to each other some are the same, all but once in a thousand.
    uris = [free_uri() for _ in range(400)]

    assert len(set(uris)) == len(uris)
    with socket.create_server(("127.0.0.1", int(uris[0].rsplit(":", 1)[1]))):
        pass


def test_the_satellites_arguments_are_passed_on_and_the_servers_start_with_their_own() -> None:
    wanted = plan(["--name", "kitchen", "--tts-voice", "en-gb", "--stt-model=base", "--no-zeroconf"], {}, nothing)
    assert list(wanted.flags) == ["--name", "kitchen", "--no-zeroconf"]
    assert wanted.settings.name == "kitchen"
    assert wanted.servers == {"stt": ["--model", "base"], "llm": [], "tts": ["--voice", "en-gb"]}


def test_a_fresh_conversation_is_one_that_nobody_had() -> None:
    ids = {plan(["--fresh"], {}, nothing).settings.conversation_id for _ in range(2)}
    assert len(ids) == 2
    assert None not in ids
    assert plan([], {}, nothing).settings.conversation_id is None


def test_each_setting_of_a_server_is_a_flag() -> None:
    argv = ["--llm-system-prompt", "Be brief.", "--stt-local-files-only", "--tts-data-dir=a", "--tts-data-dir", "b"]
    wanted = plan([*argv, "--stt-timeout-s", "9"], {}, nothing)
    assert list(wanted.servers["llm"]) == ["--system-prompt", "Be brief."]
    assert "--local-files-only" in wanted.servers["stt"]
    assert list(wanted.servers["tts"])[:4] == ["--data-dir", "a", "--data-dir", "b"]
    # This one is the satellite's own.
    assert list(wanted.flags) == ["--stt-timeout-s", "9"]


def test_a_command_of_the_satellite_is_run(repository: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tools.run", "doctor", "--help"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(repository)},
    )  # fmt: skip
    assert ended.returncode == 0
    assert ended.stdout.startswith("usage: interject-satellite doctor")


def test_a_server_whose_address_is_given_is_not_started() -> None:
    wanted = plan(["--stt-uri", "tcp://den:10300"], {"INTERJECT_SATELLITE_LLM_URI": "tcp://den:10800"}, nothing)
    assert set(wanted.servers) == {"tts"}


def test_one_file_configures_all_four(tmp_path: Path) -> None:
    file = tmp_path / "interject.toml"
    file.write_text("[satellite]\nname = 'kitchen'\n[tts]\nvoice = 'en-gb'\n")
    wanted = plan(["--config", str(file), "--llm-model", "small"], {}, nothing)
    assert wanted.settings.name == "kitchen"
    assert wanted.servers["tts"] == ["--config", str(file)]
    assert wanted.servers["llm"] == ["--config", str(file), "--model", "small"]


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--endpoint-silence-ms", "soon"], "endpoint-silence-ms.*'soon' is not accepted"),
        (["--nmae", "kitchen"], r"--nmae: no such flag; did you mean --name\?"),
        (["--stt", "whisper"], "--stt"),
        (
            ["--stt-engine", "pocketsphinx", "--stt-model", "base"],
            "--stt-model: .* faster-whisper.*give --stt-engine",
        ),
        (
            ["--system-prompt", "Be brief."],
            r"LLM bridge's is --llm-system-prompt, or system-prompt in \[llm\] of --config",
        ),
        (["--model=tiny"], "STT server's is --stt-model.*LLM bridge's is --llm-model"),
        (["--llm-api-key", "x"], "a secret on a command line can be seen by others; set INTERJECT_LLM_API_KEY"),
        (["--config", "/nowhere.toml"], "--config /nowhere.toml: cannot be read"),
    ],
)
def test_a_mistake_is_told_before_anything_starts(argv: list[str], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        plan(argv, {})


@pytest.mark.parametrize(
    ("argv", "environ", "needed"),
    [
        ([], {}, True),
        (["--mic-device", "USB"], {}, True),
        (["--text"], {}, False),
        (["--audio", "simulated"], {}, False),
        (["--audio=simulated"], {}, False),
        (["--mic-command", "arecord"], {}, False),
        ([], {"INTERJECT_SATELLITE_SND_COMMAND": "aplay"}, False),
    ],
)
def test_a_sound_card_is_asked_for_only_where_one_is_used(
    argv: list[str], environ: dict[str, str], needed: bool
) -> None:
    assert plan(argv, environ).needs_sound_card is needed


def test_somebody_speaks_in_the_simulated_room() -> None:
    wanted = plan(["--audio", "simulated"], {}, nothing)
    flags = list(wanted.flags)
    script = load_script(Path(flags[flags.index("--room-script") + 1]))
    assert len(script.clips) > 1
    assert "--room-script FILE for a scene of your own" in "\n".join(wanted.told)


@pytest.mark.parametrize("given", [["--room-script", "mine.json"], ["--text"]])
def test_who_has_a_scene_or_types_gets_none(given: list[str]) -> None:
    argv = ["--audio", "simulated", *given]
    assert list(plan(argv, {}, nothing).flags) == argv


@pytest.mark.parametrize(
    ("inputs", "outputs", "told"),
    [(0, 2, "no microphone. Use --text"), (1, 0, "no loudspeaker. Use"), (0, 0, "no microphone and no loudspeaker")],
)
def test_what_the_machine_lacks_is_named_with_what_works_without_it(inputs: int, outputs: int, told: str) -> None:
    card = SoundCard(0, "hdmi", "ALSA", inputs, outputs, 48_000)
    with pytest.raises(NoSoundCardError, match=f"{told}.*--audio simulated"):
        require_sound_card(SoundCards((card,), None, None))
    require_sound_card(SoundCards((SoundCard(0, "headset", "ALSA", 1, 2, 48_000),), None, None))


class Terminal:
    """script/run as somebody starts it in a terminal, in text mode."""

    def __init__(self, folder: Path, repository: Path, *flags: str) -> None:
        self._log = folder / "run.log"
        environment = {
            **os.environ,
            "PYTHONPATH": str(repository),
            "XDG_STATE_HOME": str(folder),
            "XDG_DATA_HOME": str(folder),
        }
        with self._log.open("wb") as log:
            self.run = subprocess.Popen(
                [sys.executable, "-m", "tools.run", "--text", "--debug", *flags], env=environment,
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    @property
    def screen(self) -> str:
        return self._log.read_text(errors="replace")

    def children(self) -> dict[str, psutil.Process]:
        """Give stt, llm, tts and satellite as soon as all can be used."""
        wait_until(self._ready, "script/run to say that it is ready")
        found = psutil.Process(self.run.pid).children()
        return {child.cmdline()[2].rpartition(".")[2]: child for child in found}

    def _ready(self) -> bool:
        status = self.run.poll()
        assert status is None, f"expected script/run to run; it ended with status {status}"
        return "Ready at" in self.screen

    def ended(self) -> int:
        """Wait until it has ended; returns the status."""
        wait_until(lambda: self.run.poll() is not None, "script/run to end")
        return int(self.run.returncode)

    def close(self) -> None:
        if self.run.poll() is None:
            os.killpg(self.run.pid, signal.SIGKILL)
        assert self.run.stdin is not None
        self.run.stdin.close()
        self.run.wait()


@contextmanager
def terminal(folder: Path, repository: Path, *flags: str) -> Iterator[Terminal]:
    opened = Terminal(folder, repository, *flags)
    logs = [folder / "run.log", *(folder / "interject" / f"{name}.log" for name in ("stt", "llm", "tts"))]
    try:
        with showing(lambda: logs):
            yield opened
    finally:
        opened.close()


needs_engines = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="pocketsphinx has no wheel; the default would download a model"
)


@needs_engines
@pytest.mark.parametrize("to_group", [True, False], ids=["Ctrl-C", "SIGTERM to script/run alone"])
def test_all_four_end_together_without_a_traceback(tmp_path: Path, repository: Path, to_group: bool) -> None:
    with terminal(tmp_path, repository, *QUIET) as opened:
        children = opened.children()
        assert set(children) == {"stt", "llm", "tts", "satellite"}
        if to_group:
            os.killpg(opened.run.pid, signal.SIGINT)
        else:
            opened.run.terminate()
        assert opened.ended() == 0
        assert not any(child.is_running() for child in children.values())
        logs = [
            opened.screen,
            *((tmp_path / "interject" / f"{name}.log").read_text() for name in ("stt", "llm", "tts")),
        ]
        assert not any("Traceback" in log for log in logs)


@needs_engines
def test_a_server_that_dies_is_named_with_the_end_of_its_log_and_the_others_stop(
    tmp_path: Path, repository: Path
) -> None:
    with terminal(tmp_path, repository, *QUIET) as opened:
        children = opened.children()
        children["tts"].kill()
        assert opened.ended() == 1
        assert not any(child.is_running() for child in children.values())
        told = opened.screen.partition("script/run: tts was ended by signal 9")[2]
        assert "Ready at" in told
        assert "Traceback" not in opened.screen


@needs_engines
def test_questions_of_a_pipe_are_answered_one_after_the_other(tmp_path: Path, repository: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(repository), "XDG_STATE_HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "tools.run", "--text"], input="what time is it\ncount to three\n", text=True,
        env={**environment, "XDG_DATA_HOME": str(tmp_path)}, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert [lines[0], *lines[2:]] == ["> what time is it", "> count to three", "One, two, three."]
    assert lines[1].startswith("It is ")


def test_an_address_that_is_taken_is_told_before_anything_is_started(tmp_path: Path, repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        uri = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with terminal(tmp_path, repository, "--uri", uri) as opened:
            assert opened.ended() == 2
            assert f"script/run: cannot listen at {uri}: " in opened.screen
    assert not (tmp_path / "interject").exists()


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "HOME"])
def test_logs_that_cannot_be_kept_are_told_in_a_sentence(repository: Path, variable: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "XDG_STATE_HOME"}
    ended = subprocess.run(
        [sys.executable, "-m", "tools.run", "--text"], stdin=subprocess.DEVNULL, capture_output=True,
        env={**environment, "PYTHONPATH": str(repository), variable: "/proc/nowhere"}, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "logs cannot be kept in /proc/nowhere" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_terminals_that_type_are_in_nobodys_way() -> None:
    typing = plan(["--text"], {}).settings
    assert typing.uri is None
    assert not typing.zeroconf
    assert plan(["--text", "--uri", "tcp://127.0.0.1:10700"], {}).settings.uri == "tcp://127.0.0.1:10700"
    announced = plan(["--text", "--home-assistant"], {}).settings
    assert announced.zeroconf
    assert announced.uri == "tcp://0.0.0.0:10700"


@needs_engines
def test_an_engine_that_does_not_exist_is_told_in_the_servers_own_words(tmp_path: Path, repository: Path) -> None:
    with terminal(tmp_path, repository, *QUIET, "--tts-engine", "parrot") as opened:
        assert opened.ended() == 2
        assert "'parrot' is not accepted; give espeak-ng | piper" in opened.screen


@needs_engines
@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--stt-model", "smal-int8"], "did you mean small-int8?"),
        (["--tts-engine", "piper", "--tts-voice", "nosuch"], "no voice 'nosuch'"),
        (["--llm-model", "m"], "OPENAI_API_KEY: is not set"),
    ],
)
def test_what_can_never_work_is_told_on_the_screen_and_everything_ends(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str], told: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with terminal(tmp_path, repository, *QUIET, *flags) as opened:
        assert opened.ended() == 1
        assert told in opened.screen


@needs_engines
def test_a_port_that_is_taken_is_told_and_everything_ends(tmp_path: Path, repository: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        uri = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with terminal(tmp_path, repository, "--uri", uri, "--no-zeroconf") as opened:
            assert opened.ended() == 2
            assert f"cannot listen at {uri}" in opened.screen
            assert "choose another address with --uri" in opened.screen
            assert "Traceback" not in opened.screen


@needs_engines
def test_the_end_of_the_input_ends_text_mode_after_the_last_reply(tmp_path: Path, repository: Path) -> None:
    with terminal(tmp_path, repository, *QUIET) as opened:
        assert opened.run.stdin is not None
        opened.run.stdin.write(b"what time is it\n")
        opened.run.stdin.close()
        assert opened.ended() == 0
        assert "> what time is it\nIt is " in opened.screen
