"""How far a campaign's model can be trusted: what it predicts of each outcome from all the others."""

from __future__ import annotations

from dataclasses import dataclass

from autolab.core.parameters import Value

__all__ = [
    "ENOUGH",
    "WIDTH",
    "Diagnosis",
    "LeftOut",
    "MetricDiagnosis",
    "Misfit",
    "ParameterRole",
    "SlicePoint",
    "SliceThrough",
]

ENOUGH = 12
"""Outcomes below which nothing is said to be a misfit."""
WIDTH = 1.6448536269514722
"""Half width of the 90 % interval of a normal distribution, in standard deviations: its 95th percentile."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An outcome, and what the model predicts of it from all the others, in the metric's unit."""

    trial: int
    measured: float
    mean: float
    sd: float
    """Standard deviation of what would be measured: the model's ignorance and the noise together."""


@dataclass(frozen=True, slots=True)
class ParameterRole:
    """What a parameter does to a metric, by the model."""

    parameter: str
    importance: float
    """Total Sobol index of the model's mean over the box of all bounds: share of its variance, from 0 to 1, that would
    be gone if this parameter were held. Those of several may add up to more than 1, where they act together."""
    lengthscale: float | None
    """Distance over which outcomes are alike, as a fraction of the parameter's range (on its scale); None where the
    model has no single one."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something that the model does not fit, with what to do about it."""

    kind: str
    """``blind``, ``outliers``, ``scale`` or ``drift``."""
    said: str
    trials: tuple[int, ...] = ()
    """The trials that it is about; none where it is about all."""


@dataclass(frozen=True, slots=True)
class SlicePoint:
    """What the model believes of a metric at one value of a parameter, the others being those recommended."""

    value: Value
    mean: float
    sd: float
    """Standard deviation of the true value, noise not included."""
    is_allowed: bool
    """Whether the point keeps the constraints of the campaign."""


@dataclass(frozen=True, slots=True)
class SliceThrough:
    """The model along one parameter, through the recommended trial."""

    parameter: str
    points: tuple[SlicePoint, ...]
    """In the order of the parameter's values."""


@dataclass(frozen=True, slots=True)
class MetricDiagnosis:
    """The model of one metric."""

    metric: str
    explained: float
    """Share of the outcomes' variance that is predicted from the others: 1 minus the squared errors of leaving each
    out, over those of the others' average. Below 0 where the average is better than the model."""
    covered: float
    """Share of the outcomes inside the interval in which 90 % of them should be."""
    noise: float
    """Standard deviation of the noise, in the metric's unit."""
    roles: tuple[ParameterRole, ...]
    misfits: tuple[Misfit, ...]
    left_out: tuple[LeftOut, ...]
    slices: tuple[SliceThrough, ...] = ()
    """Through the recommended trial; none in records from before there were any."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The models of a campaign when it was asked for a recommendation."""

    model: str
    """Which kind of model, in words."""
    metrics: tuple[MetricDiagnosis, ...]
