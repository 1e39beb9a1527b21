"""The entry: runs a command and turns whatever happens into one message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

from autolab.cli.output import prepare_streams, tell
from autolab.core.errors import AutolabError
from autolab.core.workers import YOUNG

__all__ = ["main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code, as the design lists them.

    Args:
        arguments: Words after the program's name; those of the process by default.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    gc.set_threshold(YOUNG)  # most of what a command makes are imports, which stay
    prepare_streams()
    try:
        return _run(words)
    except AutolabError as error:
        tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        tell("Interrupted.")
        return INTERRUPTED
    except Exception:  # noqa: BLE001 (the last place that can keep a traceback from the person who runs the command)
        return _internal_error(words)


def _run(words: list[str]) -> int:
    from autolab.cli.app import command

    try:
        command().main(words, prog_name="autolab")
    except SystemExit as end:  # how the command-line library ends, also after a wrong option (exit code 2)
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _internal_error(words: list[str]) -> int:
    """Keep the traceback in a log file, and say in one line where it is."""
    text = traceback.format_exc()
    kind, error = sys.exc_info()[:2]
    cause = f"{kind.__name__ if kind else 'error'}: {str(error).partition(chr(10))[0]}"
    log = _write_log(_data_folder(words), text)
    where = f"the details are in {log}" if log else "the details could not be written anywhere"
    tell(f"autolab has an internal error ({cause}); {where}. Please report it with that file.")
    return AutolabError.exit_code


def _data_folder(words: list[str]) -> Path:
    """The data folder as the words name it; the command itself may not have come as far as to know it."""
    if words[:1] == ["backtest"]:
        words = []  # its option of this name is a table
    for index, word in enumerate(words):
        if word == "--data" and index + 1 < len(words):
            return Path(words[index + 1])
        if word.startswith("--data="):
            return Path(word.removeprefix("--data="))
    return Path(os.environ.get("AUTOLAB_DATA") or "autolab-data")


def _write_log(data: Path, text: str) -> Path | None:
    from autolab.core.clock import real_clock

    name = f"internal-error-{real_clock().date():%Y%m%dT%H%M%S}-{os.getpid()}.log"
    for folder in (data / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return None
