"""Resetting a lab that has tripped."""

from __future__ import annotations

from pathlib import Path

from autolab.compose.options import RunOptions
from autolab.compose.running import data_folder
from autolab.config.lab import load_lab
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.journal import trips
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader

__all__ = ["reset_lab"]


def reset_lab(data: Path, file: Path, because: str, by: Principal) -> str:
    """Reset a lab that has tripped. No controller may run in the data folder meanwhile.

    Args:
        data: The data folder.
        file: The lab file.
        because: What was the cause, and what was done about it; it is kept.
        by: Who resets it.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: no reason is given, nothing has tripped, or a controller runs.
    """
    if not because.strip():
        raise InputError("--because: say what the cause was and what you did about it; it is kept with the reset")
    lab = load_lab(file)
    JournalReader.open(data).close()  # where there is none, nothing is made
    with data_folder(RunOptions(data=data)):
        journal = Journal(data, real_clock())
        try:
            found = trips.latched(journal, lab.name)
            if not found:
                raise InputError(f"{lab.name} has not tripped: there is nothing to reset")
            trips.reset(journal, lab.name, by, because)
        finally:
            journal.close()
    return f"{lab.name} is reset ({'; '.join(trip.cause for trip in found)})"
