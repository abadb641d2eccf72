"""What the three servers share: the settings that every Wyoming service has, and how such a process runs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - a setting's type is read while the program runs
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from interject.wire.admission import AccessSettings
from interject.wire.discovery import ServiceKind, announcement, default_instance_name
from interject.wire.health import report_health
from interject.wire.logs import DEFAULT_FORMAT, configure_logging
from interject.wire.process import exit_status, run_to_end
from interject.wire.reach import is_for_this_machine, require_reach
from interject.wire.service import serve_until_stopped
from interject.wire.settings import load, option
from interject.wire.trace import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.wire.service import Service
    from interject.wire.trace import Trace

_LOGGER = logging.getLogger(__name__)

# Three servers say it, each beside a default of its own.
WHERE_TO_LISTEN = "where to listen: tcp://HOST:PORT, tcp://0.0.0.0:PORT for other machines, or unix:///PATH"

_HEALTH = " As `health`, with the same settings, it asks the server that runs; status: 0 it can work, 1 it cannot."


def give_way(niceness: int) -> None:
    """Let others have the processor before this thread and those that it starts; on Linux, where threads have that."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)


# No slots: a class cannot inherit from several that have some.
@dataclass(frozen=True)
class _ProcessSettings:
    GROUP: ClassVar[str] = "Network, logs and records"
    TABLE: ClassVar[str] = "process"

    uri: str = option("tcp://127.0.0.1:0", WHERE_TO_LISTEN)
    zeroconf: str | None = option(
        None,
        "announce this server on the local network, under this name or one of its own; needs an --uri that other "
        "machines reach",
        metavar="NAME",
        alone="",
    )
    zeroconf_host: str | None = option(None, "address to announce (default: this machine's own)", metavar="HOST")
    debug: bool = option(default=False, help="log details")
    log_format: str = option(DEFAULT_FORMAT, "format of a log line, as of Python's logging")
    trace_file: Path | None = option(None, "append a record of what happened when, as JSON lines, to this file")


# The fields of the last base class come first.
@dataclass(frozen=True)
class ServerSettings(AccessSettings, _ProcessSettings):
    """The settings that every server has; names are those of the Wyoming services that people know.

    Raises SettingError, BadUriError for an address that is to be announced and that nobody else could reach.
    """

    def __post_init__(self) -> None:
        if self.zeroconf is not None:
            require_reach(self.uri)


@dataclass(frozen=True, slots=True)
class Listening(Record):
    """The server takes connections."""

    KIND: ClassVar[str] = "listening"

    uri: str


SettingsT = TypeVar("SettingsT", bound=ServerSettings)


async def serve_as(
    kind: ServiceKind,
    service: Service,
    settings: ServerSettings,
    trace: Trace,
    keeping: Coroutine[Any, Any, None],
) -> None:
    """Serve until told to stop, announced if the settings say so.

    `keeping` runs meanwhile; where it raises, the service has nothing left to serve with, and ends with that. Raises
    BadUriError, SettingError.
    """
    name = settings.zeroconf
    if name == "":
        name = f"{default_instance_name()}-{kind.value}"
    exposed = not await asyncio.to_thread(is_for_this_machine, settings.uri)

    def on_ready(uri: str) -> None:
        trace.emit(Listening(uri))
        _LOGGER.info("Ready at %s", uri)
        if exposed:
            _LOGGER.info("may connect, without a password: %s (--allow; docs/security.md)", settings.who_may_connect())

    announce = announcement(name, settings.zeroconf_host)
    serving = asyncio.create_task(serve_until_stopped(service, on_ready, announce), name="service")
    kept = asyncio.create_task(keeping, name="keeping")
    try:
        await asyncio.wait({serving, kept}, return_when=asyncio.FIRST_COMPLETED)
        if kept.done():
            kept.result()
        await serving
    finally:
        serving.cancel()
        kept.cancel()
        await asyncio.gather(serving, kept, return_exceptions=True)


def run_server(
    schema: type[SettingsT],
    prefix: str,
    description: str,
    serve: Callable[[SettingsT], Coroutine[Any, Any, None]],
) -> int:
    """Load the settings, run the server until it is told to stop, return the exit status.

    As `health`, with the same settings, ask the server that runs how it does: status 0 healthy, 1 not. A mistake of
    the user's is one line on standard error and status 2, never a traceback.
    """

    def run() -> int:
        asked = sys.argv[1:2] == ["health"]
        argv = sys.argv[2:] if asked else sys.argv[1:]
        settings = load(schema, prefix=prefix, argv=argv, environ=os.environ, description=description + _HEALTH)
        if asked:
            return report_health(settings.uri, ServiceKind(prefix))
        configure_logging(debug=settings.debug, log_format=settings.log_format)
        run_to_end(serve(settings))
        return 0

    return exit_status(f"interject-{prefix}", run)
