"""How well "stop" is heard as it is said, how soon, what else is taken for it, and what it costs.

--voices DIR: recorded words and sounds, WAV files with a manifest.json as `script/bench real --speech` takes it, with
"kind", "words", "speaker" and "onset_s". Each goes through the satellite's own front end, VAD and search, in a room
with pink noise: once loud and once soft. Speakers are cut into two halves; the numbers of the search were chosen on the
24 "stop"s of Speech Commands that were at hand, all of them, so that other voices have to judge it. --recordings DIR:
pairs of microphone and loudspeaker as `script/bench real` takes them: what the search makes of our own voice where
nobody speaks, and of the "stop"s of --voices within it.

--count callgrind|arm64 counts the instructions that a second of an utterance takes (script/test-arm64 makes the folder
for arm64).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.satellite.aec.engines import CancellerKind, make_echo_control
from interject.satellite.audio.wav import read_wav
from interject.satellite.frontend.frontend import FrontEnd, HearingSettings
from interject.satellite.frontend.vad import SileroVad
from interject.satellite.turn.events import VoiceWindow
from interject.satellite.turn.settings import TurnSettings
from interject.satellite.turn.state import Phase
from interject.satellite.turn.utterance import Utterance as TrackedUtterance
from interject.satellite.turn.utterance import update
from interject.satellite.wake.base import RATE_HZ
from interject.satellite.wake.stop_grammar import StopDecoder
from interject.satellite.wake.stop_search import Utterance, slices_of
from interject.wire.errors import InterjectError
from tools.bench.instructions import Arm64, Callgrind
from tools.bench.real.recordings import Kind, read_recordings
from tools.bench.real.voices import Length, added, read_voices
from tools.bench.report import Figure, Goal, Share, missed, table
from tools.simulator.levels import scaled_to
from tools.simulator.noises import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from interject.satellite.audio.base import Samples
    from interject.satellite.wake.stop_search import StopFound

_STOP = "stop"
_ROOM = "room"
_BLOCK_MS = 20
_MS = 1000 / RATE_HZ
_FULL_SCALE = 32_767
# The peak of what is said and the level of the noise, dBFS: beside the satellite, and across a quiet room.
_ROOMS = {"loud": (-15.0, -70.0), "soft": (-30.0, -65.0)}
_BEFORE_S, _AFTER_S = 1.0, 1.0
_ECHOES_DB = (0.0, 10.0)
# Seconds of decoding that are counted, the second less the first.
_COUNTED_S = (2, 12)
# A stop word that is told later was another utterance's.
_LATEST_MS = 1_500
_P50_MS, _P90_MS = 500.0, 700.0


@dataclass(frozen=True, slots=True)
class Said:
    """What was heard of one clip: how long after its onset each stop word was told; utterances that were searched."""

    kind: str
    words: str
    half: int
    told_ms: tuple[float, ...]
    utterances: int
    seconds: float


@dataclass(slots=True)
class Cost:
    """CPU time of the search, and the sound that it took."""

    cpu_s: float = 0.0
    audio_s: float = 0.0


def main() -> int:
    """Measure and print; status 1 where a goal is missed, 2 when something that is needed is missing."""
    arguments = _parse()
    try:
        figures = list(_instructions(arguments) if arguments.count else _figures(arguments))
    except (InterjectError, OSError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    sys.stdout.write(f"{table(figures)}\n")
    return 1 if missed(figures) else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="script/bench stop-words", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--voices", type=Path, metavar="DIR", help="recorded words and sounds")
    add("--recordings", type=Path, action="append", default=[], metavar="DIR", help="recorded pairs; several")
    add("--count", choices=("callgrind", "arm64"), help="count instructions instead")
    add("--arm64-root", type=Path, default=Path("out/arm64"), metavar="ROOT", help="see above")
    arguments = parser.parse_args()
    if not (arguments.voices or arguments.count):
        parser.error("--voices DIR is needed, or --count")
    return arguments


def _figures(arguments: argparse.Namespace) -> Iterator[Figure | Share]:
    cost = Cost()
    entries = json.loads((arguments.voices / "manifest.json").read_text(encoding="utf-8"))
    for room, levels in _ROOMS.items():
        said = [_hear(arguments.voices, entry, levels, cost) for entry in _halved(entries)]
        yield from _stops(room, said)
        yield from _others(room, said)
    for folder in arguments.recordings:
        yield from _in_echo(folder, arguments.voices, cost)
    yield Figure("CPU per second of an utterance", "ms", [1000 * cost.cpu_s / cost.audio_s], "at most 1.1 s of each")


def _halved(entries: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    speakers = sorted({str(entry.get("speaker")) for entry in entries})
    for entry in entries:
        yield entry | {"half": 1 + speakers.index(str(entry.get("speaker"))) % 2}


def _hear(folder: Path, entry: dict[str, Any], levels: tuple[float, float], cost: Cost) -> Said:
    clip = read_wav(folder / entry["file"], RATE_HZ).astype(np.float32) / _FULL_SCALE
    peak_dbfs, noise_dbfs = levels
    clip *= 10 ** (peak_dbfs / 20) / max(float(np.abs(clip).max()), 1e-6)
    silence = np.zeros(round(_BEFORE_S * RATE_HZ), np.float32), np.zeros(round(_AFTER_S * RATE_HZ), np.float32)
    sound = np.concatenate([silence[0], clip, silence[1]])
    sound += np.resize(scaled_to(quiet(np.random.default_rng(1)), noise_dbfs), len(sound))
    mic = np.clip(sound * _FULL_SCALE, -_FULL_SCALE, _FULL_SCALE).astype(np.int16)
    found, utterances = _found(mic, np.zeros_like(mic), RATE_HZ, cost)
    onset = round((_BEFORE_S + float(entry.get("onset_s") or 0.0)) * RATE_HZ)
    told_ms = tuple((each.heard_index - onset) * _MS for each in found)
    return Said(entry["kind"], entry.get("words") or "", entry["half"], told_ms, utterances, len(clip) / RATE_HZ)


def _found(mic: Samples, played: Samples, rate_hz: int, cost: Cost) -> tuple[list[StopFound], int]:
    """Let the satellite hear a recording as if it spoke all the time; return what is found, in how many utterances."""
    canceller = CancellerKind.KALMAN if played.any() else CancellerKind.NONE
    front_end = FrontEnd(rate_hz, HearingSettings(), SileroVad(), make_echo_control(canceller))
    settings, evidence, onsets = TurnSettings(), TrackedUtterance(), dict[int, None]()
    kept: list[Samples] = []
    block = rate_hz * _BLOCK_MS // 1000
    for at in range(0, len(mic) - block + 1, block):
        until = front_end.ring.end
        for window in front_end.push(mic[at : at + block], played[at : at + block]):
            heard = VoiceWindow(window.probability, window.is_echo, window.level_db, window.bright_share)
            evidence = update(evidence, heard, window.end_index / RATE_HZ, Phase.SPEAKING, settings)
            if evidence.onset_s is not None:
                onsets[round(evidence.onset_s * RATE_HZ)] = None
        kept.append(front_end.ring.since(until))
    samples, decoder = np.concatenate(kept), StopDecoder()
    return [each for onset in onsets if (each := _search(decoder, samples, onset, cost)) is not None], len(onsets)


def _search(decoder: StopDecoder, samples: Samples, onset: int, cost: Cost) -> StopFound | None:
    utterance, found = Utterance(decoder, onset), None
    began_s = time.process_time()
    for piece, end in slices_of(samples, onset):
        cost.audio_s += len(piece) / RATE_HZ
        found = utterance.hear(piece, end)
        if found is not None:
            break
    cost.cpu_s += time.process_time() - began_s
    return found


def _stops(room: str, said: Sequence[Said]) -> Iterator[Figure | Share]:
    stops = [each for each in said if each.kind == _STOP]
    for half in (1, 2):
        heard = [bool(each.told_ms) for each in stops if each.half == half]
        yield Share(f'{room}: "stop" heard, half {half} of the speakers', heard, "")
    told = [each.told_ms[0] for each in stops if each.told_ms]
    if told:
        goals = [Goal(50, _P50_MS), Goal(90, _P90_MS)]
        yield Figure(f"{room}: onset -> told, of those heard", "ms", told, "sound only: decoding comes on top", goals)
        every = [each.told_ms[0] if each.told_ms else 9_999.0 for each in stops]
        yield Figure(f"{room}: onset -> told, of all", "ms", every, "9999: not heard, left to the recogniser", goals)


def _others(room: str, said: Sequence[Said]) -> Iterator[Figure | Share]:
    others = [each for each in said if each.kind != _STOP]
    for kind in sorted({each.kind for each in others if each.kind != _ROOM}):
        yield Share(f"{room}: taken for stop: {kind}", [bool(it.told_ms) for it in others if it.kind == kind], "")
    rooms = [each for each in others if each.kind == _ROOM]
    if rooms:
        hours, utterances = sum(each.seconds for each in rooms) / 3600, sum(each.utterances for each in rooms)
        false = sum(len(each.told_ms) for each in rooms)
        method = f"{false} in {utterances} utterances, {60 * hours:.1f} minutes: meetings and other rooms"
        yield Figure(f"{room}: false alarms per hour of other people", "", [false / hours], method, decimals=1)


def _in_echo(folder: Path, voices: Path, cost: Cost) -> Iterator[Figure | Share]:
    alone = [each for each in read_recordings(folder) if each.kind is Kind.FAR_END]
    found = [_found(each.mic, each.played, each.rate_hz, cost) for each in alone]
    hours = sum(len(each.mic) / each.rate_hz for each in alone) / 3600
    false, utterances = sum(len(words) for words, _ in found), sum(count for _, count in found)
    method = f"{false} in {utterances} utterances that the guard let through, {60 * hours:.1f} minutes"
    yield Figure(f"{folder.name}: false alarms per hour of our own voice", "", [false / hours], method, decimals=1)
    stops = [voice for voice in read_voices(voices) if voice.text == _STOP and voice.length is Length.WORD]
    for echo_db in _ECHOES_DB:
        told = []
        for each in added(alone, stops, [echo_db], 2):
            words, _ = _found(each.mixed.mic, each.mixed.played, each.mixed.rate_hz, cost)
            onset = each.span.start_s * RATE_HZ
            told += [next((t for it in words if 0 < (t := (it.heard_index - onset) * _MS) < _LATEST_MS), None)]
        yield Share(f'{folder.name}: "stop" heard, echo {echo_db:g} dB above it', [it is not None for it in told], "")
        in_time = [it for it in told if it is not None]
        if in_time:
            yield Figure(f"{folder.name}: onset -> told, echo {echo_db:g} dB above it", "ms", in_time, "of those heard")


def _instructions(arguments: argparse.Namespace) -> Iterator[Figure]:
    counter = Callgrind() if arguments.count == "callgrind" else Arm64(arguments.arm64_root)
    first, whole = (counter.count("tools.bench.count_stop_words", str(seconds)) for seconds in _COUNTED_S)
    per_second = (whole - first) / (_COUNTED_S[1] - _COUNTED_S[0]) / 1e6
    yield Figure("search: instructions per second of an utterance", "M", [per_second], counter.name)


if __name__ == "__main__":
    sys.exit(main())
