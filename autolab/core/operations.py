"""Operation ids: the name of one action, unique on the wire, that carries its place in the campaign."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autolab.core.errors import InputError
from autolab.core.seeds import derive_seed

__all__ = ["BEFORE_PLATE", "CALIBRATING", "MAX_OPERATION_LENGTH", "SHARED", "OperationId", "Operations"]

MAX_OPERATION_LENGTH = 39
"""Longest operation id in characters: what an EPICS string (DBR_STRING, 40 bytes with its NUL) holds."""

CALIBRATING = 900
"""Replicate numbers from here to `BEFORE_PLATE` are those of calibrations: each before a trial has its own."""
BEFORE_PLATE = 998
"""Replicate number of what brings the lab in order before a plate is measured; before a trial it is 0."""
SHARED = 999
"""Replicate number of the actions that the trials of a plate share; their trial is the first one of the plate."""

_PATTERN = re.compile(r"([a-z0-9]{1,8})\.t(\d{1,5})\.r(\d{1,3})\.([a-z][a-z0-9-]{0,13})\.a(\d{1,3})")


@dataclass(frozen=True, slots=True)
class OperationId:
    """Identity of one action.

    ``str()`` gives the form on the wire, such as ``k3f9a2c1.t12.r1.dispense-cyan.a1``.
    """

    campaign: str
    """Key of the campaign, 1 to 8 characters of a-z and 0-9; it makes the id unique."""
    trial: int
    """Trial number, from 1; 0 where a device is used by hand."""
    replicate: int
    """Replicate number, from 1; 0 for what brings the lab in order before the trial, and `SHARED`."""
    phase: str
    """Name of the phase, a slug of at most 14 characters."""
    attempt: int = 1
    """Attempt number, from 1."""

    def __post_init__(self) -> None:
        if not _PATTERN.fullmatch(str(self)):
            raise InputError(
                f"operation id {str(self)!r} is not of the form campaign.t1.r1.phase.a1: "
                "the campaign has at most 8 characters of a-z and 0-9, the phase at most 14 of a-z, 0-9 and '-'"
            )

    def __str__(self) -> str:
        return f"{self.campaign}.t{self.trial}.r{self.replicate}.{self.phase}.a{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> OperationId:
        """Read an operation id from its form on the wire.

        Raises:
            InputError: ``text`` is not an operation id.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InputError(f"{text!r} is not an operation id such as 'k3f9a2c1.t12.r1.dispense-cyan.a1'")
        campaign, trial, replicate, phase, attempt = match.groups()
        return cls(campaign, int(trial), int(replicate), phase, int(attempt))

    def noise_seed(self, root: int, device: str) -> int:
        """Seed of a simulator's noise: from seed, device and place in the campaign, never from its key or the time."""
        return derive_seed(root, device, self.trial, self.replicate, self.phase, self.attempt)


@dataclass(frozen=True, slots=True)
class Operations:
    """Names the operations of one trial: ``operations("dispense-cyan")`` is the id of that phase.

    The default is for a device used by hand, outside a campaign.
    """

    campaign: str = "hand"
    trial: int = 0
    replicate: int = 1
    attempt: int = 1

    def __call__(self, phase: str) -> OperationId:
        return OperationId(self.campaign, self.trial, self.replicate, phase, self.attempt)
