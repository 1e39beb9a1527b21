"""Where libraries log to while something runs: a file in the data folder, never the person's terminal."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["log_to"]


class LogFile(logging.FileHandler):
    """A log file that is made, with its folder, when the first line is written. It fails in silence."""

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name that logging calls)
        """A log that cannot be written (a full disk) disturbs nothing."""


@contextmanager
def log_to(data: Path) -> Iterator[Path]:
    """Keep warnings and errors that libraries log in ``logs/autolab.log`` of the data folder."""
    path = data / "logs" / "autolab.log"
    handler = LogFile(path, encoding="utf-8", delay=True)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    try:
        yield path
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        handler.close()
