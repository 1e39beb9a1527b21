"""Conformance tests: one device of a lab is opened, put through the kit, and what was found is recorded."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import autolab
from autolab.compose import benches
from autolab.compose.acting import acting_as
from autolab.compose.benches import Bench
from autolab.compose.locks import holding
from autolab.compose.names import Names
from autolab.compose.opening import open_lab, reach_channel_access
from autolab.compose.options import RunOptions
from autolab.compose.running import data_folder
from autolab.compose.sources import sources_hash
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.words import did_you_mean, listed
from autolab.core.addresses import NoAddress
from autolab.core.authority import Action
from autolab.core.clock import ScaledClock, real_clock
from autolab.core.errors import InputError, TripError
from autolab.core.principals import Principal
from autolab.journal import trips
from autolab.journal.conformance import CheckRecord, ConformanceTest, keep_conformance
from autolab.journal.journal import Journal
from simulators.base import FileStore

if TYPE_CHECKING:
    from autolab.campaign.lab import OpenLab
    from devices.conformance import Judged, Opened, Subject

__all__ = ["ConformanceWish", "conformance", "subject_of"]


@dataclass(frozen=True, slots=True)
class ConformanceWish:
    """What somebody wants to be tested."""

    lab: Path
    device: str
    simulate: bool = False
    time_factor: float = 10.0
    """Lab seconds per real second, of a simulator."""
    person: str | None = None
    """Who tests, as the lab file names them; None for the account."""
    patience_s: float = 30.0
    """Real seconds in which a silent instrument must have been noticed."""


def conformance(
    wish: ConformanceWish, data: Path, agreed: Callable[[str], bool], told: Callable[[Judged], None]
) -> ConformanceTest:
    """Put a device through all checks of the kit, and record what was found.

    Args:
        wish: What to test. On hardware the device moves inside its envelope.
        data: The data folder, for the record.
        agreed: Asked once before anything physical moves, with what is going to happen.
        told: Told of each check as soon as it was made.

    Raises:
        FileError: the lab file is refused.
        InputError: no such device; nobody agreed; on hardware, whatever else guards the lab would not be watched.
        NotAuthorisedError: on hardware, they may not, or are not who they say.
        TripError: the lab has tripped.
        NotConnectedError: the device does not answer.
        StorageError: no room or no right to write.
    """
    from devices.conformancechecks import CHECKS, judge

    whole = load_lab(wish.lab)
    lab = _part(whole, wish.device)
    about = f"a conformance test of {wish.device} of {lab.name}"
    by = acting_as(lab.authority, wish.person, Action.RUN if wish.simulate else Action.BY_HAND, about)
    if not wish.simulate:
        _refuse_unwatched(whole)
        address = lab.devices[wish.device].at
        said = f"{wish.device} ({address}) is going to move within its whole envelope, and to be stopped on its way"
        if not agreed(said):
            raise InputError(f"{about}: nobody agreed: nothing has moved")
    with data_folder(RunOptions(data=data)) as folder, closing(Journal(folder, real_clock())) as journal:
        if not wish.simulate:
            _refuse_tripped(journal, lab)
        with _subject(lab, wish) as (subject, opened):
            checks: list[Judged] = []
            for name in CHECKS:
                checks.append(judge(subject, name))
                told(checks[-1])
        found = _found(lab, opened, checks, by)
        return replace(found, date=keep_conformance(journal, found, by))


@contextmanager
def subject_of(lab: Path, device: str, *, time_factor: float = 10.0, patience_s: float = 30.0) -> Iterator[Subject]:
    """A simulated device of a lab under test, for the kit's checks in tests of one's own; nothing is recorded.

    Args:
        lab: The lab file.
        device: Name of the device.
        time_factor: Lab seconds per real second.
        patience_s: Real seconds in which a silent instrument must have been noticed.
    """
    wish = ConformanceWish(lab, device, simulate=True, time_factor=time_factor, patience_s=patience_s)
    with _subject(_part(load_lab(lab), device), wish) as (subject, _):
        yield subject


@contextmanager
def _subject(lab: LabSpec, wish: ConformanceWish) -> Iterator[tuple[Subject, OpenLab]]:
    """The device under test, and the lab that it is all of, as it was opened first."""
    from devices.conformance import Subject

    names = Names(lab.source, lab.packages, wish.lab.parent)
    with ExitStack() as stack:
        bench = stack.enter_context(_bench(lab, names, wish)) if wish.simulate else None
        if bench is None:
            addresses = {name: str(d.at) for name, d in lab.devices.items() if not isinstance(d.at, NoAddress)}
            stack.enter_context(holding(addresses, f"a conformance test, process {os.getpid()}"))
        clock = real_clock() if bench is None else ScaledClock(bench.factor)
        inside = stack.enter_context(ExitStack())
        first = inside.enter_context(open_lab(lab, names, bench, clock))

        def reopen() -> Opened:
            inside.close()
            return _opened(inside.enter_context(open_lab(lab, names, bench, clock)), wish.device)

        pid = None if bench is None else bench.pids.get(wish.device)
        hang = None if pid is None else lambda on: os.kill(pid, signal.SIGSTOP if on else signal.SIGCONT)
        yield Subject(wish.device, _opened(first, wish.device), reopen, hang, wish.patience_s), first


@contextmanager
def _bench(lab: LabSpec, names: Names, wish: ConformanceWish) -> Iterator[Bench]:
    """The device's simulator alone, with nothing of what was done with it before."""
    ports = benches.free_ca_ports(lab)
    reach_channel_access(tuple(ports.values()))
    with tempfile.TemporaryDirectory(prefix="autolab-conformance-") as folder:
        simulator = lab.devices[wish.device].simulator
        if simulator is not None:
            found = names.resolve(
                simulator.class_name, ("devices", wish.device, "simulator", "class"), "simulator class"
            )
            scene = getattr(found, "set_the_scene", None)
            if scene is not None:
                scene(FileStore(Path(folder)), f"{next(iter(lab.labware), 'strip')}-1")
        with benches.in_processes(lab, Path(folder), 1, wish.time_factor, ports) as bench:
            yield bench


