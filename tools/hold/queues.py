"""One host that asks the speech servers for more than they can do, and what somebody at another address waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
import wave
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.tts import Synthesize

from tools.harness.warm_up import warm_up_stt, warm_up_tts
from tools.hold.caller import HERE, STRANGER, call
from tools.hold.house import CLIPS, Wanted
from tools.hold.measure import open_watched
from tools.hold.part import Part, Row, Size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from wyoming.event import Event

    from tools.hold.measure import Damage, Watch

_CLIP, _SAID = "stop", "stop"
_ASKED = {Size.SHORT: 1, Size.FULL: 3}
_CLIENTS = {Size.SHORT: 15, Size.FULL: 100}
_LISTS = {Size.SHORT: 2, Size.FULL: 6}
_SPEAKERS = {Size.SHORT: 20, Size.FULL: 60}
# Who is refused hears so after 7 s; a transcript that had its place by then takes a while more.
_ANSWER_S = 20.0
_HINTS_ANSWER_S = 40.0
# The attackers' requests have arrived, and the bystander comes after them.
_AHEAD_S = 0.3
_MOST_TRANSCRIPT_S = 5.0
_MOST_HINTED_S = 3.0
_MOST_AUDIO_S = 2.0
_SPOKEN_S = 60.0
# A pair of decoders for each seat, of which there is one more than there are cores, and one for another host.
_PAIR_MB = 130.0
_MOST_MB = _PAIR_MB * ((os.cpu_count() or 1) + 2)
_NAMES = 1000
# A sentence is cut after 600 characters at the latest, and single digits take longest to say.
_SENTENCE = "7 " * 299 + "7."


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a request got: its transcript, the code of its error, or neither where nothing came; and after how long."""

    text: str | None
    code: str | None
    took_s: float


async def _run(folder: Path, size: Size) -> Sequence[Row]:
    async with open_watched(folder, Wanted(("stt", "tts"))) as watch:
        await warm_up_stt(watch.house.uris["stt"])
        await warm_up_tts(watch.house.uris["tts"])
        return [*await _many_clients(watch, size), *await _long_lists(watch, size), *await _long_sentences(watch, size)]


async def _many_clients(watch: Watch, size: Size) -> list[Row]:
    """Have one host say something by many connections at once."""
    clients = _CLIENTS[size]
    attack = f"{clients} utterances of one host at once, to STT"
    return await _transcripts(watch, size, attack, [Transcribe()] * clients, _ANSWER_S, _MOST_TRANSCRIPT_S)


async def _long_lists(watch: Watch, size: Size) -> list[Row]:
    """Have one host expect as many long names as a request may have, of which no two requests have the same."""
    lists = [Transcribe(transcript_names=list(_names(number))) for number in range(_LISTS[size])]
    attack = f"{len(lists)} lists of {_NAMES:,} names of nine words, of one host, to STT"
    return await _transcripts(watch, size, attack, lists, _HINTS_ANSWER_S, _MOST_HINTED_S)


def _names(number: int) -> Iterator[str]:
    words = "kitchen garden window ceiling bedroom table lamp corner light door wall heater".split()
    for name in range(_NAMES):
        digits = f"{number * _NAMES + name:04}"
        yield " ".join((*(words[(int(digit) + place) % len(words)] for place, digit in enumerate(digits * 2)), "one"))


async def _transcripts(
    watch: Watch, size: Size, attack: str, attacking: Sequence[Transcribe], answer_s: float, most_s: float
) -> list[Row]:
    """Ask for a transcript alone, then while somebody else asks for many."""
    uri = watch.house.uris["stt"]

    async def ask() -> _Answer:
        return await _transcribe(uri, HERE, Transcribe(), answer_s)

    async with watch.during() as damage:
        alone = [await ask() for _ in range(_ASKED[size])]
        attackers = asyncio.gather(*(_transcribe(uri, STRANGER, each, answer_s) for each in attacking))
        await asyncio.sleep(_AHEAD_S)
        attacked = [await ask() for _ in range(_ASKED[size])]
        theirs = await attackers
    right = sum(answer.text == _SAID for answer in attacked)
    return [
        Row(
            attack,
            f"a bystander elsewhere says {_SAID!r} {len(attacked)} times",
            f"{right} right; {_ratio(alone, attacked)}",
            f"all right, {most_s:.0f} s at most",
            held=right == len(attacked) and _worst_s(attacked) <= most_s,
            timed=True,
        ),
        _order_row(attack, attacked, theirs, damage),
    ]


