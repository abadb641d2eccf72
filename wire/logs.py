"""Logging set up the same way in every process."""

from __future__ import annotations

import logging

from wire.errors import SettingError

DEFAULT_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def configure_logging(*, debug: bool, log_format: str, level: int = logging.INFO) -> None:
    """Log to standard error; `debug` shows our own details, other packages stay at `level`; raises SettingError."""
    try:
        # An unknown field shows only when a record is formatted; logging would then complain of every line.
        logging.Formatter(log_format).format(logging.makeLogRecord({}))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingError("log-format", f"{log_format!r} is not accepted ({error}); give {DEFAULT_FORMAT!r}") from None
    logging.basicConfig(level=level, format=log_format)
    if debug:
        for package in ("wire", "satellite", "servers", "__main__"):
            logging.getLogger(package).setLevel(logging.DEBUG)
