"""A proof test: each interlock of a lab is exercised from the simulated sensor to the relay, and timed."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autolab.compose import benches
from autolab.compose.acting import acting_as
from autolab.compose.interlockproof import Rig, prove_rule, prove_silence
from autolab.compose.names import Names
from autolab.compose.opening import reach_channel_access
from autolab.compose.power import powered
from autolab.compose.proofs import ProofPath, keep_proof
from autolab.compose.relayproof import prove_relay
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.core.addresses import NoAddress
from autolab.core.authority import Action
from autolab.core.clock import real_clock
from autolab.core.errors import InputError, StorageError
from autolab.core.principals import Principal
from autolab.journal.folder import is_locked, make_folder
from safety.courses import longest_window_s

__all__ = ["ProofTest", "is_proving", "proof_test"]

PROOF_LOCK = "proof-test.lock"
"""File in a data folder that a proof test holds locked."""

WINDOW_REAL_S = 1.0
"""Real seconds that the longest window of a rule takes at most: the bench runs faster where it is longer."""


@dataclass(frozen=True, slots=True)
class ProofTest:
    """What a proof test found."""

    lab: str
    lab_hash: str
    by: str
    date: str
    """When it was recorded, in UTC; empty where there was nothing to test."""
    paths: tuple[ProofPath, ...]

    @property
    def passed(self) -> bool:
        """Whether every path did what it must."""
        return all(path.passed for path in self.paths)

    def said(self) -> str:
        """What was found, in words: the paths that failed, those of one reason together, since a mistake in the lab
        file makes all of them fail alike.
        """
        if not self.paths:
            return f"{self.lab}: nothing to test: it declares no interlocks and no 'power'"
        if self.passed:
            return f"{self.lab}: all {len(self.paths)} paths passed"
        by_reason: dict[str, list[str]] = {}
        for path in self.paths:
            if not path.passed:
                by_reason.setdefault(path.seen, []).append(f"{path.rule}: {path.cause}")
        reasons = [
            f"- {paths[0]}: {seen}" if len(paths) == 1 else f"- {len(paths)} paths ({'; '.join(paths)}): {seen}"
            for seen, paths in by_reason.items()
        ]
        n_failed = sum(map(len, by_reason.values()))
        return "\n".join([f"{self.lab}: {n_failed} of {len(self.paths)} paths failed; run nothing here:", *reasons])


def proof_test(
    data: Path,
    file: Path,
    person: str | None,
    told: Callable[[ProofPath], object],
    *,
    principal: Principal | None = None,
) -> ProofTest:
    """Exercise all interlocks of a lab, and its relay, on simulators that are started for it; keep what was found.

    Args:
        data: The data folder, for the record. Latches and contents of the lab in it are not touched.
        file: The lab file.
        person: Who tests, as the lab file names them; None for the account.
        told: Told of each path as soon as it was exercised.
        principal: Who tests, where that is known already.

    Raises:
        FileError: the lab file is refused, or a device has no simulator: only simulated sensors can be exercised.
        InputError: a controller runs with this data folder.
        NotAuthorisedError: they are not who they say.
        StorageError: no room or no right to write.
    """
    lab = load_lab(file)
    by = principal or acting_as(lab.authority, person, Action.RUN, f"a proof test of {lab.name}")
    _refuse_hardware(lab)
    names = Names(lab.source, lab.packages, file.parent)
    paths: list[ProofPath] = []
    with _alone(data), tempfile.TemporaryDirectory(prefix="autolab-proof-") as folder:
        for path in _paths(lab, names, Path(folder)):
            told(path)
            paths.append(path)
    date = keep_proof(data, lab, by, paths) if paths else ""
    return ProofTest(lab.name, lab.content_hash, by.name, date, tuple(paths))


def is_proving(data: Path) -> bool:
    """Whether a proof test runs with a data folder now."""
    return is_locked(data / PROOF_LOCK)


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One proof test at a time: two would force each other's sensors to wait.

    Raises:
        InputError: another one runs.
        StorageError: no room or no right to write.
    """
    try:
        make_folder(data)
        descriptor = os.open(data / PROOF_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(f"{data}: {error.strerror}: choose a folder of yours with --data") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{data}: a proof test runs already: wait for its end") from None
        yield
    finally:
        os.close(descriptor)


def _refuse_hardware(lab: LabSpec) -> None:
    for name, device in lab.devices.items():
        if device.simulator is None and not isinstance(device.at, NoAddress):
            raise lab.source.error(
                ("devices", name),
                f"{name}: this version exercises simulated sensors only, and it has no 'simulator': test the trips of "
                "hardware by hand, or give it a simulator",
            )


def _paths(lab: LabSpec, names: Names, folder: Path) -> Iterator[ProofPath]:
    if lab.interlocks:
        with _rig(lab, names, folder) as rig:
            for rule in lab.interlocks:
                yield from prove_rule(rig, rule)
            devices = dict.fromkeys(signal.partition(".")[0] for signal in rig.read)
            for device in devices:
                if device in rig.bench.pids:
                    yield from prove_silence(rig, device, lambda on, pid=rig.bench.pids[device]: _let_run(pid, on))
    if lab.power is not None:
        yield from prove_relay(folder, lab.power.dead_man_s, real_clock())


@contextmanager
def _rig(lab: LabSpec, names: Names, folder: Path) -> Generator[Rig]:
    """The lab's simulators, with relay and watchdog where it declares them."""
    ports = benches.free_ca_ports(lab)
    reach_channel_access(tuple(ports.values()))
    factor = max(1.0, longest_window_s(lab.interlocks) / WINDOW_REAL_S)
    with ExitStack() as stack:
        supply = stack.enter_context(powered(lab, names, folder, real_clock()))
        bench = stack.enter_context(
            benches.in_processes(lab, folder / "bench", 1, factor, ports, supply=supply, takes_forces=True)
        )
        yield Rig(lab, names, bench)


def _let_run(pid: int, on: bool) -> None:
    """Stop a simulator's process, or let it go on."""
    os.kill(pid, signal.SIGCONT if on else signal.SIGSTOP)
