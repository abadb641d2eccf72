"""Whether rooms can be computed here."""

from __future__ import annotations

import importlib.util

import pytest


def skip_without_rooms() -> None:
    """Skip the test, or its module, where pyroomacoustics is not installed.

    An import would tell as well, but brings sounddevice, after which this process sees no sound card that comes.
    """
    if importlib.util.find_spec("pyroomacoustics") is None:
        pytest.skip("pyroomacoustics is not installed: run script/setup --dev", allow_module_level=True)
