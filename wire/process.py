"""How a process of ours runs from start to end."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from interject.wire.errors import InterjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

# What a shell reports for a program ended by Ctrl-C (128 + SIGINT).
INTERRUPTED_STATUS = 130
_MISTAKE_STATUS = 2
# Threads that were told to stop get this long; one inside a native call cannot be interrupted.
_THREADS_GRACE_S = 0.3


def exit_status(program: str, run: Callable[[], int]) -> int:
    """Run a program and return its exit status; a mistake of the user's is a line on standard error and status 2."""
    try:
        return run()
    except InterjectError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return _MISTAKE_STATUS
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS


def spare_what_is_loaded() -> None:
    """Keep the garbage collector from looking through all that a program has loaded, whenever it collects.

    To be called once that is done: nothing else happens while modules and models are looked through, and peers that
    connect often cause it.
    """
    gc.collect()
    gc.freeze()


def run_to_end(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` as the program; once it has returned, the process ends even if a thread of it hangs.

    For the top of a program only: the interpreter would wait for such a thread without end, so the process is left
    with status 0 after a short grace. An exception of `main` is raised as it is, and nothing is forced.
    """
    asyncio.run(_then_leave(main))


async def _then_leave(main: Coroutine[Any, Any, None]) -> None:
    await main
    leaving = threading.Timer(_THREADS_GRACE_S, _leave)
    leaving.daemon = True
    leaving.start()


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
