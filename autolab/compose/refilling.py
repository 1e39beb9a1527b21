"""Refilling: what a person put in is written into the lab file, from which it is counted down from now on."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from autolab.compose.acting import Caller, acting_as
from autolab.compose.options import RunOptions
from autolab.compose.running import data_folder
from autolab.compose.stocktaking import refuse_reused
from autolab.config.lab import load_lab
from autolab.config.labmodel import MaterialModel
from autolab.config.materials import volume_ul
from autolab.config.restocking import restocked
from autolab.config.specs import LabSpec
from autolab.core.authority import Action
from autolab.core.clock import Clock, real_clock
from autolab.core.errors import FileError, InputError, InputErrors, StorageError
from autolab.journal.access import note_access
from autolab.journal.folder import has_controller
from autolab.journal.journal import Journal
from autolab.journal.keys import write_whole

__all__ = ["Filling", "refill"]


@dataclass(frozen=True, slots=True)
class Filling:
    """What is there now."""

    name: str
    """Of a material or consumable."""
    amount: str
    """A volume with its unit; of what is counted, a number of pieces."""
    bottle: str | None = None
    """Barcode, where another bottle was put in."""
    lot: str | None = None
    expires: str | None = None

    def said(self) -> dict[str, str]:
        """What is given of the bottle, by key of the lab file."""
        given = {"bottle": self.bottle, "lot": self.lot, "expires": self.expires}
        return {key: value for key, value in given.items() if value is not None}


def refill(data: Path, file: Path, filling: Filling, person: str | Caller | None, clock: Clock | None = None) -> str:
    """Write down what a person has refilled, while nothing runs.

    Args:
        data: The data folder.
        file: The lab file, of which one line is written anew.
        filling: What is there now.
        person: Who did it, as the lab file names them; None for the account; or whom a face has let in.
        clock: Says when.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: there is no such thing, the amount is none, the lot or date of the bottle before would stand for
            another one, the barcode is that of something else, or a controller runs.
        NotAuthorisedError: this person may not, or cannot prove who they are.
        StorageError: the lab file cannot be written.
    """
    lab, clock = load_lab(file), clock or real_clock()
    section, values = _values(lab, filling)
    who = acting_as(lab.authority, person, Action.BY_HAND, f"{filling.name} of {lab.name}")
    if has_controller(data):
        raise InputError(
            f"{filling.name}: something runs in {lab.name}, and what it uses meanwhile would not be counted: pause it, "
            "refill, write it down, and resume with --accept-changes"
        )
    values["filled"] = clock.date().strftime("%Y-%m-%d %H:%M:%S")
    with data_folder(RunOptions(data=data)), closing(Journal(data, clock)) as journal:
        text = restocked(lab.source.text, section, filling.name, values)
        after = _read(file, text)
        for row in journal.states.rows("SELECT DISTINCT bench FROM campaigns WHERE lab = ?", (lab.name,)):
            refuse_reused(journal, after, row["bench"])
        try:
            place = file.resolve()
            write_whole(place, text.encode("utf-8"), place.stat().st_mode & 0o777)
        except OSError as error:
            raise StorageError(f"{file}: {error.strerror}: whoever owns it writes the line: {values}") from error
        said = ", ".join([filling.amount, *(f"{key} {value}" for key, value in filling.said().items())])
        note_access(journal, who, "refill", f"{filling.name}: {said} ({file.name})")
    return f"{filling.name}: {said} from now on, by {file.name}; a paused campaign goes on with its changes accepted"


def _values(lab: LabSpec, filling: Filling) -> tuple[str, dict[str, str | int]]:
    """Section of the lab file, and what stands there by key.

    Raises:
        InputError: something of it is refused.
    """
    name, amount = filling.name, filling.amount.strip()
    if name in lab.materials:
        return "materials", _material(lab, filling, amount)
    if name not in lab.consumables:
        known = ", ".join([*lab.materials, *lab.consumables]) or "nothing"
        raise InputError(f"{name!r} is nothing that is used up in {lab.name}: it declares {known}")
    if filling.said():
        raise InputError(f"{name}: bottle, lot and expiry are those of materials: leave them out")
    if lab.consumables[name].per == "volume":
        volume_ul(amount, "5 L")
        return "consumables", {"room": amount}
    if not amount.isdecimal() or len(amount) > 9:
        raise InputError(f"{name}: {amount!r} is no number of pieces: write what is there now, such as 960")
    return "consumables", {"stock": int(amount)}


def _material(lab: LabSpec, filling: Filling, amount: str) -> dict[str, str | int]:
    name, given = filling.name, filling.said()
    if volume_ul(amount, "250 mL") <= 0.0:
        raise InputError(f"{name}: {amount} is nothing: write what is in the bottle now, such as 250 mL")
    try:
        MaterialModel.model_validate({"stock": amount, **given})
    except ValidationError as error:
        raise InputError("; ".join(f"{name}: {each['loc'][0]}: {each['msg']}" for each in error.errors())) from None
    try:
        date.fromisoformat(given.get("expires", "2000-01-01"))
    except ValueError:
        raise InputError(f"{name}: expires: {filling.expires!r} is no day of the calendar") from None
    before = lab.materials[name]
    if given.get("bottle", before.bottle) != before.bottle:
        for key, value in (("lot", before.lot), ("expires", before.expires)):
            if value is not None and key not in given:
                raise InputError(f"{name}: {key} {value} is of the bottle before: give the {key} of this one too")
    return {"stock": amount, **given}


def _read(file: Path, text: str) -> LabSpec:
    """The lab file as it would be.

    Raises:
        FileError: it would be refused; it stays as it was.
    """
    with tempfile.TemporaryDirectory(prefix="autolab-refill-") as folder:
        trial = Path(folder) / file.name
        trial.write_bytes(text.encode("utf-8"))
        try:
            return load_lab(trial)
        except InputError as error:
            found = error.errors if isinstance(error, InputErrors) else (error,)
            named = [FileError(str(file), e.line, e.message) if isinstance(e, FileError) else e for e in found]
            raise InputErrors(named) from None
