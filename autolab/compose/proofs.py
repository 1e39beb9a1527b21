"""What a proof test found, and its record in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autolab.compose.options import RunOptions
from autolab.compose.running import data_folder
from autolab.config.specs import LabSpec
from autolab.core.clock import real_clock
from autolab.core.principals import Principal
from autolab.journal.journal import Journal

__all__ = ["ProofPath", "keep_proof"]


@dataclass(frozen=True, slots=True)
class ProofPath:
    """One way from a cause to what it must bring about, exercised once."""

    rule: str
    """Name of the interlock; ``relay`` for what takes the power away by itself."""
    cause: str
    """What was done, such as ``stage.position reads 225 mm``."""
    passed: bool
    seen: str
    """What followed; where it did not pass, what was missing."""
    latch_ms: float | None = None
    """Real milliseconds from the cause to the latch, the refusal or the alarm."""
    power_ms: float | None = None
    """Real milliseconds from the cause to no power; None where nothing takes it away."""


def keep_proof(data: Path, lab: LabSpec, by: Principal, paths: Sequence[ProofPath]) -> str:
    """Record a proof test in the journal.

    Returns:
        Its date.

    Raises:
        InputError: a controller runs with this data folder.
        StorageError: no room or no right to write.
    """
    with data_folder(RunOptions(data=data)):
        journal = Journal(data, real_clock())
        try:
            with journal.commit():
                passed = int(all(path.passed for path in paths))
                who, date = journal.principal(by), journal.date()
                head = {"lab": lab.name, "lab_hash": lab.content_hash, "principal": who, "date": date, "passed": passed}
                test = journal.states.insert("proof_tests", **head)
                for number, path in enumerate(paths, 1):
                    journal.states.insert(
                        "proof_paths",
                        test=test,
                        number=number,
                        rule=path.rule,
                        cause=path.cause,
                        passed=int(path.passed),
                        latch_ms=path.latch_ms,
                        power_ms=path.power_ms,
                        seen=path.seen,
                    )
        finally:
            journal.close()
    return date
