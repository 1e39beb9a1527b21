"""What plans share: the units of their parameters, and how an action is done exactly once."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from bluesky.protocols import Movable
from bluesky.utils import Msg, MsgGenerator, short_uid  # pyright: ignore[reportUnknownVariableType] (its argument)

from autolab.core.phases import PhaseBegins, PhaseDone, PhaseEnds

__all__ = ["Microlitres", "Moved", "MovedDevice", "Seconds", "Unit", "act", "phase"]


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit in which a plan takes a parameter, as pint writes it."""

    name: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Marks the argument for a device that a person moves: the parameter of its name says which.

    Nothing is measured with it: its calibrations need not stand, and no check of quality judges what it reads.
    """


MovedDevice = Annotated[Any, Moved()]
Microlitres = Annotated[float, Unit("uL")]
Seconds = Annotated[float, Unit("s")]


def act(device: Movable[Any], action: Any) -> MsgGenerator[None]:
    """Do an action and wait for it, out of reach of the RunEngine's rewinding.

    Without a checkpoint to go back to, a bare RunEngine that is paused in the action or after it ends the run instead
    of repeating the action; one that is asked to pause later does so when the action is over. A campaign pauses
    otherwise, before its next action. The messages are made here: each stub that would make one also formats its
    caller's stack, which takes longer than the message.
    """
    group = short_uid("act")
    yield Msg("clear_checkpoint")
    yield Msg("set", device, action, group=group)
    yield Msg("wait", None, group=group)
    yield Msg("checkpoint")


_Result = TypeVar("_Result")


def phase(name: str, body: MsgGenerator[_Result]) -> MsgGenerator[_Result]:
    """Run a part of a plan as a phase: when the trial is resumed after it, its recorded result is returned instead.

    A phase that was not completed runs again from its start; the actions in it that were done are not repeated. What a
    phase measured is kept with it. In a bare RunEngine this is ``yield from body``.

    Args:
        name: A slug of at most 14 characters, unique in the plan.
        body: The messages of the phase; what it returns must be something that JSON can hold.

    Returns:
        What ``body`` returns, now or when it was completed.
    """
    done = yield Msg("null", None, PhaseBegins(name))
    if isinstance(done, PhaseDone):
        body.close()
        return done.result
    result = yield from body
    yield Msg("null", None, PhaseEnds(name, result))
    return result
