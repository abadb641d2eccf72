"""Logging set up the same way in every process, safe against what strangers have a process say."""

from __future__ import annotations

import errno
import logging
from dataclasses import dataclass

from interject.wire.errors import SettingError

DEFAULT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# The longest messages of our own list voices and flags.
_LONGEST_MESSAGE = 1000
# What one other machine can have a process log.
_PER_MINUTE = 10
# Of any kind, whoever causes it: a conversation makes a few lines a second, a flood of orders thousands.
_ANY_PER_MINUTE = 240
# asyncio's own complaint, with a traceback each time, when a process has no file descriptor left to accept with.
_ASYNCIO_PER_MINUTE = 1
_MINUTE_S = 60.0
# Kinds of messages that are counted; the oldest is forgotten, so that addresses without end do not fill the memory.
_MOST_COUNTED = 1000


def configure_logging(*, debug: bool, log_format: str, level: int = logging.INFO) -> None:
    """Log to standard error; `debug` shows our own details, other packages stay at `level`; raises SettingError.

    A message is one line of bounded length, whatever is quoted in it. One machine can cause ten like it a minute, and
    all together 240.
    """
    try:
        # An unknown field shows only when a record is formatted; logging would then complain of every line.
        logging.Formatter(log_format).format(logging.makeLogRecord({}))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingError("log-format", f"{log_format!r} is not accepted ({error}); give {DEFAULT_FORMAT!r}") from None
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine(log_format))
    handler.addFilter(_explain_lack_of_descriptors)
    handler.addFilter(FloodFilter())
    logging.basicConfig(level=level, handlers=[handler])
    if debug:
        for package in ("interject", "__main__"):
            logging.getLogger(package).setLevel(logging.DEBUG)


def _explain_lack_of_descriptors(record: logging.LogRecord) -> bool:
    """Say what asyncio's complaint means, and what helps, where a process has no file descriptor left."""
    error = record.exc_info[1] if record.exc_info else None
    if record.name == "asyncio" and isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
        record.msg = (
            f"nobody else can connect, as no file descriptor is left ({error.strerror}); more are given by "
            "`ulimit -n`, and by LimitNOFILE= of a unit of systemd"
        )
        record.args, record.exc_info, record.exc_text = (), None, None
    return True


class _OneLine(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = one_line(record.message)
        if suppressed := getattr(record, "suppressed", 0):
            record.message += f" (and {suppressed} more like it)"
        return super().formatMessage(record)


def one_line(text: str) -> str:
    """Make a line of bounded length of a text that may quote others: control characters are shown as escapes."""
    cut = text[:_LONGEST_MESSAGE]
    shown = cut if cut.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
    return shown if len(text) <= _LONGEST_MESSAGE else f"{shown}… ({len(text) - _LONGEST_MESSAGE} more characters)"


@dataclass(slots=True)
class _Count:
    since: float
    passed: int = 0
    suppressed: int = 0


class FloodFilter(logging.Filter):
    """Passes so many records of a kind a minute, fewer of those whose first argument has an `address` and of asyncio's.

    The next one of that kind has the number of those that were left out as `suppressed`. Debug records are for whoever
    wants to see all of them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, str, str], _Count] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is to be logged."""
        if record.levelno < logging.INFO:
            return True
        most, key = _kind(record)
        count = self._counts.pop(key, None)
        if count is None or record.created - count.since >= _MINUTE_S:
            record.suppressed = count.suppressed if count is not None else 0
            count = _Count(record.created)
        self._counts[key] = count
        if len(self._counts) > _MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        if count.passed >= most:
            count.suppressed += 1
            return False
        count.passed += 1
        return True


def _kind(record: logging.LogRecord) -> tuple[int, tuple[str, str, str]]:
    if record.name == "asyncio" and record.levelno >= logging.ERROR:
        return _ASYNCIO_PER_MINUTE, (record.name, str(record.msg).partition("\n")[0], "")
    first = record.args[0] if isinstance(record.args, tuple) and record.args else None
    address = getattr(first, "address", None)
    return _ANY_PER_MINUTE if address is None else _PER_MINUTE, (record.name, str(record.msg), address or "")