def _order_row(attack: str, attacked: Sequence[_Answer], theirs: Sequence[_Answer], damage: Damage) -> Row:
    """Say what a slow machine does not excuse: all are answered, the bystander rightly, in bounded memory."""
    transcripts = sum(answer.text is not None for answer in theirs)
    busy = sum(answer.code == "busy" for answer in theirs)
    right = sum(answer.text == _SAID for answer in attacked)
    return Row(
        attack,
        f"the {len(theirs)} requests, and a bystander's {len(attacked)}",
        f"{transcripts} transcripts, {busy} busy, {len(theirs) - transcripts - busy} with neither; the bystander's "
        f"{right} right; {damage.memory()}; {damage.told()}",
        f"each a transcript or busy, the bystander's right; stt {_MOST_MB:.0f} MB more at most, nobody disturbed",
        held=transcripts + busy == len(theirs)
        and right == len(attacked)
        and damage.harmless
        and "stt" not in damage.grown({"stt": _MOST_MB, "tts": _MOST_MB}),
    )


async def _long_sentences(watch: Watch, size: Size) -> list[Row]:
    """Have one host ask for the longest sentences there are, each by a connection of its own."""
    uri, speakers = watch.house.uris["tts"], _SPEAKERS[size]
    alone = [await _first_audio(uri) for _ in range(_ASKED[size])]
    begun: list[int] = []
    async with watch.during() as damage:
        attackers = [asyncio.create_task(_speak(uri, begun), name="attacker") for _ in range(speakers)]
        try:
            await asyncio.sleep(_AHEAD_S)
            attacked = [await _first_audio(uri) for _ in range(_ASKED[size])]
            overtaken = speakers - len(begun)
        finally:
            for attacker in attackers:
                attacker.cancel()
            await asyncio.gather(*attackers, return_exceptions=True)
    attack = f"{speakers} sentences of 600 characters of one host, to TTS"
    tried = f"a bystander elsewhere has {len(attacked)} short sentences spoken"
    heard = sum(answer.text is not None for answer in attacked)
    return [
        Row(
            attack,
            tried,
            _ratio(alone, attacked),
            f"first audio within {_MOST_AUDIO_S:.0f} s",
            held=heard == len(attacked) and _worst_s(attacked) <= _MOST_AUDIO_S,
            timed=True,
        ),
        Row(
            attack,
            tried,
            f"{heard} heard when {overtaken} of the {speakers}, asked for before, had not begun; {damage.told()}",
            "all heard before half of the others, nobody disturbed",
            held=heard == len(attacked) and overtaken > speakers // 2 and damage.harmless,
        ),
    ]


async def _speak(uri: str, begun: list[int]) -> None:
    """Have a sentence spoken, and note that it begins; how long it is does not matter to who is told that."""
    with await call(uri, STRANGER) as attacker:
        await attacker.send(Synthesize(text=_SENTENCE).event())
        if await attacker.receive_one_of("audio-chunk", within_s=_SPOKEN_S) is not None:
            begun.append(1)
        await attacker.receive_one_of("audio-stop", "error", within_s=_SPOKEN_S)


async def _first_audio(uri: str) -> _Answer:
    with await call(uri) as bystander:
        began = time.monotonic()
        await bystander.send(Synthesize(text="The light is on.").event())
        event = await bystander.receive_one_of("audio-chunk", "error", within_s=_ANSWER_S)
        took_s = time.monotonic() - began
    return _Answer("" if event is not None and event.type == "audio-chunk" else None, None, took_s)


async def _transcribe(uri: str, address: str, request: Transcribe, answer_s: float) -> _Answer:
    """Say the clip all at once, as somebody who has been recorded, and wait for what comes of it."""
    began = time.monotonic()
    event: Event | None = None
    with contextlib.suppress(OSError), await call(uri, address) as caller:
        await caller.send(request.event(), *_speech(), AudioStop().event())
        event = await caller.receive_one_of("transcript", "error", within_s=answer_s)
    took_s = time.monotonic() - began
    if event is None:
        return _Answer(None, None, took_s)
    if Error.is_type(event.type):
        return _Answer(None, Error.from_event(event).code, took_s)
    return _Answer(Transcript.from_event(event).text, None, took_s)


def _speech() -> Iterator[Event]:
    """Yield the clip with half a second of silence on either side, as a satellite sends it."""
    with wave.open(str(CLIPS / f"{_CLIP}.wav")) as file:
        rate, pcm = file.getframerate(), file.readframes(file.getnframes())
    silence = bytes(rate)
    yield AudioStart(rate=rate, width=2, channels=1).event()
    yield AudioChunk(rate=rate, width=2, channels=1, audio=silence + pcm + silence).event()


def _ratio(alone: Sequence[_Answer], attacked: Sequence[_Answer]) -> str:
    usual_s, now_s = (statistics.median(answer.took_s for answer in each) for each in (alone, attacked))
    return (
        f"P50 {usual_s:.2f}→{now_s:.2f} s ({now_s / usual_s:.1f} times), "
        f"worst {_worst_s(alone):.2f}→{_worst_s(attacked):.2f} s"
    )


def _worst_s(answers: Sequence[_Answer]) -> float:
    return max(answer.took_s for answer in answers)


QUEUES = Part("queues", _run)
