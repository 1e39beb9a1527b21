"""The shape of ``calibrations`` in ``lab.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from autolab.config.fields import IS_NUMBER, DottedName, FileModel, Name, Quantity, Slug, Value

__all__ = ["CalibrationModel", "CorrectionModel", "DriftModel", "ValidityModel"]


class DriftModel(FileModel):
    """How far a reference may wander before a calibration is invalid."""

    of: Slug = Field(examples=["tile"])
    """The reference: another calibration of this lab, which yields the metric and is repeated more often."""
    metric: Name = Field(examples=["baseline"])
    """What the reference yields."""
    by: Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER] = Field(examples=["0.005"])
    """Largest difference from the first value after the calibration, in the unit of the metric."""


class ValidityModel(FileModel):
    """How long a calibration is valid: until the first of these is used up. At least one is needed."""

    time: Quantity | None = Field(default=None, examples=["8 h"])
    """Time, with its unit."""
    trials: int | None = Field(default=None, ge=1, le=1_000_000, examples=["10"])
    """Trials that use an instrument it is for; each attempt counts."""
    measurements: int | None = Field(default=None, ge=1, le=1_000_000_000, examples=["60"])
    """How often such an instrument is read or acts."""
    drift: DriftModel | None = None
    """How far a reference may wander."""


class CorrectionModel(FileModel):
    """How a metric of the outcomes is corrected for drift."""

    by: Name = Field(examples=["peak_absorbance"])
    """The metric of the reference."""
    how: Literal["difference", "ratio"] = Field(examples=["difference"])
    """`difference`: what it has gained since it was first measured on the bench is subtracted. `ratio`: what it has
    grown by is divided out."""


class CalibrationModel(FileModel):
    """Something that is done so that an instrument can be believed."""

    kind: Literal["warm-up", "blank", "dark", "reference", "calibration"] = Field(examples=["blank"])
    """What it is. A `reference` goes onto a control chart."""
    of: list[Name] = Field(min_length=1, max_length=1000, examples=["[spectrometer]"])
    """The instruments that it is for. A trial in which one of them is used needs it to be valid."""
    plan: DottedName = Field(examples=["plans.calibrating.blank"])
    """Dotted name of its plan. It takes devices of the lab by name and, if it wants them, `operations` (names its
    actions), `sample` (a fresh well) and `md`."""
    reduce: DottedName | None = Field(default=None, examples=["plans.calibrating.baseline"])
    """Dotted name of the reducer that gives its values. Without it, it yields none."""
    with_: dict[Name, Value] = Field(default_factory=dict[Name, Value], alias="with", examples=["{cyan: 60 uL}"])
    """What the plan is given besides devices, numbers with their units."""
    corrects: dict[Name, CorrectionModel] = Field(default_factory=dict[Name, CorrectionModel])
    """Of a reference: the metrics of outcomes that are corrected for its drift. The raw values are kept beside."""
    valid: ValidityModel = Field(examples=["{time: 8 h, measurements: 60}"])
    """How long it is valid."""
    if_invalid: Literal["wait", "refuse"] = "wait"
    """`wait`: the controller performs it before the next trial. `refuse`: the campaign pauses, and a person is asked
    to say `autolab calibrate`, then `autolab resume`."""
