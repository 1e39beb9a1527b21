"""How a person wants a campaign run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autolab.core.errors import InputError

__all__ = ["RunOptions"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of ``autolab run``.

    Raises:
        InputError: options that exclude each other, or a number out of its range.
    """

    data: Path
    """Data folder; made where it is missing."""
    simulate: bool = False
    """Start simulators for all devices, or attach to those that ``autolab simulate`` runs."""
    only: tuple[str, ...] = ()
    """Of the devices, the ones that are simulated beside hardware; none where all are."""
    virtual: bool = False
    """Virtual clock: the simulators live in memory, and no time passes but theirs."""
    time_factor: float = 1.0
    """Lab seconds that pass in each real second, in simulators and controller alike."""
    trials: int | None = None
    """Instead of the campaign's ``budget.trials``."""
    seed: int | None = None
    """Instead of the campaign's ``seed``."""
    engine: str | None = None
    """Instead of the campaign's engine."""
    lanes: int | None = None
    """Instead of the campaign's ``lanes``."""
    calibrate: tuple[str, ...] = ()
    """Calibrations of the lab that a person wants performed now, however they stand."""
    move: str | None = None
    """Device that a person moves by hand; None for an experiment."""
    in_memory: bool = False
    """Keep the journal in memory, for measurements of speed."""

    @property
    def uses_hardware(self) -> bool:
        """Whether a device may be hardware."""
        return not self.simulate or bool(self.only)

    def __post_init__(self) -> None:
        if self.virtual and self.uses_hardware:
            raise InputError("--virtual needs --simulate for all devices: hardware does not run on a virtual clock")
        if self.time_factor != 1.0 and self.uses_hardware:
            raise InputError("--time-factor needs --simulate for all devices: hardware runs in real time")
        if self.virtual and self.time_factor != 1.0:
            raise InputError("--time-factor and --virtual exclude each other: leave one out")
        if not 0 < self.time_factor <= 10_000:
            raise InputError(f"--time-factor {self.time_factor:g} is outside 0 to 10000")
        if self.trials is not None and not 1 <= self.trials <= 99_999:
            raise InputError(f"--trials {self.trials} is outside 1 to 99999")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise InputError(f"--seed {self.seed} is outside 0 to {2**63 - 1}")
        if self.lanes is not None and not 1 <= self.lanes <= 16:
            raise InputError(f"--lanes {self.lanes} is outside 1 to 16")
