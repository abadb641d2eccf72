"""The rows as a table in Markdown, and its place in a page."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from interject.wire.errors import InterjectError
from tools.commit import commit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.hold.part import Row

BEGIN = "<!-- written by script/test-hold: begin -->"
END = "<!-- written by script/test-hold: end -->"


class NoPlaceError(InterjectError):
    """A page has no place for the table."""

    def __init__(self, page: Path, reason: str) -> None:
        super().__init__(f"--table {page}: {reason}")
        self.page = page


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    cells = [(row.attack, row.tried, row.seen, row.goal, "yes" if row.held else "**no**") for row in rows]
    head = [("what", "tried", "seen", "goal", "met"), ("---",) * 5]
    return "".join("| " + " | ".join(_cell(text) for text in line) + " |\n" for line in (*head, *cells))


def require_place(page: Path) -> None:
    """Raise NoPlaceError for a page that has no place for the table."""
    _around(page)


def write_table(page: Path, rows: Sequence[Row]) -> None:
    """Put the table, and where its figures come from, between the two marks of a page; raises NoPlaceError."""
    before, after = _around(page)
    origin = (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit() or 'unknown'}, {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}"
    )
    page.write_text(f"{before}{BEGIN}\n{origin}\n\n{table(rows)}{END}{after}", encoding="utf-8")


def _around(page: Path) -> tuple[str, str]:
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise NoPlaceError(page, f"cannot be read ({error.strerror})") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlaceError(page, f"it has no place for the table; write these two lines there: {BEGIN} and {END}")
    return before, after


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