def _opened(lab: OpenLab, name: str) -> Opened:
    from devices.base import Identity
    from devices.conformance import Opened

    (record,) = lab.records
    is_ours = getattr(type(lab.devices[name]), "writable_signals", None) is not None
    identity = Identity(record.model, record.serial_number, record.realm == "simulated") if is_ours else None
    return Opened(lab.devices[name], lab.guards[name], lab.clock, lab.loop, identity)


def _part(lab: LabSpec, name: str) -> LabSpec:
    """The lab with one device, its envelope, and nothing that speaks of others.

    Raises:
        InputError: it has no such device.
    """
    if name not in lab.devices:
        near = did_you_mean(name, lab.devices)
        hint = f"did you mean {near!r}?" if near else f"it has {listed(lab.devices)}"
        raise InputError(f"{lab.name} has no device {name!r}; {hint}")
    envelope = {key: limit for key, limit in lab.envelope.items() if key.partition(".")[0] == name}
    signals = {key: signal for key, signal in lab.signals.items() if key.partition(".")[0] == name}
    alone: dict[str, Any] = {"devices": {name: lab.devices[name]}, "envelope": envelope, "signals": signals}
    alone |= {"interlocks": (), "safe_state": (), "hazards": (), "zones": {}, "dwell_s": {}, "power": None}
    return replace(lab, **alone, stations=tuple(station for station in lab.stations if station == name))


def _refuse_unwatched(lab: LabSpec) -> None:
    if lab.interlocks or lab.power is not None:
        what = "interlocks" if lab.interlocks else "a relay"
        raise InputError(
            f"{lab.name} has {what}, and a conformance test of one device does not watch them: use --simulate, or test "
            "the instrument in a lab file of its own, away from the others"
        )


def _refuse_tripped(journal: Journal, lab: LabSpec) -> None:
    for trip in trips.latched(journal, lab.name, "physical")[:1]:
        raise TripError(f"{lab.name} has tripped on {trip.date} ({trip.cause}): see to the cause, then reset it")


def _found(lab: LabSpec, opened: OpenLab, checks: list[Judged], by: Principal) -> ConformanceTest:
    (record,) = opened.records
    return ConformanceTest(
        lab=lab.name,
        lab_hash=lab.content_hash,
        device=record,
        software=f"autolab {autolab.__version__}",
        source_hash=sources_hash([type(opened.devices[record.name])], []),
        checks=tuple(CheckRecord(check.check, check.verdict, check.seen, check.ms) for check in checks),
        by=by.name,
    )
