"""One PocketSphinx decoder, with what the library leaves to its users."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from interject.servers.stt.agreement import Word

if TYPE_CHECKING:
    from collections.abc import Iterable

_FRAMES_PER_S = 100
# "read(2)" is the second way to say "read"; <s>, [NOISE], (NULL) and the like are no words.
_VARIANT = re.compile(r"\(\d+\)$")
_FILLER = re.compile(r"[<\[(]")


class SphinxDecoder:
    """Decodes one utterance after the other, each from the same fresh state."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._under_way = False

    def begin(self) -> None:
        """Begin an utterance."""
        # The library carries its mean and noise estimates over from the last utterance, which someone else said.
        self._decoder.reinit_feat(self._decoder.config)
        self._decoder.start_utt()
        self._under_way = True

    def feed(self, pcm: bytes) -> None:
        """Decode more audio (16 kHz, 16 bits, mono)."""
        self._decoder.process_raw(pcm)

    def end(self) -> None:
        """End the utterance, if one is under way: its best hypothesis is final."""
        if self._under_way:
            self._under_way = False
            self._decoder.end_utt()

    def words(self) -> tuple[Word, ...]:
        """Return the words of the best hypothesis."""
        return tuple(
            Word(_VARIANT.sub("", item.word), item.start_frame / _FRAMES_PER_S, (item.end_frame + 1) / _FRAMES_PER_S)
            for item in self._spoken()
        )

    def phones(self) -> tuple[str, ...]:
        """Return the phones of the best hypothesis."""
        said = (self._decoder.lookup_word(item.word) for item in self._spoken())
        return tuple(phone for pronunciation in said if pronunciation for phone in pronunciation.split())

    def _spoken(self) -> list[Any]:
        if self._decoder.hyp() is None:
            return []
        return [item for item in self._decoder.seg() or () if not _FILLER.match(item.word)]

    def accepts(self, words: Iterable[str]) -> bool:
        """Tell whether words are a whole sentence of the grammar: the library returns unfinished ones as well."""
        return bool(self._decoder.get_fsg().accept(" ".join(words)))

    def knows(self, word: str) -> bool:
        """Tell whether the dictionary has a word."""
        return self._decoder.lookup_word(word) is not None

    def add_word(self, word: str, phones: str) -> None:
        """Add a way to say a word, unless the dictionary has it."""
        if not self.knows(word):
            self._decoder.add_word(word, phones, True)  # noqa: FBT003 - the library's own signature

    def use_grammar(self, grammar: str) -> None:
        """Decode by a grammar (JSGF) from the next utterance on."""
        name = "home"
        self._decoder.add_jsgf_string(name, grammar)
        self._decoder.activate_search(name)
