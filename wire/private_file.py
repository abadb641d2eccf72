"""Files and folders that hold what was said in a home: only their owner may read them, whatever the umask."""

from __future__ import annotations

import logging
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_LOGGER = logging.getLogger(__name__)

_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_OTHERS = 0o077


def make_private_file(path: Path) -> None:
    """Create an empty file, or keep others from one that is there; devices and pipes stay as they are. Blocking.

    Where a file belongs to somebody else, or its file system knows no owners, that is logged. Raises OSError.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, _FILE_MODE))
        return
    if not stat.S_ISREG(mode) or not mode & _OTHERS:
        return
    try:
        path.chmod(_FILE_MODE)
    except PermissionError as error:
        _LOGGER.warning("others may read %s, which will hold what was said: %s", path, error.strerror)


def make_private_folder(path: Path) -> None:
    """Create a folder with those above it, unless it is there: such a one may have other purposes. Blocking.

    Raises OSError.
    """
    path.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
