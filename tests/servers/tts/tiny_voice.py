"""A Piper voice of two kilobytes: every phoneme is a hum of equal length. Piper's own code loads and runs it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import onnx
import onnx.parser
from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 16_000
FRAME_SAMPLES = 256
FRAMES_PER_ID = 2

# Piper's inputs: phoneme ids, their count, (noise, length, rhythm) scales, speaker. The tensor after Ceil is what
# Piper finds the phonemes' lengths by. `rounds` of an idle loop make a run take as long as a real voice does.
_MODEL = """
<ir_version: 9, opset_import: ["" : 17]>
hum (int64[1, ids] input, int64[1] input_lengths, float[3] scales{sid_input}) => (float[1, 1, samples] output)
<int64 rounds = {{{rounds}}}, bool go_on = {{1}}, int64 one_at = {{1}}, int64[1] axis = {{0}}, float no = {{0.0}},
 float step = {{1.0}}, float frames = {{{frames}.0}}, float hop = {{{hop}.0}}, float pitch = {{0.3}},
 float volume = {{0.5}}, float idle = {{0.0}}>
{{
  idled = Loop (rounds, go_on, idle) <body = turns (int64 turn, bool keep, float before) => (bool again, float after) {{
    again = Identity (keep)
    after = Cos (before)
  }}>
  nothing = Mul (idled, no)
  floats = Cast <to = 1> (input)
  zeros = Mul (floats, no)
  each = Add (zeros, frames)
  length_scale = Gather (scales, one_at)
  scaled = Mul (each, length_scale)
  widths = Unsqueeze (scaled, axis)
  w_ceil = Ceil (widths)
  total = ReduceSum <keepdims = 0> (w_ceil)
  count = Mul (total, hop)
  times = Range (no, count, step)
  tuned = {tuned}
  phases = Mul (times, tuned)
  wave = Sin (phases)
  hum_wave = Mul (wave, volume)
  whole = Add (hum_wave, nothing)
  once = Unsqueeze (whole, axis)
  output = Unsqueeze (once, axis)
}}
"""


def write_voice(
    directory: Path,
    name: str = "en_US-tiny-low",
    *,
    speakers: tuple[str, ...] = (),
    rounds: int = 1,
    aligned: bool = True,
) -> Path:
    """Write NAME.onnx and NAME.onnx.json; returns the model's path."""
    text = _MODEL.format(
        sid_input=", int64[1] sid" if speakers else "",
        rounds=rounds,
        frames=FRAMES_PER_ID,
        hop=FRAME_SAMPLES,
        tuned="Add (speaker_pitch, pitch)" if speakers else "Identity (pitch)",
    )
    if speakers:
        text = text.replace(
            "tuned =",
            "sid_float = Cast <to = 1> (sid)\n  speaker_pitch = ReduceSum <keepdims = 0> (sid_float)\n  tuned =",
        )
    if not aligned:
        text = text.replace("Ceil (widths)", "Identity (widths)")
    model = onnx.parser.parse_model(text)
    onnx.checker.check_model(model)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.onnx"
    onnx.save(model, str(path))
    config = {
        "audio": {"sample_rate": RATE_HZ, "quality": "low"},
        "espeak": {"voice": "en-us"},
        "language": {"code": "en_US", "name_english": "English", "country_english": "United States"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {speaker: index for index, speaker in enumerate(speakers)},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "hop_length": FRAME_SAMPLES,
    }
    path.with_name(path.name + ".json").write_text(json.dumps(config), encoding="utf-8")
    return path
