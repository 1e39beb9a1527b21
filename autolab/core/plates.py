"""A plate of trials: prepared one by one, each in a well of its own, and measured together in one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autolab.core.errors import InputError
from autolab.core.operations import Operations
from autolab.core.samples import Sample

__all__ = ["PlateSpec", "Prepared", "is_of_a_trial", "plate_of", "stream_of"]


@dataclass(frozen=True, slots=True)
class PlateSpec:
    """How a campaign works on plates."""

    trials: int
    """Trials of a full plate: those numbered 1 to ``trials`` share the first one, and so on."""
    measure: str
    """Dotted name of the plan that measures a plate."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A trial that is prepared and waits in its well."""

    trial: int
    """Number of the trial."""
    sample: Sample
    operations: Operations
    """Names the trial's own actions; the names must be others than those of its preparation."""


def plate_of(trials: Iterable[Prepared]) -> tuple[Prepared, ...]:
    """The trials of a plate, in the order of their wells.

    Raises:
        InputError: two of them are in one well, or one of them is there twice.
    """
    found = tuple(sorted(trials, key=lambda one: (one.sample.place, one.sample.labware, one.sample.well)))
    wells: dict[tuple[str, int], int] = {}
    for one in found:
        other = wells.setdefault((one.sample.labware, one.sample.well), one.trial)
        if other != one.trial or sum(each.trial == one.trial for each in found) > 1:
            raise InputError(
                f"trials {other} and {one.trial} are both in well {one.sample.well} of {one.sample.labware}: each "
                "trial of a plate needs a well of its own"
            )
    return found


def stream_of(trial: int) -> str:
    """Name of the stream in which the run of a plate records the events of one of its trials."""
    return f"trial_{trial}"


def is_of_a_trial(stream: str) -> bool:
    """Whether a stream holds what the run of a plate recorded of one of its trials, see `stream_of`."""
    return stream.startswith("trial_") and stream.removeprefix("trial_").isdigit()
