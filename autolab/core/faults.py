"""Kinds of faults, and what a campaign does about each of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from autolab.core.errors import (
    AutolabError,
    CalibrationError,
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    InputError,
    NotConnectedError,
    PlanError,
    QualityError,
    ReadbackError,
    WireError,
)

__all__ = ["DEFAULT_POLICIES", "DEFAULT_POLICY", "SCREENED", "FaultKind", "FaultPolicy", "kind_of"]


class FaultKind(StrEnum):
    """Why a trial failed."""

    TIMEOUT = "timeout"
    """A device accepted a command and did not finish it in time."""
    REFUSED = "refused"
    """An instrument refused a command."""
    READBACK = "readback"
    """A device says done, and its read-back disagrees."""
    WIRE = "wire"
    """What came over the wire is not what the protocol allows."""
    DISCONNECTED = "disconnected"
    """A device does not answer."""
    DEVICE = "device"
    """A device failed in another way that it named."""
    CALIBRATION = "calibration"
    """An instrument is out of calibration, or its calibration gave nothing usable."""
    QUALITY = "quality"
    """The data gave an outcome, and a quality check does not believe it."""
    BAD_OUTCOME = "bad_outcome"
    """The data gave no outcome."""
    UNKNOWN = "unknown"
    """Anything else. It never continues by itself."""


SCREENED = "screened"
"""Stands for the kind of fault of a trial that the screen has refused: nothing ran, and its values are to blame."""

_KINDS: tuple[tuple[type[AutolabError], FaultKind], ...] = (
    (PlanError, FaultKind.UNKNOWN),
    (NotConnectedError, FaultKind.DISCONNECTED),
    (DeviceTimeoutError, FaultKind.TIMEOUT),
    (ReadbackError, FaultKind.READBACK),
    (CommandRefusedError, FaultKind.REFUSED),
    (WireError, FaultKind.WIRE),
    (CalibrationError, FaultKind.CALIBRATION),
    (DeviceError, FaultKind.DEVICE),
    (QualityError, FaultKind.QUALITY),
    (InputError, FaultKind.BAD_OUTCOME),
)


def kind_of(error: AutolabError) -> FaultKind:
    """The kind of fault that an error is."""
    return next((kind for branch, kind in _KINDS if isinstance(error, branch)), FaultKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class FaultPolicy:
    """What to do about one kind of fault."""

    retry: int = 0
    """How often the trial is tried again first, each time as a new attempt on a fresh sample."""
    wait_s: float = 0.0
    """Lab seconds before the first of these attempts; each further one waits twice as long as the one before."""
    recover: str | None = None
    """Dotted name of the plan that brings the lab in order again, before anything else is run."""
    then: Literal["skip", "ask", "quarantine", "stop"] = "skip"
    """*Skip* records the trial as failed and goes on, *quarantine* also closes the region around it, *ask* pauses for a
    person, *stop* ends the campaign."""
    region: float = 0.05
    """Half width of a region that is closed, as a fraction of each parameter's range."""

    def wait_before(self, attempt: int) -> float:
        """Lab seconds to wait before an attempt; none before the first."""
        return self.wait_s * 2 ** (attempt - 2) if attempt > 1 else 0.0


DEFAULT_POLICY = FaultPolicy()
DEFAULT_POLICIES = MappingProxyType({
    FaultKind.UNKNOWN: FaultPolicy(then="ask"),
    FaultKind.CALIBRATION: FaultPolicy(retry=1, then="ask"),
    FaultKind.QUALITY: FaultPolicy(retry=1, then="ask"),
})  # fmt: skip
"""What to do by kind of fault where nobody has said otherwise; `DEFAULT_POLICY` for those that are not named."""
