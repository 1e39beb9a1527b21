"""Reducers: plain functions from recorded data to outcomes, which declare their metrics beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from autolab.core.data import TrialData
from autolab.core.errors import InputError
from autolab.core.quality import QualityCheck
from autolab.core.trials import Outcome

__all__ = ["Reducer", "reducer"]


@dataclass(frozen=True)
class Reducer:
    """A reducer with the metrics that it yields, so that a campaign knows them before anything moves."""

    function: Callable[[TrialData], Outcome]
    metrics: tuple[str, ...] | None
    """Metrics that every outcome carries; None for a reducer that yields whatever the lab's instruments measure."""
    quality: tuple[QualityCheck, ...] = ()
    """What is to be looked at before an outcome is believed, besides what the lab file asks for."""

    def __call__(self, data: TrialData) -> Outcome:
        """Reduce the data of a trial.

        Raises:
            InputError: the data are incomplete, not finite, or a declared metric is missing.
        """
        outcome = self.function(data)
        missing = [metric for metric in self.metrics or () if metric not in outcome]
        if missing:
            raise InputError(f"the reducer yielded no {', '.join(missing)}, which it declares")
        return outcome


def reducer(
    metrics: tuple[str, ...] | None, quality: tuple[QualityCheck, ...] = ()
) -> Callable[[Callable[[TrialData], Outcome]], Reducer]:
    """Declare a function as a reducer.

    Args:
        metrics: Names of the metrics that it yields; None where it yields whatever the lab's instruments measure.
        quality: What is to be looked at before an outcome is believed.
    """
    return lambda function: Reducer(function, metrics, quality)
