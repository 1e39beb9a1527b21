"""How a campaign makes its plans, with the devices of an open lab."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.plates import Prepared
from autolab.core.samples import Sample

__all__ = ["measure_maker", "plan_maker", "prelude_maker"]


def plan_maker(binding: Any, lab: OpenLab) -> Any:
    """How the campaign makes the plan of a trial, with the devices of an open lab."""

    def make(
        values: Values, operations: Operations, sample: Sample | None, md: Mapping[str, Any]
    ) -> Callable[[], Generator[Any, Any, Any]]:
        arguments = binding.arguments(lab.devices, values, operations, sample, md)
        return lambda: binding.plan(**arguments)

    return make


def measure_maker(measuring: Any, lab: OpenLab) -> Any:
    """How the campaign makes the plan that measures a plate, with the devices of an open lab."""

    def make(
        plate: Sequence[Prepared], operations: Operations, md: Mapping[str, Any]
    ) -> Callable[[], Generator[Any, Any, Any]]:
        arguments = measuring.arguments(lab.devices, plate, operations, md)
        return lambda: measuring.plan(**arguments)

    return make


def prelude_maker(prelude: Any, lab: OpenLab) -> Any:
    """How the campaign makes a recovery plan or a calibration, with the devices of an open lab."""

    def make(operations: Operations, sample: Sample | None) -> Callable[[], Generator[Any, Any, Any]]:
        arguments = prelude.arguments(lab.devices, operations, sample)
        return lambda: prelude.plan(**arguments)

    return make
