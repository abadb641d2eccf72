"""Which conversations have a reply that may be sounding now, and can therefore be cut off."""

from __future__ import annotations

from collections import OrderedDict

# The slow side of what synthesizers speak (14 to 17 characters a second).
_CHARACTERS_PER_S = 12.0
# Synthesis and the way to the loudspeaker take up to this before the first word, and a reply may have been paused.
_MARGIN_S = 5.0
# More rooms than a house has; the one that was forgotten too soon loses nothing but the wait for its interruption.
_MAX_CONVERSATIONS = 256


def speech_s(text: str) -> float:
    """Return how long a text takes to be spoken, in s, rather too long than too short."""
    return len(text) / _CHARACTERS_PER_S


class Sounding:
    """Keeps until when the last reply of each conversation may be heard; times are the event loop's, in s."""

    def __init__(self) -> None:
        self._until: OrderedDict[str, float] = OrderedDict()

    def begins(self, conversation_id: str, text: str, now: float) -> None:
        """Note that a whole reply was handed to a client that has it spoken."""
        self._until[conversation_id] = now + speech_s(text) + _MARGIN_S
        self._until.move_to_end(conversation_id)
        while len(self._until) > _MAX_CONVERSATIONS:
            self._until.popitem(last=False)

    def ends(self, conversation_id: str) -> None:
        """Note that the reply is over: it was cut off, or another question has been asked."""
        self._until.pop(conversation_id, None)

    def sounds(self, conversation_id: str, now: float) -> bool:
        """Tell whether a reply may be sounding."""
        return self._until.get(conversation_id, now) > now
