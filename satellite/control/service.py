"""Makes the control socket."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from interject.satellite.control.errors import ControlSocketError
from interject.satellite.control.place import NONE, file_name, usable_folder
from interject.satellite.control.session import ControlSession
from interject.wire.errors import CannotListenError
from interject.wire.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable

    from wyoming.info import Info

    from interject.satellite.control.session import Controls
    from interject.satellite.settings import SatelliteSettings

_LOGGER = logging.getLogger(__name__)

# Who may command it: the user that it runs as.
_OWNER_ONLY = 0o600


async def serve_controls(settings: SatelliteSettings, controls: Controls, info: Callable[[], Info]) -> Service | None:
    """Listen for commands; None where nobody is to listen, or nobody can and the user asked for no special place.

    Raises ControlSocketError for a socket that was asked for.
    """
    given = settings.control_socket
    if given in ("", NONE) or (given is None and settings.text):
        return None
    if given is not None:
        return await _listen(await asyncio.to_thread(_whole, given), controls, info)
    folder = await asyncio.to_thread(usable_folder, os.environ)
    if folder is None:
        _LOGGER.warning("no control socket: neither XDG_RUNTIME_DIR nor the state directory can be written")
        return None
    try:
        return await _listen(folder / file_name(settings.name), controls, info)
    except ControlSocketError as error:
        _LOGGER.warning("%s; where another satellite of this name has it, give this one another --name", error)
        return None


async def _listen(path: Path, controls: Controls, info: Callable[[], Info]) -> Service:
    service = Service(f"unix://{path}", info, lambda peer: ControlSession(peer, controls), socket_mode=_OWNER_ONLY)
    try:
        await service.start()
    except CannotListenError as error:
        raise ControlSocketError(path, error.reason) from None
    _LOGGER.debug("commands are taken at %s", path)
    return service


def _whole(path: str) -> Path:
    return Path(path).expanduser().absolute()
