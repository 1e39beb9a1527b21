"""What plans share: the units of their parameters, and how an action is done exactly once."""

# Bluesky's plan stubs are annotated in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from bluesky.protocols import Movable
from bluesky.utils import Msg, MsgGenerator, short_uid  # pyright: ignore[reportUnknownVariableType] (its argument)

__all__ = ["Microlitres", "Seconds", "Unit", "act"]


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit in which a plan takes a parameter, as pint writes it."""

    name: str


Microlitres = Annotated[float, Unit("uL")]
Seconds = Annotated[float, Unit("s")]


def act(device: Movable[Any], action: Any) -> MsgGenerator[None]:
    """Do an action and wait for it, out of reach of the RunEngine's rewinding.

    Without a checkpoint to go back to, a pause in the middle of the action ends the run instead of repeating the
    action; after it there is a checkpoint again. The messages are made here: each stub that would make one also
    formats its caller's stack, which takes longer than the message.
    """
    group = short_uid("act")
    yield Msg("clear_checkpoint")
    yield Msg("set", device, action, group=group)
    yield Msg("wait", None, group=group)
    yield Msg("checkpoint")
