"""The colour bench under kill: a stage, a dispenser, an arm and a spectrometer, and wells that show what happened."""

from __future__ import annotations

import json
import os
import select
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from autolab.core.operations import OperationId
from autolab.journal.records import IntentRecord, TrialRecord
from benchmarks.killlab import Account, KillLab, Simulators
from benchmarks.killreplay import ask_zmq
from plans.colorimetry import colour_difference, lab_from_absorbance
from simulators.physics.spectra import wavelengths_nm

__all__ = ["COLOUR", "ask_line", "wrong_commands", "wrong_places", "wrong_wells"]

HERE = Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "colour" / "lab.yaml"
WELLS = 4
"""Wells of a strip, 24 in the example: so the arm changes strips in every campaign."""
REPLY_S = 10.0
READS, TEAL = 3, (80.0, -26.0, -6.5)
"""As in `plans.colour`, which may not be imported here: it brings ophyd, and our commands, which are forked from what
this process has imported, would have it before their environment names the control layer."""

Well = tuple[str, str]
"""A strip, and the number of a well in it."""


def ask_line(path: str, query: str) -> dict[str, str]:
    """Ask the dispenser what a person may type at its line, as the protocol's page describes it."""
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(line, f"{query}\r\n".encode("ascii"))
        said, end = b"", time.monotonic() + REPLY_S
        while not said.endswith(b"\n"):
            if not select.select([line], [], [], max(end - time.monotonic(), 0.0))[0]:
                raise RuntimeError(f"{path}: no answer to {query!r} but {said!r}")
            said += os.read(line, 4096)
    finally:
        os.close(line)
    verdict, *words = said.decode("ascii").split()
    if verdict != "OK":
        raise RuntimeError(f"{path}: {said!r} answers {query!r}")
    return dict(word.split("=", 1) for word in words)


def _ask(simulators: Simulators, device: str, operation: str) -> str:
    if device == "dispenser":
        return ask_line(simulators.at(device), f"OPID? {operation}")["state"].lower()
    return ask_zmq(simulators.at(device), "query", operation=operation)["state"]


def _account(simulators: Simulators, trials: Sequence[TrialRecord], intents: Sequence[IntentRecord]) -> Account:
    kept = {
        device: json.loads((simulators.folder / f"{device}.json").read_text(encoding="utf-8"))
        for device in simulators.names
    }
    owners = {intent.operation: intent.device for intent in intents}
    owners |= {operation: device for device in ("dispenser", "arm") for operation in kept[device]["operations"]}
    samples = {
        (trial.number, attempt): (sample.labware, str(sample.well))
        for trial in trials
        for attempt, sample in ((_attempt_of(sample.id, trial.number), sample) for sample in trial.samples)
    }
    channels = simulators.lab.devices["dispenser"].options["channels"]
    homes = {
        f"{labware.name}-{number}": place
        for labware in simulators.lab.labware.values()
        for number, place in enumerate(labware.places, 1)
    }
    inventory = ask_zmq(simulators.at("arm"), "inventory")
    dispenser = ask_line(simulators.at("dispenser"), "COUNT?")
    return Account(
        states={operation: _ask(simulators, device, operation) for operation, device in owners.items()},
        counted=int(dispenser["counter"]) + inventory["counter"],
        measured={trial.number: _measured(trial, intents, kept["spectrometer"]) for trial in trials},
        doubles=[f"well {well} was given out {n} times" for well, n in Counter(samples.values()).items() if n > 1],
        misplaced=[
            *wrong_commands(intents, kept["dispenser"]["operations"], channels),
            *wrong_wells(intents, samples, kept["dispenser"]),
            *wrong_places(intents, homes, inventory),
        ],
    )


def _attempt_of(sample: str, trial: int) -> int:
    """The attempt that a sample's id names, such as ``killed-1.s3a2``: one, where it names none."""
    after = sample.rpartition(f".s{trial}")[2]
    return int(after.removeprefix("a")) if after else 1


def _measured(trial: TrialRecord, intents: Sequence[IntentRecord], kept: Mapping[str, Any]) -> float | None:
    """Distance from teal of the spectra that the spectrometer keeps of a trial's last attempt."""
    keys = {OperationId.parse(intent.operation).campaign for intent in intents}
    spectra = dict(kept["operations"])
    names = [f"{key}.t{trial.number}.r1.read-{n}.a{trial.attempt}" for key in keys for n in range(1, READS + 1)]
    if not names or not all(name in spectra for name in names):
        return None
    absorbance = np.array([spectra[name]["spectrum"] for name in names])
    return float(colour_difference(lab_from_absorbance(wavelengths_nm(), absorbance), np.array(TEAL)).mean())


