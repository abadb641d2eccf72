from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes.house import house

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.house import House


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run the four processes while a module's tests last; the satellite's room is quiet."""
    with house(tmp_path_factory.mktemp("house")) as running:
        yield running
