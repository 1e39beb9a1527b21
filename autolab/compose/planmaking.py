"""How a campaign makes its plans, with the devices of an open lab."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from autolab.campaign.lab import OpenLab
from autolab.core.operations import Operations
from autolab.core.parameters import Values
from autolab.core.samples import Sample

__all__ = ["plan_maker", "recovery_maker"]


def plan_maker(binding: Any, lab: OpenLab) -> Any:
    """How the campaign makes the plan of a trial, with the devices of an open lab."""

    def make(
        values: Values, operations: Operations, sample: Sample | None, md: Mapping[str, Any]
    ) -> Callable[[], Generator[Any, Any, Any]]:
        arguments = binding.arguments(lab.devices, values, operations, sample, md)
        return lambda: binding.plan(**arguments)

    return make


def recovery_maker(recovery: Any, lab: OpenLab) -> Any:
    """How the campaign makes a recovery plan, with the devices of an open lab."""

    def make(operations: Operations, sample: Sample | None) -> Callable[[], Generator[Any, Any, Any]]:
        arguments = recovery.arguments(lab.devices, operations, sample)
        return lambda: recovery.plan(**arguments)

    return make
