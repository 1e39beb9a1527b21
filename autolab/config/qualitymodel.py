"""The shape of ``quality`` in ``lab.yaml``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from autolab.config.fields import IS_NUMBER, PERMITTED, FileModel, Name, SignalName, Slug, one_of

__all__ = ["QualityModel"]

Number = Annotated[float, Field(allow_inf_nan=False), IS_NUMBER]


class QualityModel(FileModel):
    """A check of what a trial measured, before anybody learns from it."""

    model_config = one_of(("saturation", "max"), ("range",), ("scatter", "max"), ("stall",), ("drift", "metric"))

    saturation: SignalName | None = Field(default=None, examples=["spectrometer.spectrum"])
    """A signal that must stay below `max`, in the unit of its reading."""
    range: Annotated[str, StringConstraints(pattern=PERMITTED, max_length=200)] | None = Field(
        default=None, examples=["peak_absorbance"]
    )
    """A metric of the outcome, or a signal, that must lie between `min` and `max`."""
    scatter: Name | None = Field(default=None, examples=["colour_distance"])
    """A metric whose standard error must not be above `max`."""
    stall: SignalName | None = Field(default=None, examples=["spectrometer.spectrum"])
    """A signal with noise: two readings that are the same to the last digit are those of an instrument that hangs."""
    drift: Slug | None = Field(default=None, examples=["tile"])
    """A reference under `calibrations`: its `metric` must not have drifted by more than `max` since it was first
    measured; without `max`, it must break no rule of its control chart."""
    min: Number | None = None
    """Lowest value, in the unit of what is looked at."""
    max: Number | None = None
    """Highest value."""
    share: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), IS_NUMBER] = 0.0
    """Of a saturation: the share of a reading's values, such as the pixels of a spectrum, that may be saturated."""
    metric: Name | None = Field(default=None, examples=["baseline"])
    """Of a drift: the metric of the reference."""
