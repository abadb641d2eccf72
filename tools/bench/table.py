"""Tables of figures for a terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | float


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Give the text of a table: the first column to the left, figures to the right; "-" where there is none."""
    texts = [list(head), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    lines = ["", f"== {title}"]
    for row in texts:
        first, *rest = row
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join((first.ljust(widths[0]), *cells)))
    return "\n".join(lines) + "\n"


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if math.isnan(cell):
        return "-"
    return f"{cell:.0f}" if abs(cell) >= 100 or float(cell).is_integer() else f"{cell:.1f}"  # noqa: PLR2004
