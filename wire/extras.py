"""A package that an extra of the distribution brings, and that is not installed."""

from __future__ import annotations

import contextlib
import importlib.util
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

_OURS = "interject"


class ExtraMissingError(InterjectError):
    """A program was started without the extra that it needs."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"the package {package} is missing; install it with: pip install 'wyoming-interject[{extra}]'")
        self.package = package
        self.extra = extra


@contextlib.contextmanager
def needing(extra: str) -> Iterator[None]:
    """Import modules that need an extra; raises ExtraMissingError for a package of it that is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package == _OURS:
            raise
        raise ExtraMissingError(package, extra) from error


def require(package: str, extra: str) -> None:
    """Raise ExtraMissingError where a package that an extra brings is not installed; imports nothing."""
    if importlib.util.find_spec(package) is None:
        raise ExtraMissingError(package, extra)
