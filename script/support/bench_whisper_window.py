"""How many words Whisper gets wrong with the short window of our server, and what that saves.

The clips are those of a folder with a manifest.json that says `file` and `words` of each; recordings of rooms and clips
without words are left out. Each has some silence of a room around it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faster_whisper
import numpy as np

from satellite.turn.backchannel import words_of
from servers.stt.audio import RATE_HZ
from servers.stt.engines.whisper_model import ShortWindowModel
from servers.stt.phones import edit_distance

if TYPE_CHECKING:
    import numpy.typing as npt

_BEAMS = (1, 5)
_ROOM_DB = -65.0
_PAUSE_S = 0.3
_NOT_SPOKEN_TO_US = "room"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="script/bench whisper-window", description=__doc__)
    parser.add_argument("--model", type=Path, required=True, metavar="DIR", help="an English faster-whisper model")
    parser.add_argument("--voices", type=Path, required=True, metavar="DIR", help="clips and their manifest.json")
    arguments = parser.parse_args()
    clips = _clips(arguments.voices)
    print("beam  window        words wrong     CPU time of the whole window's")
    for beam in _BEAMS:
        whole_s = 0.0
        for name, kind in (("30 s", faster_whisper.WhisperModel), ("short", ShortWindowModel)):
            model = kind(str(arguments.model), device="cpu", compute_type="int8", cpu_threads=1)
            wrong, cpu_s = _transcribe(model, clips, beam)
            whole_s = whole_s or cpu_s
            words = sum(len(said) for said, _ in clips)
            print(f"{beam:>4}  {name:<12}  {wrong:>4} of {words:<5}  {cpu_s / whole_s:>8.2f}", flush=True)
    return 0


def _clips(folder: Path) -> list[tuple[list[str], npt.NDArray[np.float32]]]:
    random = np.random.default_rng(1)
    found = []
    for clip in json.loads((folder / "manifest.json").read_text()):
        if not clip.get("words") or clip.get("kind") == _NOT_SPOKEN_TO_US:
            continue
        with wave.open(str(folder / clip["file"])) as file:
            said = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768
        samples = np.pad(said, int(_PAUSE_S * RATE_HZ))
        samples = samples + random.standard_normal(len(samples)) * 10 ** (_ROOM_DB / 20)
        found.append((words_of(clip["words"]), samples.astype(np.float32)))
    return found


def _transcribe(model: Any, clips: list[tuple[list[str], npt.NDArray[np.float32]]], beam: int) -> tuple[int, float]:
    wrong, began_s = 0, time.process_time()
    for said, samples in clips:
        segments, _ = model.transcribe(samples, language="en", beam_size=beam, word_timestamps=True)
        wrong += edit_distance(said, words_of(" ".join(segment.text for segment in segments)))
    return wrong, time.process_time() - began_s


if __name__ == "__main__":
    sys.exit(main())
