"""All that is installed, under one name: the folders beside this one are linked here."""

import os
from functools import cache
from importlib.metadata import PackageNotFoundError, version

# Since 1.29 ONNX Runtime keeps an identifier of the device and reports what runs to its maker as soon as it is imported
# (microsoft/onnxruntime#27379). It looks at this once; whoever wants that sets it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


# It is in every description, and to look it up takes most of the time that a description takes.
@cache
def package_version() -> str:
    """Return the version of the installed distribution, "0" in a source tree that was never installed."""
    try:
        return version("wyoming-interject")
    except PackageNotFoundError:
        return "0"
