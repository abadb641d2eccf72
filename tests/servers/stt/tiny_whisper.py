"""A Whisper model of 7 MB that says one sentence, whatever it hears, in the format that CTranslate2 loads.

The sentence is written into the decoder's position encodings: they outweigh everything else, so that the token at a
position is the one whose embedding was put there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import tokenizers
from ctranslate2.specs import whisper_spec
from faster_whisper.tokenizer import _LANGUAGE_CODES

if TYPE_CHECKING:
    from pathlib import Path

SENTENCE = ("turn", "on", "the", "light")
WIDTH, HEADS, MELS = 16, 2, 80
TEXT_TOKENS = 50257
LANGUAGES = [code for code in _LANGUAGE_CODES if code != "yue"]
SPECIALS = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>",
            "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
TIMES = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]

Weights = npt.NDArray[np.float32]


def build(folder: Path) -> Path:
    """Write the model into a folder, which is returned."""
    byte_letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = [f"Ġ{word}" for word in SENTENCE]
    text = [*byte_letters, *words]
    text += [f"Ġx{number}" for number in range(TEXT_TOKENS - 1 - len(text))]
    # By an empty token, which only the vocabulary of many languages has, CTranslate2 knows which one it is.
    text.append("")
    vocabulary = [*text, *SPECIALS, *TIMES]
    ids = {token: number for number, token in enumerate(vocabulary)}
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={token: ids[token] for token in text}, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([*SPECIALS, *TIMES])
    tokenizer.save(str(folder / "tokenizer.json"))

    # After the start, the language and the task: when it begins, what is said, when it ends.
    said = [ids[token] for token in ("<|0.00|>", *words, "<|1.00|>", "<|endoftext|>")]
    spec = _spec(said)
    spec.register_vocabulary(vocabulary)
    spec.config.lang_ids = [ids[f"<|{code}|>"] for code in LANGUAGES]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["<|endoftext|>"]]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.save(str(folder))
    return folder


def _spec(said: list[int]) -> whisper_spec.WhisperSpec:
    random = np.random.default_rng(1)

    def small(*shape: int) -> Weights:
        return (random.standard_normal(shape) * 0.01).astype(np.float32)

    def norm(spec: object) -> None:
        spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)  # type: ignore[attr-defined]

    def linear(spec: object, outputs: int, inputs: int) -> None:
        spec.weight, spec.bias = small(outputs, inputs), small(outputs)  # type: ignore[attr-defined]

    spec = whisper_spec.WhisperSpec(1, HEADS, 1, HEADS)
    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = small(WIDTH, MELS, 3), small(WIDTH)
    encoder.conv2.weight, encoder.conv2.bias = small(WIDTH, WIDTH, 3), small(WIDTH)
    encoder.position_encodings.encodings = small(1500, WIDTH)
    for layer in (*encoder.layer, *decoder.layer):
        linear(layer.self_attention.linear[0], 3 * WIDTH, WIDTH)
        linear(layer.self_attention.linear[1], WIDTH, WIDTH)
        linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)
        norm(layer.self_attention.layer_norm)
        norm(layer.ffn.layer_norm)
    cross = decoder.layer[0].attention
    for part, outputs in zip(cross.linear, (WIDTH, 2 * WIDTH, WIDTH), strict=True):
        linear(part, outputs, WIDTH)
    norm(cross.layer_norm)
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)

    embeddings = small(TEXT_TOKENS + len(SPECIALS) + len(TIMES), WIDTH)
    for axis, token in enumerate(dict.fromkeys(said)):
        # Two opposite entries: a layer norm takes the mean away.
        embeddings[token, 2 * axis : 2 * axis + 2] = (8, -8)
    positions = np.tile(embeddings[said[-1]] * 100, (448, 1))
    positions[2 : 2 + len(said)] = embeddings[said] * 100
    decoder.embeddings.weight = decoder.projection.weight = embeddings
    decoder.position_encodings.encodings = positions.astype(np.float32)
    return spec
