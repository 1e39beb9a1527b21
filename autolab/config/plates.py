"""Reads how the trials of a campaign are measured by the plate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autolab.config.campaignmodel import PlateModel
from autolab.config.problems import Problems, valid
from autolab.core.plates import PlateSpec

__all__ = ["read_plate"]


def read_plate(problems: Problems, values: Mapping[str, Any]) -> PlateSpec | None:
    """How trials are measured by the plate; None where each is measured by itself. What is refused is gathered.

    Args:
        problems: What was found so far.
        values: The campaign file.
    """
    model, lanes = valid(PlateModel, values.get("plate")), values.get("lanes", 1)
    if model is None:
        return None
    if isinstance(lanes, int) and lanes > 1:
        said = f"plate: its trials are prepared one by one, and 'lanes: {lanes}' would run them side by side"
        problems.add(("plate",), f"{said}: remove one of the two keys")
    return PlateSpec(model.trials, model.measure)
