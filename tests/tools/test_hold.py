"""What script/test-hold writes: a table at its place in a page, and nothing else of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.hold.part import Row
from tools.hold.table import BEGIN, END, NoPlaceError, write_table

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    Row("a flood", "20 | at once", "P99 3 ms", "5 ms", held=True),
    Row("a full disk", "one", "silence", "an answer", held=False),
]


def test_the_table_takes_the_place_of_the_last_one_and_leaves_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n", encoding="utf-8")

    write_table(page, ROWS)
    write_table(page, ROWS)

    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"{END}\nafter\n")
    assert "old figures" not in text
    assert text.count("| a flood | 20 \\| at once | P99 3 ms | 5 ms | yes |\n") == 1
    assert text.count("| a full disk | one | silence | an answer | **no** |\n") == 1


@pytest.mark.parametrize("text", [None, "no marks", BEGIN, f"{END}\n{BEGIN}"])
def test_a_page_without_a_place_is_left_as_it_is_and_told(tmp_path: Path, text: str | None) -> None:
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text, encoding="utf-8")

    with pytest.raises(NoPlaceError, match=r"page\.md"):
        write_table(page, ROWS)

    assert (page.read_text(encoding="utf-8") if page.exists() else None) == text
