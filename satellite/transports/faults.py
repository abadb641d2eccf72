"""A fault of the satellite's own costs one utterance or one reply, not the satellite."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_LOGGER = logging.getLogger(__name__)


class TransportFaultError(InterjectError):
    """A fault of the satellite's own ended some work of the pipeline."""

    def __init__(self, work: str) -> None:
        super().__init__(f"{work} ended by a fault of the satellite; its log says which")
        self.work = work


async def survive(
    work: Callable[[], Coroutine[None, None, None]],
    name: str,
    give_up: Callable[[InterjectError], None] | None = None,
) -> None:
    """Do some work; a fault in it is logged, and `give_up` told."""
    try:
        await work()
    except Exception:
        _LOGGER.exception("%s ended by a fault of the satellite", name)
        if give_up is not None:
            give_up(TransportFaultError(name))
