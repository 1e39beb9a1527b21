"""Resetting a lab that has tripped: the latch of its relay, and the one in its journal."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from autolab.compose import benches
from autolab.compose.acting import Caller, acting_as
from autolab.compose.bypassing import bypasses_in_force
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.compose.power import latched_power, reset_power
from autolab.compose.running import data_folder
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.core.authority import Action
from autolab.core.clock import ScaledClock, real_clock
from autolab.core.errors import InputError, SafetyError
from autolab.core.principals import Principal
from autolab.journal import trips
from autolab.journal.journal import STATES_FILE, Journal

__all__ = ["reset_lab"]

LOOK_REAL_S = 10.0
"""Real seconds for which the interlocks are evaluated before a reset; rules with longer windows are not known then."""


def reset_lab(data: Path, file: Path, because: str, name: str | Caller | None = None) -> str:
    """Reset a lab that has tripped. The watchdog refuses while the cause is there.

    Args:
        data: The data folder.
        file: The lab file.
        because: What was the cause, and what was done about it; it is kept.
        name: Who resets it, as the lab file names them; None for the account; or whom a face has let in.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: no reason is given, nothing has tripped, or a controller runs.
        NotAuthorisedError: they may not reset this lab.
        SafetyError: the watchdog refuses, and why; or a cause is seen to be there.
    """
    if not because.strip():
        raise InputError("--because: say what the cause was and what you did about it; it is kept with the reset")
    lab = load_lab(file)
    by = acting_as(lab.authority, name, Action.RESET, lab.name)
    _refuse_while_caused(lab, data)
    said = [] if latched_power(lab, data) is None else [reset_power(lab, data, because, by)]
    said += _reset_journal(data, lab.name, because, by)
    if not said:
        raise InputError(f"{lab.name} has not tripped: there is nothing to reset")
    return "; ".join(said)


def _refuse_while_caused(lab: LabSpec, data: Path) -> None:
    """Evaluate the interlocks where something can be read: on simulators that run by themselves. Nothing moves.

    They are read in a process of their own: Channel Access learns its servers once, and whoever resets may live longer
    than the simulators, as the server of the pages does.

    Raises:
        SafetyError: a cause is still there, or unknown, and is not bypassed; or it cannot be looked at.
    """
    if not lab.interlocks or benches.attached(lab, data / "simulators" / lab.name) is None:
        return
    with ProcessPoolExecutor(1, get_context("spawn")) as child:
        try:
            cause = child.submit(_cause, Path(lab.source.file), data).result()
        except BrokenProcessPool:
            cause = "the process that looked at the interlocks has died"
    if cause is not None:
        raise SafetyError(f"{lab.name} is not reset: {cause}; remove the cause, then reset")


def _cause(file: Path, data: Path) -> str | None:
    """What acts or is unknown, and is not bypassed; None where nothing is."""
    lab = load_lab(file)
    found = benches.attached(lab, data / "simulators" / lab.name)
    if found is None:
        return None
    from autolab.campaign.scanning import scanned
    from autolab.compose.interlocking import scanning
    from autolab.compose.opening import open_lab, reach_channel_access

    bench, clock = found[0], ScaledClock(found[0].factor)
    names = Names(lab.source, lab.packages, file.parent)
    reach_channel_access(bench.ca_ports)
    with open_lab(lab, names, bench, clock) as opened, scanning(lab, opened, str) as scan:
        if scan.interlocks is not None:
            scan.interlocks.heed(bypasses_in_force(data, lab))
        end_s = clock.real() + LOOK_REAL_S
        with scanned(scan):
            while not scan.is_ready and opened.trip.cause is None and clock.real() < end_s:
                clock.sleep(0.02 * clock.factor)
        return opened.trip.cause


def _reset_journal(data: Path, lab: str, because: str, by: Principal) -> list[str]:
    if not (data / STATES_FILE).is_file():
        return []
    with data_folder(RunOptions(data=data)):
        journal = Journal(data, real_clock())
        try:
            found = trips.latched(journal, lab)
            if found:
                trips.reset(journal, lab, by, because)
        finally:
            journal.close()
    return [f"{lab} is reset ({'; '.join(trip.cause for trip in found)})"] if found else []
