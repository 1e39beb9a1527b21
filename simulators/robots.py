"""The simulated arm: it carries labware between named places, and refuses what cannot be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from simulators.base import Settings, State
from simulators.operations import OperationsCore, Refusal
from simulators.zmqloop import serve_messages

__all__ = ["Arm", "ArmServer"]

_ARGUMENTS = {"transfer": {"labware", "source", "target"}, "place": {"target"}, "grip": {"state"}}
PICKED = 0.4
"""Part of a transfer after which the labware is in the gripper."""


class Arm:
    """A plate-moving arm with one gripper: a `simulators.operations.Machine`.

    Args:
        settings: What the simulator is told; `labware` says which places hold a piece at first.
        places: Further places, empty at first.
        stage: Name of the stage, and of the place on it: while it moves, nothing is put there or taken away.
        transfer_s: Lab seconds of a transfer.
    """

    model = "AA-1"
    actions = frozenset({"transfer", "place", "grip"})

    def __init__(self, settings: Settings, *, places: Sequence[str], stage: str, transfer_s: float) -> None:
        self._settings, self._further, self._stage, self._transfer_s = settings, tuple(places), stage, transfer_s
        self._state: State = {}
        self._carry: tuple[str, Mapping[str, Any]] = ("", {})

    def load(self, state: State) -> None:
        """Take the durable state, with a piece of labware on each of its places where the arm has never run."""
        if "places" not in state:
            pieces = {
                place: f"{kind}-{number}"
                for kind, (places, _) in self._settings.labware.items()
                for number, place in enumerate(places, start=1)
            }
            state["places"] = {**pieces, **dict.fromkeys(place for place in self._further if place not in pieces)}
            state["holding"], state["gripper"] = None, "open"
        state.setdefault("parked", state["holding"] is None)
        self._state = state

    def answer(self, op: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if op == "where":
            return {"place": self._place_of(_text(args, "labware"))}
        if op == "inventory":
            return {name: self._state[name] for name in ("places", "holding", "gripper", "parked", "counter")}
        if op == "limits":
            return {"transfer_s": self._transfer_s}
        raise Refusal("unknown_op", f"there is no operation {op!r}; queries are where, inventory and limits")

    def begin(self, operation: OperationId, op: str, args: Mapping[str, Any]) -> tuple[float, ...]:  # noqa: ARG002 (as the protocol of all message cores has it)
        if set(args) != _ARGUMENTS[op]:
            raise Refusal("bad_args", f"{op} needs the arguments {', '.join(sorted(_ARGUMENTS[op]))}, and no others")
        if op == "transfer":
            self._check_transfer(_text(args, "labware"), _text(args, "source"), _text(args, "target"))
            milestones = (PICKED * self._transfer_s, self._transfer_s)
        elif op == "place":
            if self._state["holding"] is None:
                raise Refusal("impossible", "the gripper holds nothing to place")
            self._check_free(_text(args, "target"))
            milestones = ((1 - PICKED) * self._transfer_s,)
        else:
            if _text(args, "state") not in ("open", "closed"):
                raise Refusal("bad_args", "state is open or closed")
            if self._state["holding"] is not None:
                raise Refusal("impossible", f"the gripper holds {self._state['holding']}: place it first")
            milestones = (0.5,)
        self._carry = (op, dict(args))
        if op != "grip":
            self._state["parked"] = False
        return milestones

    def reach(self, milestone: int) -> Mapping[str, Any]:
        op, args = self._carry
        places = self._state["places"]
        if op == "grip":
            self._state["gripper"] = args["state"]
        elif op == "transfer" and milestone == 0:
            self._check_at_rest(args["source"])
            places[args["source"]] = None
            self._state["holding"], self._state["gripper"] = args["labware"], "closed"
        else:
            self._check_free(args["target"])
            places[args["target"]] = self._state["holding"]
            self._state["holding"], self._state["gripper"], self._state["parked"] = None, "open", True
        return {name: self._state[name] for name in ("holding", "gripper")}

    def _check_transfer(self, labware: str, source: str, target: str) -> None:
        state = self._state
        if state["holding"] is not None:
            raise Refusal("impossible", f"the gripper holds {state['holding']}: place it first")
        if state["gripper"] != "open":
            raise Refusal("impossible", "the gripper is closed: open it first")
        self._check_place(source)
        there = state["places"][source]
        if there is None:
            raise Refusal("impossible", f"{source} is empty, and {labware} was to be taken from it")
        if there != labware:
            raise Refusal("impossible", f"{source} holds {there}, and not {labware}")
        self._check_at_rest(source)
        self._check_free(target)

    def _check_free(self, place: str) -> None:
        self._check_place(place)
        if self._state["places"][place] is not None:
            raise Refusal("impossible", f"{place} is occupied by {self._state['places'][place]}")
        self._check_at_rest(place)

    def _check_place(self, place: str) -> None:
        if place not in self._state["places"]:
            raise Refusal("unknown_place", f"{place} is no place of this arm: {', '.join(self._state['places'])}")

    def _check_at_rest(self, place: str) -> None:
        if place == self._stage and (self._settings.store.load(self._stage) or {}).get("moving"):
            raise Refusal("impossible", f"{place} is moving: wait until it rests")

    def _place_of(self, labware: str) -> str:
        if self._state["holding"] == labware:
            return "gripper"
        for place, there in self._state["places"].items():
            if there == labware:
                return place
        raise Refusal("unknown_labware", f"{labware} is at none of the arm's places")


class ArmServer:
    """A plate-moving arm behind ZeroMQ.

    Args:
        settings: What the simulator is told.
        places: Places besides those where labware stands at first.
        stage: Name of the stage on the bench.
        transfer_s: Lab seconds of a transfer.

    Raises:
        InputError: a duration that is not above zero.
    """

    without_power = "stops where it is; the gripper keeps what it holds, and the operation has failed as interrupted"

    def __init__(
        self,
        settings: Settings,
        *,
        places: Sequence[str] = ("stage",),
        stage: str = "stage",
        transfer_s: float = 12.0,
    ) -> None:
        if not 0 < transfer_s < float("inf"):
            raise InputError(f"{settings.device}: transfer_s must be a finite number above zero, not {transfer_s!r}")
        self._settings = settings
        self.core = OperationsCore(settings, Arm(settings, places=places, stage=stage, transfer_s=transfer_s))

    def serve(self, at: Mapping[str, Any]) -> None:
        """Serve behind a ROUTER socket, see `simulators.base.Simulator.serve`."""
        serve_messages(self.core, self._settings.clock, at, self._settings.power)


def _text(args: Mapping[str, Any], name: str) -> str:
    value = args.get(name)
    if not isinstance(value, str):
        raise Refusal("bad_args", f"needs the argument {name}, a text")
    return value
