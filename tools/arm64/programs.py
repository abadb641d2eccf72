"""Each program, in emulation: its version, what it says it is, and one thing that it is for."""

from __future__ import annotations

import asyncio
import os
import time
import wave
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.handle import Handled
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize

from interject.satellite.audio.pcm import INT16_FULL_SCALE
from interject.wire.errors import InterjectError
from tools.arm64.agreement import Check
from tools.arm64.outputs import CLIPS
from tools.harness.processes import Processes, Program, free_uri
from tools.home_assistant.chroot import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from wyoming.event import Event, Eventable

    from tools.bench.instructions import Arm64

NAMES = ("stt", "llm", "tts", "satellite")
# Importing takes 20 s of a processor's time in emulation, and the processor may be very busy.
_READY_S = 900.0
_ANSWER_S = 900.0
_FRAMES = 1024
_WHICH = "import platform; print(platform.machine(), platform.python_version())"
_CLIP, _WORDS = "turn_on_the_kitchen_light", "turn on the kitchen light"
_QUESTION, _REPLY = "count to three", "One, two, three."
_SENTENCE = "The kettle is on. Tea will be ready soon."
# espeak-ng varies its voice a little from one call to the next.
_LENGTH_ALIKE_S = 0.1
_LOUD = 0.1


class NoAnswerError(InterjectError):
    """A program closed the connection, told an error, or nothing."""


async def try_programs(arm64: Arm64, logs: Path) -> AsyncIterator[Check]:
    """Start each of them, and let it do what it is for; raises InterjectError."""
    environment = {**os.environ, "PYTHONPATH": str(arm64.site), "XDG_DATA_HOME": str(logs), "XDG_STATE_HOME": str(logs)}
    python = (await run(*arm64.python(), "-c", _WHICH, environment=environment)).strip()
    yield Check("Python is that of arm64", python.startswith("aarch64"), python)
    for name in NAMES:
        began_s = time.monotonic()
        told = _last(await run(*_command(arm64, name), "--version", environment=environment))
        is_ours = told == version("wyoming-interject")
        yield Check(f"interject-{name} --version", is_ours, f"{told}, {time.monotonic() - began_s:.0f} s")
    listed = await run(*_command(arm64, "satellite"), "--list-devices", environment=environment)
    yield Check("interject-satellite --list-devices: PortAudio answers", "sound device" in listed, _last(listed))
    flags = {
        "stt": ("--engine", "pocketsphinx"),
        "llm": ("--backend", "offline", "--store", str(logs / "conversations.sqlite3")),
        "tts": ("--engine", "espeak-ng"),
        "satellite": ("--audio", "simulated", "--wake-word-name", "okay_nabu", "--no-zeroconf"),
    }
    async with Processes(environment) as emulated, Processes(os.environ) as native:
        uris = {name: free_uri() for name in NAMES}
        servers = [word for name in NAMES[:-1] for word in (f"--{name}-uri", uris[name])]
        for name in NAMES:
            words = [*flags[name], *(servers if name == "satellite" else ())]
            log, command = logs / f"{name}.log", _command(arm64, name)
            program = Program(name, name, uris[name], words, log, command, _READY_S)
            began_s = time.monotonic()
            await emulated.start(program)
            await emulated.wait_until_ready(name)
            yield await _described(name, uris[name], time.monotonic() - began_s)
        yield await _transcribes(uris["stt"])
        yield await _answers(uris["llm"])
        beside = Program("tts", "interject.servers.tts", free_uri(), flags["tts"], logs / "native.log")
        await native.start(beside)
        await native.wait_until_ready("tts")
        yield await _speaks(uris["tts"], beside.uri)
        emulated.check()


def _command(arm64: Arm64, name: str) -> list[str]:
    return [*arm64.python(), str(arm64.site / "bin" / f"interject-{name}")]


def _last(text: str) -> str:
    return text.strip().rpartition("\n")[2]


async def _ask(uri: str, events: Sequence[Eventable], last: str) -> list[Event]:
    """Send events and return what comes, until the last of it; raises NoAnswerError."""
    received: list[Event] = []
    try:
        async with asyncio.timeout(_ANSWER_S), AsyncClient.from_uri(uri) as client:
            for sent in events:
                await client.write_event(sent.event())
            while not received or received[-1].type != last:
                event = await client.read_event()
                if event is None or event.type == "error":
                    raise NoAnswerError(f"{uri} {event.data if event else 'closed the connection'}, with no {last}")
                received.append(event)
    except TimeoutError:
        raise NoAnswerError(f"{uri} gave no {last} within {_ANSWER_S:g} s") from None
    return received


async def _described(name: str, uri: str, seconds: float) -> Check:
    *_, event = await _ask(uri, [Describe()], "info")
    info = Info.from_event(event)
    kinds = {"stt": info.asr, "llm": info.handle, "tts": info.tts, "satellite": info.satellite}
    said = [kind for kind, programs in kinds.items() if programs]
    return Check(
        f"interject-{name} says that it is {name}", said == [name], f"{', '.join(said)}, after {seconds:.0f} s"
    )


async def _transcribes(uri: str) -> Check:
    with wave.open(str(CLIPS / f"{_CLIP}.wav")) as file:
        rate_hz, pcm = file.getframerate(), file.readframes(file.getnframes())
    chunks = [AudioChunk(rate_hz, 2, 1, pcm[at : at + 2 * _FRAMES]) for at in range(0, len(pcm), 2 * _FRAMES)]
    events = [Transcribe(language="en"), AudioStart(rate_hz, 2, 1), *chunks, AudioStop()]
    began_s = time.monotonic()
    *_, event = await _ask(uri, events, "transcript")
    text = Transcript.from_event(event).text
    took = f"{time.monotonic() - began_s:.0f} s for {len(pcm) / 2 / rate_hz:.1f} s of audio"
    return Check("interject-stt transcribes (pocketsphinx)", text == _WORDS, f'"{text}", {took}')


async def _answers(uri: str) -> Check:
    *_, event = await _ask(uri, [Transcript(text=_QUESTION)], "handled")
    text = Handled.from_event(event).text or ""
    return Check("interject-llm answers", text == _REPLY, f'"{text}"')


async def _speaks(uri: str, native_uri: str) -> Check:
    began_s = time.monotonic()
    emulated, native = [
        _sound(await _ask(each, [Synthesize(text=_SENTENCE)], "audio-stop")) for each in (uri, native_uri)
    ]
    took_s = time.monotonic() - began_s
    (length_s, loudest), (native_s, _) = emulated, native
    is_alike = abs(length_s - native_s) <= _LENGTH_ALIKE_S and loudest > _LOUD
    found = f"{length_s:.2f} s of audio, natively {native_s:.2f}; took {took_s:.0f} s"
    return Check("interject-tts speaks (espeak-ng)", is_alike, found)


def _sound(events: Sequence[Event]) -> tuple[float, float]:
    """Return how long it is, in seconds, and the share of full scale of its loudest sample."""
    chunks = [AudioChunk.from_event(event) for event in events if AudioChunk.is_type(event.type)]
    samples = np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2")
    return len(samples) / chunks[0].rate, float(np.abs(samples.astype(np.int32)).max()) / INT16_FULL_SCALE
