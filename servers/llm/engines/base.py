"""What every engine does that writes replies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from interject.servers.llm.turns import Message


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself; no languages means that it does not restrict them."""

    model: str
    description: str
    author: str
    url: str
    version: str
    languages: tuple[str, ...]


class Engine(Protocol):
    """Writes replies."""

    @property
    def info(self) -> EngineInfo:
        """What a client is told of the engine."""

    async def check(self) -> None:
        """Log what will not work when it is asked for, as far as that can be told without asking; raises nothing."""

    def reply(self, messages: Sequence[Message], language: str | None) -> AsyncGenerator[str, None]:
        """Write the reply to a conversation whose last message is the user's, piece by piece.

        The pieces joined are the reply. Closing the generator, or cancelling the task that waits for it, stops the
        writing and closes whatever is behind it. Raises EngineError.
        """

    async def close(self) -> None:
        """Give back what the engine holds."""
