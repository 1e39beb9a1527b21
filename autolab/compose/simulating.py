"""Running the simulators of a lab alone, for campaigns and for other people's clients."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from autolab.compose import benches
from autolab.compose.names import Names
from autolab.compose.power import powered
from autolab.config.lab import load_lab
from autolab.core.addresses import EpicsAddress
from autolab.core.clock import real_clock
from autolab.core.errors import StorageError

__all__ = ["simulate"]


def simulate(
    lab: Path,
    data: Path,
    *,
    seed: int,
    time_factor: float,
    fresh: bool,
    ready: Callable[[Mapping[str, str]], None],
    stop: threading.Event,
) -> None:
    """Run the simulators of a lab until ``stop`` is set; campaigns with the same data folder attach to them.

    Args:
        lab: The lab file.
        data: Data folder; the simulators keep their state in it, from one start to the next.
        seed: Seed of their noise.
        time_factor: Lab seconds per real second.
        fresh: Forget their state: full stock, empty wells, everything in its place.
        ready: Told where each device listens, once all do.
        stop: Ends it.

    Raises:
        InputError: the lab file is refused, a port is in use, or the simulators run already.
        StorageError: no right to write to the data folder.
    """
    spec = load_lab(lab)
    names = Names(spec.source, spec.packages, lab.parent)  # from now on the packages of the lab's owner are found
    folder = data / "simulators" / spec.name
    if fresh and folder.exists():
        _forget(folder)
    ports = benches.free_ca_ports(spec)
    with (
        powered(spec, names, data, real_clock()) as supply,
        benches.in_processes(spec, folder, seed, time_factor, ports, wished=True, supply=supply) as bench,
        benches.shared(spec, folder, bench, seed),
    ):
        ready(
            {
                name: f"{address} (EPICS_CA_ADDR_LIST=127.0.0.1:{ports[name]})"
                if isinstance(address, EpicsAddress) and name in ports
                else str(address)
                for name, address in bench.addresses.items()
            }
        )
        stop.wait()


def _forget(folder: Path) -> None:
    benches.refuse_if_running(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be removed ({error.strerror}): choose another folder with --data"
        ) from error
