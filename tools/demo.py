"""The main job in a simulated room: four processes, a recorded voice, and proof of what happened."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import shlex
import signal
import sys
import time
import wave
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interject.satellite.audio.wav import read_wav
from interject.servers.llm.history import as_json, read_history
from interject.wire.errors import InterjectError
from interject.wire.process import INTERRUPTED_STATUS
from tools.commit import commit
from tools.harness.checks import Check, Evidence, expected_by, judge, load_channels
from tools.harness.metrics import demo_metrics
from tools.harness.processes import Processes, Program, free_uri, module_of
from tools.harness.scenarios import SCENARIOS, Scenario, named, with_recordings
from tools.harness.timeline import Timeline, describe
from tools.harness.warm_up import warm_up_stt, warm_up_tts
from tools.picture.drawing import Caption, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONVERSATION = "demo"
# Set-up not counted, a demo must be over within a minute.
_TIME_LIMIT_S = 50.0
_POLL_S = 0.05
# The room tells that the loudspeaker fell silent once it has been so for 0.3 s; lines wait to come out in order.
_SETTLED_AFTER_S = 0.4
# How long the room stays quiet before the scene is over.
_QUIET_AT_END_S = 1.2
# Longer than any pause that a scenario plans: what has not happened by then will not happen any more.
_NOTHING_COMES_S = 4.0
# A model that takes longer to load is worth a word.
_LOADING_IS_SLOW_S = 2.0
# Two recordings and two replies must fit into the time limit.
_LONGEST_RECORDING_S = 15.0
_LATEST_INTERRUPTION_S = 20.0
_RATE_HZ = 16_000
PROGRAMS = ("satellite", "stt", "llm", "tts")
_SCENARIO = "barge-in"
_STORE = "conversations.sqlite3"
_PICTURE = "interruption.svg"


def main() -> int:
    """Run one scenario; status 0 only if all of it truly happened."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = _parse(sys.argv[1:])
    scenario = SCENARIOS[arguments.scenario or _SCENARIO]
    try:
        scenario = with_recordings(scenario, arguments.question, arguments.interruption, arguments.after)
        checks = asyncio.run(_play(scenario, arguments))
    except (InterjectError, ValueError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\ndemo: interrupted\n")
        return INTERRUPTED_STATUS
    for check in checks:
        _say(f"  {'ok    ' if check.passed else 'FAILED'}  {check.what}")
    passed = all(check.passed for check in checks)
    _say("\nAll of it happened." if passed else "\nNot all of it happened.")
    return 0 if passed else 1


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument(
        "--scenario", choices=sorted(SCENARIOS),
        help=f"what is said, and what must come of it (default: {_SCENARIO}; your own recordings are judged by what "
        "came of them)",
    )  # fmt: skip
    parser.add_argument("--question", type=_recording, metavar="WAV", help="your own recording of the question")
    parser.add_argument("--interruption", type=_recording, metavar="WAV", help="your own recording that breaks in")
    parser.add_argument("--after", type=_moment, metavar="S", help="when it breaks in: seconds into the reply")
    parser.add_argument("--stt-engine", metavar="NAME", help="engine of the STT server")
    parser.add_argument("--stt-model", metavar="NAME", help="model of the STT server")
    parser.add_argument("--tts-engine", metavar="NAME", help="engine of the TTS server")
    parser.add_argument("--tts-voice", metavar="NAME", help="voice of the TTS server")
    parser.add_argument("--llm-base-url", metavar="URL", help="an OpenAI-compatible API; its key from OPENAI_API_KEY")
    parser.add_argument("--llm-model", metavar="NAME", help="model at that API")
    parser.add_argument(
        "--picture", type=Path, nargs="?", const=None, default=argparse.SUPPRESS, metavar="FILE",
        help=f"draw the run, with a close look at the interruption, as SVG; no FILE: {_PICTURE} in --out",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="default: out/demo")
    arguments = parser.parse_args(argv)
    # Left out, there is none; without a name, it has a place of its own.
    if "picture" not in arguments:
        arguments.picture = None
    elif arguments.picture is None:
        arguments.picture = arguments.out / _PICTURE
    return arguments


def _recording(value: str) -> Path:
    path = Path(value)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{value}: there is no such file")
    try:
        samples = read_wav(path, _RATE_HZ)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{value}: {error.strerror}") from None
    except (wave.Error, EOFError) as error:
        raise argparse.ArgumentTypeError(f"{value} is no PCM WAV file ({str(error) or 'it ends too early'})") from None
    if not samples.any():
        raise argparse.ArgumentTypeError(f"{value}: there is no sound in it")
    if len(samples) > _LONGEST_RECORDING_S * _RATE_HZ:
        raise argparse.ArgumentTypeError(f"{value}: it is longer than {_LONGEST_RECORDING_S:g} s")
    return path.resolve()


def _moment(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LATEST_INTERRUPTION_S:
        raise argparse.ArgumentTypeError(f"{value} is not from 0 to {_LATEST_INTERRUPTION_S:g} seconds")
    return seconds


async def _play(scenario: Scenario, arguments: argparse.Namespace) -> list[Check]:
    out: Path = arguments.out
    _prepare(out, scenario)
    _prepare_picture(arguments.picture)
    _say(f"{scenario.name}: {scenario.summary}\n")
    timeline = Timeline([out / f"{name}.jsonl" for name in PROGRAMS])
    async with Processes(os.environ) as processes:
        uris = {name: free_uri() for name in ("stt", "llm", "tts")}
        for name, uri in uris.items():
            await processes.start(_server(name, uri, out, _server_arguments(name, scenario, arguments)))
        await asyncio.gather(*(processes.wait_until_ready(name) for name in uris))
        await _wait_for_models(uris)
        await processes.start(_satellite(uris, out))
        await processes.wait_until_ready("satellite")
        await _follow(scenario, timeline, processes)
    timeline.read_new()
    _show(timeline.next_to_show(math.inf))
    evidence = _conclude(scenario, timeline, out, arguments.picture)
    own = arguments.question or arguments.interruption
    happened = expected_by(evidence)
    if own and arguments.scenario is None:
        scenario = replace(scenario, expected=happened)
        _say(f"What happened: {happened.value}, as in --scenario {named(happened)}.\n")
    elif own and happened is not scenario.expected:
        _say(f"What happened is what --scenario {named(happened)} is about: {happened.value}.\n")
    return judge(scenario, evidence)


async def _wait_for_models(uris: dict[str, str]) -> None:
    slow = asyncio.get_running_loop().call_later(
        _LOADING_IS_SLOW_S, _say, "(waiting for the servers' models; the first time they are downloaded)\n"
    )
    try:
        await warm_up_stt(uris["stt"])
        await warm_up_tts(uris["tts"])
    finally:
        slow.cancel()


def _prepare(out: Path, scenario: Scenario) -> None:
    """Make the folder and take an earlier demo out of it, nothing else; raises ValueError."""
    written = {f"{name}.{kind}" for name in PROGRAMS for kind in ("jsonl", "log")}
    written |= {_STORE, f"{_STORE}-wal", f"{_STORE}-shm", "room.wav", "channels.wav", "timeline.json"}
    for line in scenario.lines:
        if line.clip.parent == out.resolve() and line.clip.name in written:
            raise ValueError(f"{line.clip} is a file that the demo itself writes; copy it to another place first")
    clips = {"clips": [line.as_json() for line in scenario.lines]}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in written:
            (out / name).unlink(missing_ok=True)
        (out / "room.json").write_text(json.dumps(clips), encoding="utf-8")
    except OSError as error:
        raise ValueError(f"--out {out}: cannot be written ({error.strerror}); choose another folder") from None


def _prepare_picture(picture: Path | None) -> None:
    """Find out before anything is played whether it can be written; raises ValueError."""
    if picture is not None:
        try:
            picture.touch()
        except OSError as error:
            raise ValueError(f"--picture {picture}: cannot be written ({error.strerror})") from None


def _server(name: str, uri: str, out: Path, arguments: Sequence[str]) -> Program:
    traced = ("--trace-file", str(out / f"{name}.jsonl"), *arguments)
    return Program(name, module_of(name), uri, traced, out / f"{name}.log")


def _server_arguments(name: str, scenario: Scenario, arguments: argparse.Namespace) -> list[str]:
    chosen = {
        "stt": {"--engine": arguments.stt_engine, "--model": arguments.stt_model},
        "tts": {"--engine": arguments.tts_engine, "--voice": arguments.tts_voice},
        "llm": {"--base-url": arguments.llm_base_url, "--model": arguments.llm_model},
    }[name]
    flags = [part for flag, value in chosen.items() if value for part in (flag, value)]
    if name == "llm":
        flags += ["--store", str(arguments.out / _STORE), *scenario.llm_arguments]
    return flags


def _satellite(uris: dict[str, str], out: Path) -> Program:
    servers = [part for name, uri in uris.items() for part in (f"--{name}-uri", uri)]
    room = ["--audio", "simulated", "--room-script", str(out / "room.json"), "--room-record-dir", str(out)]
    room += ["--control-socket", "none"]
    others = ["--no-zeroconf", "--conversation-id", _CONVERSATION, "--trace-file", str(out / "satellite.jsonl")]
    return Program("satellite", module_of("satellite"), free_uri(), [*servers, *room, *others], out / "satellite.log")


async def _follow(scenario: Scenario, timeline: Timeline, processes: Processes) -> None:
    """Show the timeline as it grows, until the scene is over or its time is up."""
    deadline = time.monotonic() + _TIME_LIMIT_S
    while time.monotonic() < deadline:
        timeline.read_new()
        _show(timeline.next_to_show(timeline.now() - _SETTLED_AFTER_S))
        processes.check()
        if is_over(scenario, timeline):
            return
        await asyncio.sleep(_POLL_S)
    _say(f"(the scene was not over after {_TIME_LIMIT_S:g} s)")


def is_over(scenario: Scenario, timeline: Timeline) -> bool:
    """Tell whether all has been said, and all that it led to has happened."""
    events = timeline.events
    stops = [event for event in events if event["type"] == "user-stops"]
    phases = [event for event in events if event["type"] == "phase"]
    speaks = [event for event in events if event["type"] == "user-speaks"]
    if not stops or len(stops) < len(speaks):
        return False
    all_said = len(stops) == len(scenario.lines)
    if all_said and scenario.stop_after_reply_s is not None:
        starts = [event["t"] for event in events if event["type"] == "reply-started" and event["t"] > stops[-1]["t"]]
        if starts:
            return bool(timeline.now() - starts[0] >= scenario.stop_after_reply_s)
    rests = not phases or phases[-1]["phase"] == "idle"
    quiet_since = max(event["t"] for event in (*stops, *phases))
    wanted_s = _QUIET_AT_END_S if all_said and scenario.stop_after_reply_s is None else _NOTHING_COMES_S
    return bool(rests and timeline.now() - quiet_since >= wanted_s)


def _show(events: Sequence[dict[str, Any]]) -> None:
    for event in events:
        line = describe(event)
        if line is not None:
            _say(line)


def _conclude(scenario: Scenario, timeline: Timeline, out: Path, picture: Path | None) -> Evidence:
    history = as_json(read_history(out / _STORE, _CONVERSATION))
    microphone, loudspeaker, rate_hz = load_channels(out / "channels.wav")
    evidence = Evidence(timeline.events, history, microphone, loudspeaker, rate_hz)
    metrics = demo_metrics(evidence)
    whole = {"scenario": scenario.name, "events": evidence.events, "history": history, "metrics": metrics}
    (out / "timeline.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")
    _say("\nHistory:")
    for message in history:
        _say(f"  {message['role']:<9}  {message['content']}")
    _say("\nMeasured in seconds of the room's clock:" if metrics else "")
    for name, value in metrics.items():
        _say(f"  {value:8.3f}  {name}")
    _say(f"\nWritten to {out}: room.wav (listen to it), channels.wav, timeline.json")
    if picture is not None:
        command = shlex.join(["script/demo", *sys.argv[1:]])
        picture.write_text(draw(evidence, metrics, Caption(scenario.summary, command, commit())), encoding="utf-8")
        _say(f"Drawn: {picture}")
    _say("")
    return evidence


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
