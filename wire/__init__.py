"""What travels between the processes: events, framing, services, discovery, settings, traces."""

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """Return the version of the installed distribution, "0" in a source tree that was never installed."""
    try:
        return version("wyoming-interject")
    except PackageNotFoundError:
        return "0"
