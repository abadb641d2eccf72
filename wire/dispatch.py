"""Which handler takes an event: by the event's class, so that a type checker sees a handler bound to a wrong one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wyoming.event import Event

E = TypeVar("E")
S = TypeVar("S")
E_co = TypeVar("E_co", covariant=True)

# What the from_event methods of wyoming's classes raise for fields that are missing or of a wrong type.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)


class WyomingEvent(Protocol[E_co]):
    """A class of wyoming's: an event is told by its type."""

    @staticmethod
    def is_type(event_type: str, /) -> bool:
        """Tell whether an event of that type is one of these."""

    @staticmethod
    def from_event(event: Event, /) -> E_co:
        """Read an event; raises one of UNREADABLE."""


class OwnEvent(Protocol[E_co]):
    """A class of ours (wire.events): an event is told by its type and name."""

    @staticmethod
    def is_type(event: Event, /) -> bool:
        """Tell whether an event is one of these."""

    @staticmethod
    def from_event(event: Event, /) -> E_co:
        """Read an event; raises RequestError."""


@dataclass(frozen=True, slots=True)
class Route(Generic[S]):
    """Events of one class, and what takes them for a receiver."""

    matches: Callable[[Event], bool]
    take: Callable[[S, Event], Awaitable[None]]


def on(
    kind: WyomingEvent[E],
    handle: Callable[[S, E], Awaitable[None]],
    unreadable: Callable[[S, Exception], Awaitable[None]] | None = None,
) -> Route[S]:
    """Make a route for a class of wyoming's.

    `unreadable` takes the error (one of UNREADABLE) of an event that cannot be read; without it the error is raised.
    """

    async def take(receiver: S, event: Event) -> None:
        try:
            read = kind.from_event(event)
        except UNREADABLE as error:
            if unreadable is None:
                raise
            await unreadable(receiver, error)
            return
        await handle(receiver, read)

    return Route(lambda event: kind.is_type(event.type), take)


def on_own(kind: OwnEvent[E], handle: Callable[[S, E], Awaitable[None]]) -> Route[S]:
    """Make a route for a class of ours."""

    async def take(receiver: S, event: Event) -> None:
        await handle(receiver, kind.from_event(event))

    return Route(kind.is_type, take)


class Dispatcher(Generic[S]):
    """Gives each event to the first route that matches it.

    One serves all receivers of a class: if each had its own, with its bound methods, the two would hold each other,
    and what a connection had sent would stay in memory until the next garbage collection.
    """

    def __init__(self, *routes: Route[S]) -> None:
        self._routes = routes

    async def dispatch(self, receiver: S, event: Event) -> bool:
        """Have an event handled; returns whether any route took it. Raises what the handler or the reading raises."""
        for route in self._routes:
            if route.matches(event):
                await route.take(receiver, event)
                return True
        return False
