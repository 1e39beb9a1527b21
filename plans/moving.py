"""Moves by hand: one device is set, or carries labware, and what was moved is read and recorded."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, MsgGenerator

from autolab.core.data import TrialData
from autolab.core.operations import Operations
from autolab.core.trials import Estimate, Outcome
from devices.robots import GRIPPER, Place, Transfer
from devices.setting import settable, setter
from plans.conventions import MovedDevice, act
from plans.reducers import reducer

__all__ = ["carry", "move", "moved"]


def move(device: MovedDevice, *, md: Mapping[str, Any] | None = None, **settings: float) -> MsgGenerator[str]:
    """Set signals of one device, one after the other: how it moves, such as its velocity, before where to.

    Args:
        device: Is set.
        md: Metadata for the start document.
        settings: A value for each signal, in its own unit.

    Returns:
        Uid of the run.

    Raises:
        InputError: a signal is not set by itself.
    """
    found = {name: setter(device, name) for name in settings}
    setters = [(found[name], settings[name]) for name in settable(device.__class__) if name in found]

    def body() -> MsgGenerator[None]:
        for each, value in setters:
            yield from act(each, value)
        yield from _recorded(each for each, _ in setters)

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "move", **(md or {})}))


def carry(
    device: MovedDevice,
    *,
    labware: str,
    source: str,
    target: str,
    operations: Operations = Operations(),  # noqa: B008 (a frozen value)
    md: Mapping[str, Any] | None = None,
) -> MsgGenerator[str]:
    """Carry labware from one place to another.

    Args:
        device: An arm.
        labware: What is carried.
        source: Where it stands; ``gripper`` for what the arm holds, as after a transfer that was stopped.
        target: Where it goes.
        operations: Names the action.
        md: Metadata for the start document.

    Returns:
        Uid of the run.
    """
    operation = operations("carry")
    is_held = source == GRIPPER
    action = Place(target, operation) if is_held else Transfer(labware, source, target, operation)

    def body() -> MsgGenerator[None]:
        yield from act(device, action)
        yield from _recorded([device])

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "carry", **(md or {})}))


@reducer(metrics=("moved",))
def moved(data: TrialData) -> Outcome:  # noqa: ARG001 (that there are data says it)
    """That the move came to its end, proven by the device."""
    return {"moved": Estimate(1.0)}


def _recorded(moved: Iterable[Any]) -> MsgGenerator[None]:
    """Read what was moved, and nothing else: an instrument that was only set has measured nothing."""
    yield Msg("create", None, name="primary")
    for each in {id(one): one for one in moved}.values():
        yield Msg("read", each)
    yield Msg("save")
