"""How many words Whisper gets wrong with windows of so many seconds at least, and what that saves.

The server decodes what repeats itself again, with more of a window; here it counts as it comes.

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

import numpy as np

from interject.satellite.turn.lexicon import words_of
from interject.servers.stt.audio import RATE_HZ
from interject.servers.stt.engines.readings import edit_distance
from interject.servers.stt.engines.whisper_model import ShortWindowModel
from interject.servers.stt.engines.whisper_recognition import says_again

if TYPE_CHECKING:
    import numpy.typing as npt

_BEAMS = (1, 5)
_WINDOWS_S = (30, 15, 10, 7)
_FRAMES_PER_S = 100
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
    words = sum(len(said) for said, _ in clips)
    model = ShortWindowModel(str(arguments.model), device="cpu", compute_type="int8", cpu_threads=1)
    print("beam  window     words wrong     texts repeating themselves     CPU time of the whole window's")
    for beam in _BEAMS:
        whole_s = 0.0
        for seconds in _WINDOWS_S:
            wrong, repeating, cpu_s = _transcribe(model, clips, beam, seconds * _FRAMES_PER_S)
            whole_s = whole_s or cpu_s
            print(
                f"{beam:>4}  {seconds:>4} s  {wrong:>6} of {words:<5}  {repeating:>6} of {len(clips):<5}  "
                f"{cpu_s / whole_s:>8.2f}",
                flush=True,
            )
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


def _transcribe(
    model: Any, clips: list[tuple[list[str], npt.NDArray[np.float32]]], beam: int, least_frames: int
) -> tuple[int, int, float]:
    wrong, repeating, began_s = 0, 0, time.process_time()
    for said, samples in clips:
        segments, _ = model.transcribe(
            samples, least_frames=least_frames, language="en", beam_size=beam, temperature=0.0, word_timestamps=True
        )
        text = " ".join(segment.text for segment in segments)
        wrong += edit_distance(said, words_of(text))
        repeating += says_again(text)
    return wrong, repeating, time.process_time() - began_s


if __name__ == "__main__":
    sys.exit(main())
