"""A recogniser that knows the truth: what was said in the room, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.room.levels import frames_of
from tests.room.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.room.staging import Label

# Streaming recognisers take some 300 ms to be sure of a word, and answer some 200 ms after the end of the audio.
STABLE_S = 0.3
FINAL_S = 0.2


@dataclass(frozen=True, slots=True)
class Word:
    """A word at the microphone; frames, half-open."""

    text: str
    start_frame: int
    end_frame: int

    def is_in(self, start_frame: int, end_frame: int) -> bool:
        """Whether a stretch of audio has at least the second half of the word, to its end."""
        return start_frame <= (self.start_frame + self.end_frame) // 2 and self.end_frame <= end_frame

    @property
    def stable_frame(self) -> int:
        """When a recogniser is sure of it."""
        return self.end_frame + frames_of(STABLE_S)


def words_said(labels: Iterable[Label]) -> tuple[Word, ...]:
    """Spread each label's words evenly over its sound; a cough has none."""
    words: list[Word] = []
    for label in labels:
        texts = [] if label.kind is Kind.COUGH else label.text.split()
        length = label.end_frame - label.start_frame
        ends = [label.start_frame + length * number // len(texts) for number in range(len(texts) + 1)] if texts else []
        words += [Word(text, ends[number], ends[number + 1]) for number, text in enumerate(texts)]
    return tuple(words)


def text_of(words: Iterable[Word], start_frame: int, end_frame: int) -> str:
    """Give the words in a stretch of audio."""
    return " ".join(word.text for word in words if word.is_in(start_frame, end_frame))
