"""A recogniser that knows the truth: what was said in the room, word by word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.simulator.levels import frames_of
from tools.simulator.scene import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.simulator.rendering import Label

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
    """Give each label's words; a cough has none."""
    return tuple(
        word
        for label in labels
        if label.kind is not Kind.COUGH
        for word in spread(label.text, label.start_frame, label.end_frame)
    )


def spread(text: str, start_frame: int, end_frame: int) -> list[Word]:
    """Spread the words of a text evenly over its sound."""
    texts = text.split()
    length = end_frame - start_frame
    ends = [start_frame + length * number // len(texts) for number in range(len(texts) + 1)] if texts else []
    return [Word(word, ends[number], ends[number + 1]) for number, word in enumerate(texts)]


def text_of(words: Iterable[Word], start_frame: int, end_frame: int) -> str:
    """Give the words in a stretch of audio."""
    return " ".join(word.text for word in words if word.is_in(start_frame, end_frame))