def wrong_commands(
    intents: Sequence[IntentRecord], operations: Mapping[str, Any], channels: Sequence[str]
) -> list[str]:
    """Operations of the dispenser that are not the journal's, or not done to their end although they are *done*."""
    wrong: list[str] = []
    for intent in intents:
        record = operations.get(intent.operation)
        if intent.device != "dispenser" or record is None:
            continue
        action = intent.action
        if action["type"] == "Dispense":
            wanted = round(action["volume_ul"] * 1000)
            command = f"DISP {channels.index(action['material']) + 1} {wanted}"
        else:
            wanted = round(action["duration_s"] * 1000)
            command = f"MIX {wanted}"
        if record["command"] != command or (intent.state == "done" and record["done"] != wanted):
            wrong.append(f"{intent.operation} is {intent.action} by the journal and {record} by the dispenser")
    return wrong


@dataclass
class _Share:
    """What one well must hold of one liquid, or must have been mixed: what is done, and what failed on its way."""

    done: float = 0.0
    failed: float = 0.0

    def agrees(self, found: float, slack: float) -> bool:
        return self.done - slack <= found <= self.done + self.failed + slack


@dataclass
class _Contents:
    """What one well must hold by the journal."""

    liquids: dict[str, _Share] = field(default_factory=dict[str, _Share])
    """In microlitres."""
    mixed: _Share = field(default_factory=_Share)
    """In seconds."""


def wrong_wells(
    intents: Sequence[IntentRecord], samples: Mapping[tuple[int, int], Well], kept: Mapping[str, Any]
) -> list[str]:
    """Wells that hold something else than the actions that the journal has as done put there.

    A well may differ by the dispenser's error: half a microlitre and two per cent of the volume. What failed on its way
    may be there in part.
    """
    wanted: dict[Well, _Contents] = {}
    for intent in intents:
        if intent.device == "dispenser" and intent.state in ("done", "failed"):
            operation, action = OperationId.parse(intent.operation), intent.action
            contents = wanted.setdefault(samples[operation.trial, operation.attempt], _Contents())
            is_liquid = action["type"] == "Dispense"
            share = contents.liquids.setdefault(action["material"], _Share()) if is_liquid else contents.mixed
            amount = action["volume_ul"] if is_liquid else action["duration_s"]
            if intent.state == "done":
                share.done += amount
            else:
                share.failed += amount
    volumes, mixed = _by_well(kept["wells"]), _by_well(kept["mixed"])
    wrong: list[str] = []
    for well in {*wanted, *volumes, *mixed}:
        contents, found = wanted.get(well, _Contents()), volumes.get(well, {})
        liquids = {liquid: contents.liquids.get(liquid, _Share()) for liquid in {*contents.liquids, *found}}
        is_right = all(
            share.agrees(found.get(liquid, 0.0), 0.5 + 0.02 * (share.done + share.failed))
            for liquid, share in liquids.items()
        )
        if not is_right or not contents.mixed.agrees(mixed.get(well, 0.0), 0.01):
            wrong.append(f"well {well} holds {found}, mixed for {mixed.get(well, 0.0)} s, and not {contents}")
    return wrong


def _by_well(kept: Mapping[str, Mapping[str, Any]]) -> dict[Well, Any]:
    return {(strip, well): value for strip, wells in kept.items() for well, value in wells.items()}


def wrong_places(intents: Sequence[IntentRecord], homes: Mapping[str, str], inventory: Mapping[str, Any]) -> list[str]:
    """Strips that are not where the actions that the journal has as done left them.

    Args:
        intents: Actions by the journal, in the order in which they were begun.
        homes: Where each strip was at first.
        inventory: What the arm says now.
    """
    held = {strip: {place} for strip, place in homes.items()}
    wrong: list[str] = []
    carried: str | None = None
    for intent in intents:
        if intent.device != "arm" or intent.state not in ("done", "failed"):
            continue
        action = intent.action
        strip = action.get("labware", carried)
        if strip is None:
            wrong.append(f"{intent.operation} placed a strip, and the gripper held none")
            continue
        if action.get("source", "gripper") not in held[strip]:
            wrong.append(f"{intent.operation} took {strip} from where it was not: {sorted(held[strip])}")
        if intent.state == "done":
            held[strip] = {action["target"]}
        else:
            held[strip] |= {"gripper", action["target"]}
            carried = strip
    found = {strip: place for place, strip in inventory["places"].items() if strip is not None}
    if inventory["holding"] is not None:
        wrong.append(f"the gripper holds {inventory['holding']}")
        found[inventory["holding"]] = "gripper"
    wrong += [
        f"{strip} is at {found.get(strip)} and not at {sorted(places)}"
        for strip, places in held.items()
        if found.get(strip) not in places
    ]
    return wrong


def _write(data: Path) -> Path:
    """The lab of the example with strips of few wells, and the campaign beside it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    (data / "lab.yaml").write_text(text.replace("wells: 24", f"wells: {WELLS}"), encoding="utf-8")
    return Path(shutil.copy(HERE / "kills_colour.yaml", data / "campaign.yaml"))


COLOUR = KillLab(
    name="colour",
    write=_write,
    lab_file=lambda data: data / "lab.yaml",
    trials=10,
    factor=10.0,  # a trial takes about two seconds
    longest_s=2.0,
    ask=_ask,
    account=_account,
)
