"""The models of script/setup --dev-models in tests: who needs one is skipped without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.harness.dev_models import DevModelMissingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def or_skip(find: Callable[[], Path]) -> Path:
    """Give the folder of a model, or skip the test with the command that fetches it."""
    try:
        return find()
    except DevModelMissingError as error:
        pytest.skip(str(error))
