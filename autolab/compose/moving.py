"""What can be moved by hand in a lab, and moving it. It is one trial of a plan of `plans.moving`, with all checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.stopping import StopSwitch
from autolab.compose.byhand import try_by_hand
from autolab.compose.looking import thrown_away
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.words import did_you_mean, listed
from autolab.core.errors import InputError
from autolab.core.principals import Principal

__all__ = ["Movable", "look_at_moves", "move_by_hand", "settings_of"]

MOVE = "plans.moving.move"
CARRY = "plans.moving.carry"
REDUCER = "plans.moving.moved"


@dataclass(frozen=True, slots=True)
class Movable:
    """What a person may move of a device."""

    device: str
    settings: Mapping[str, str]
    """Signals that a number sets by itself, each with its unit."""
    carries: bool
    """Whether it carries labware."""


def move_by_hand(
    lab: Path,
    device: str,
    texts: Sequence[str],
    options: RunOptions,
    *,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    person: str | None = None,
    principal: Principal | None = None,
) -> CampaignResult:
    """Move a device: screened, permitted, guarded and recorded as any trial.

    Args:
        lab: The lab file.
        device: Name of the device.
        texts: A value for each signal as ``name=value``, with or without its unit; of an arm ``labware=``, ``source=``
            and ``target=``.
        options: How to run it.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        person: Who moves it, as the lab file names them; None for the account.
        principal: Who moves it, where that is known already.

    Raises:
        AutolabError: it is refused before anything moves; ``exit_code`` says what kind of refusal it is.
    """
    plan, words = plan_of_move(lab, device, texts)
    return try_by_hand(
        lab, plan, words, replace(options, move=device), reducer=REDUCER, observers=observers, stop=stop,
        person=person, principal=principal,
        name=f"move {device}",
    )  # fmt: skip


def plan_of_move(lab: Path, device: str, texts: Sequence[str]) -> tuple[str, list[str]]:
    """The plan of a move, and what it is given.

    Raises:
        InputError: there is no such device, or it is not moved by hand.
    """
    known = {each.device: each for each in look_at_moves(lab)}
    _refuse_unknown(str(lab), device, known)
    movable = known[device]
    if not movable.settings and not movable.carries:
        raise InputError(
            f"{device} is not moved by hand: what it does is an action, which a plan names; run one with 'autolab try'"
        )
    if not texts:
        takes = [f"{name} ({unit})" if unit else name for name, unit in movable.settings.items()]
        takes += ["labware, source and target"] if movable.carries else []
        raise InputError(f"{device}: say to what, as NAME=VALUE: it takes {listed(takes)}")
    is_carried = movable.carries and not any(text.partition("=")[0].strip() in movable.settings for text in texts)
    return CARRY if is_carried else MOVE, [f"device={device}", *texts]


def look_at_moves(lab: Path) -> list[Movable]:
    """What can be moved by hand, of each device in the order of the lab file; looked up in a throw-away process.

    Raises:
        InputError: the lab file is refused, or the process died.
    """
    return thrown_away(f"{lab}: importing the classes of its devices ended the process that did", _look, lab)


def settings_of(lab: LabSpec, folder: Path, device: str) -> dict[str, str]:
    """Signals of a device that a number sets by itself, each with its unit. It imports the device's class.

    Args:
        lab: The lab.
        folder: That of its file.
        device: Name of the device.

    Raises:
        InputError: there is no such device, or its class cannot be imported.
    """
    _refuse_unknown(lab.name, device, lab.devices)
    return dict(_movable(lab, folder, device).settings)


def _refuse_unknown(lab: str, device: str, known: Collection[str]) -> None:
    if device not in known:
        guess = did_you_mean(device, known)
        hint = f"did you mean {guess!r}?" if guess else f"it has {listed(known)}"
        raise InputError(f"{lab}: there is no device {device!r}; {hint}")


def _look(file: Path) -> list[Movable]:
    lab = load_lab(file)
    return [_movable(lab, file.parent, name) for name in lab.devices]


def _movable(lab: LabSpec, folder: Path, name: str) -> Movable:
    from autolab.compose.devices import device_classes, writable_signals
    from devices.robots import ZmqArm
    from devices.setting import settable

    spec = lab.devices[name]
    own = device_classes(lab, Names(lab.source, lab.packages, folder))[name]
    units = {each.name: each.unit or "" for each in writable_signals(own, spec) or ()}
    return Movable(name, {each: units[each] for each in settable(own) if each in units}, issubclass(own, ZmqArm))
