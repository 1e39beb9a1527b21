"""The unit of assessment: one laboratory cell with a drawn boundary and a configuration hash, from its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import yaml

from autolab.config.lab import load_lab
from autolab.config.labmodel import LabModel
from autolab.config.problems import Problems
from autolab.config.specs import LabSpec, Source
from autolab.config.yamlfile import YamlFile, read_yaml
from autolab.core.canonical import content_hash
from autolab.core.errors import FileError, InputError, InputErrors
from autolab.core.workers import in_processes
from facility_review.evidence import Finding, finding_of, no_day
from facility_review.evidencemodel import EvidenceFileModel, HeaderModel, RequirementsModel
from facility_review.inputs import NotApplicable, Waiver
from facility_review.unitfiles import MOST_BYTES, MOST_READ, unreadable

__all__ = ["EVIDENCE_FILE", "Identity", "Unit", "configuration_hash", "load_units", "plain_lab"]

EVIDENCE_FILE = "evidence.yaml"
"""Name of the file of evidence beside a lab file."""
_MOST_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Identity:
    """What a named person has read on the plates of the devices."""

    by: str
    on: date
    devices: Mapping[str, str]
    """Model and serial number by device."""
    serial_numbers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Serial number alone, by device."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of assessment."""

    id: str
    """Name of the lab."""
    name: str
    laboratory: str
    roles: frozenset[str] = frozenset()
    boundary: str = ""
    owner: Literal["federal", "partner", "unknown"] = "unknown"
    configuration: str | None = None
    """Hash over what is safe and able in the lab file, see `configuration_hash`."""
    lab: LabSpec | None = None
    """None for a unit that has no lab file."""
    evidence: YamlFile | None = None
    """Its file of evidence, read and not yet judged; None where there is none."""
    folder: Path = field(default_factory=Path)
    """Where the paths in the file of evidence start."""
    identity: Identity | None = None
    requirements: RequirementsModel = field(default_factory=RequirementsModel)
    not_applicable: Mapping[str, NotApplicable] = field(default_factory=dict[str, NotApplicable])
    waivers: Mapping[str, Waiver] = field(default_factory=dict[str, Waiver])
    agreement: float | None = None
    bluesky: tuple[Path, ...] = ()
    tables: tuple[Path, ...] = ()
    workbook: Path | None = None
    findings: tuple[Finding, ...] = ()
    """What is wrong with its files."""

    @property
    def identified(self) -> tuple[str, ...]:
        """Identity of each device, as a named person has read it; none where one of the devices has none."""
        if self.identity is None or (self.lab is not None and set(self.lab.devices) - set(self.identity.devices)):
            return ()
        return tuple(f"{name}: {plate}" for name, plate in sorted(self.identity.devices.items()))


def load_units(files: Iterable[str | Path], processes: int = 1) -> tuple[Unit, ...]:
    """Read units from lab files, each with the ``evidence.yaml`` beside it, or from ``evidence.yaml`` files alone.

    What is wrong with a file of evidence is a finding of its unit, and the assessment goes on without it.

    Args:
        files: The files.
        processes: How many may be read at a time.

    Raises:
        FileError: a lab file is refused, or two labs have one id.
        InputErrors: several are.
    """
    units, sources, refusals = list[Unit](), dict[str, Path](), list[InputError]()
    paths = [Path(file) for file in files]
    first = [_load_or_refuse(path) for path in paths[:1]]  # what it has to import, the others find imported
    for path, unit in zip(paths, [*first, *in_processes(_load_or_refuse, paths[1:], processes)], strict=True):
        if isinstance(unit, InputError):
            refusals += unit.errors if isinstance(unit, InputErrors) else (unit,)
            continue
        if unit.id in sources:
            line = None if unit.lab is None else unit.lab.source.line(("name",))
            said = f"the lab is named {unit.id!r}, and so is that of {sources[unit.id]}: each needs a name of its own"
            refusals.append(FileError(str(path), line, said))
            continue
        sources[unit.id] = path
        units.append(unit)
    if len(refusals) == 1:
        raise refusals[0]
    if refusals:
        raise InputErrors(refusals)
    return tuple(units)


def _load_or_refuse(path: Path) -> Unit | InputError:
    try:
        return _load(path)
    except InputError as error:
        return error


def _load(path: Path) -> Unit:
    if _is_evidence(path, file := read_yaml(path)):
        return _without_lab(path, file)
    lab = load_lab(path)
    unit = Unit(lab.name, lab.name, lab.laboratory, lab=lab, configuration=configuration_hash(lab.source.text))
    beside = path.with_name(EVIDENCE_FILE)
    if not beside.is_file():
        said = f"{beside}: there is no such file: what the records do not show themselves is scored as missing"
        return replace(unit, folder=path.parent, findings=(Finding(said, is_routine=True),))
    try:
        evidence = read_yaml(beside)
        header = _header(evidence)
    except InputError as error:
        return replace(unit, folder=path.parent, findings=finding_of(error))
    if header.unit != lab.name:
        said = f"this is the evidence of {header.unit!r}, and the lab is {lab.name!r}: none of it counts"
        place = Finding(said, str(beside), evidence.source.line(("unit",)))
        return replace(unit, folder=path.parent, findings=(place,))
    return _described(unit, header, evidence, path.parent)


def _is_evidence(path: Path, file: YamlFile) -> bool:
    """Whether a person meant a file of evidence: by its name, or by keys that a lab file does not have."""
    theirs, ours = set(LabModel.model_fields), set(EvidenceFileModel.model_fields)
    written = set(file.values)
    return (
        "unit" in written
        or path.name == EVIDENCE_FILE
        or bool(written & (ours - theirs) and not written & (theirs - ours))
    )


def _without_lab(path: Path, evidence: YamlFile) -> Unit:
    """A unit whose lab does not run autolab.

    Raises:
        FileError: its description is refused.
    """
    header = _header(evidence)
    if header.laboratory is None:
        why = "the key 'laboratory' is missing: a unit without a lab file names its organisation here"
        raise evidence.source.error((), why)
    unit = Unit(header.unit, header.unit, header.laboratory, configuration=header.configuration)
    return _described(unit, header, evidence, path.parent)


def _header(evidence: YamlFile) -> HeaderModel:
    """What the file says of the unit, without its entries.

    Raises:
        FileError: a key is refused.
        InputErrors: several are.
    """
    values = {key: value for key, value in evidence.values.items() if key != "evidence"}
    problems = Problems(evidence.source)
    problems.check_shape(EvidenceFileModel, {key: [] if key == "evidence" else v for key, v in evidence.values.items()})
    for place, day in _dates(values):
        if problem := no_day(day):
            problems.add(place, problem)
    problems.raise_any()
    return HeaderModel.model_validate(values)


def _dates(values: Mapping[str, Any]) -> Iterable[tuple[tuple[str | int, ...], str]]:
    identity = values.get("identity")
    if isinstance(identity, dict) and isinstance(day := cast("dict[str, Any]", identity).get("date"), str):
        yield ("identity", "date"), day
    waivers = values.get("waivers")
    for gate, waiver in cast("dict[str, Any]", waivers).items() if isinstance(waivers, dict) else ():
        if isinstance(waiver, dict) and isinstance(day := cast("dict[str, Any]", waiver).get("expires"), str):
            yield ("waivers", gate, "expires"), day


def _described(unit: Unit, header: HeaderModel, evidence: YamlFile, folder: Path) -> Unit:
    identity, source = None, evidence.source
    files, findings = _named_files(header, source, folder)
    findings = [*_unidentified(unit.lab, header, source), *findings]
    if header.identity is not None:
        plates = {name: f"{item.model}, {item.serial_number}" for name, item in header.identity.devices.items()}
        serials = {name: item.serial_number for name, item in header.identity.devices.items()}
        identity = Identity(header.identity.by, date.fromisoformat(header.identity.date), plates, serials)
    waivers = {
        gate: Waiver(item.authority, date.fromisoformat(item.expires), item.reason)
        for gate, item in header.waivers.items()
    }
    return replace(
        unit,
        name=header.name or unit.id,
        roles=frozenset(header.roles),
        boundary=header.boundary,
        owner=header.owner,
        evidence=evidence,
        folder=folder,
        identity=identity,
        requirements=header.requirements,
        not_applicable={key: NotApplicable(item.reason, item.approver) for key, item in header.not_applicable.items()},
        waivers=waivers,
        agreement=header.agreement,
        bluesky=tuple(files["bluesky"]),
        tables=tuple(files["tables"]),
        workbook=next(iter(files["workbook"]), None),
        findings=tuple(findings),
    )


def _named_files(header: HeaderModel, source: Source, folder: Path) -> tuple[dict[str, list[Path]], list[Finding]]:
    """The files that are named for collectors, by key, and why others are not read."""
    named: dict[str, tuple[list[str], int]] = {
        "bluesky": (header.bluesky, MOST_BYTES),
        "tables": (header.tables, MOST_READ),
        "workbook": ([] if header.workbook is None else [header.workbook], MOST_READ),
    }
    files, findings = dict[str, list[Path]](), list[Finding]()
    for key, (names, most) in named.items():
        files[key] = []
        for number, name in enumerate(names):
            try:
                problem = unreadable(folder, name, most)
            except OSError as error:
                problem = f"cannot be read ({error.strerror})"
            if problem is None:
                files[key].append(folder / name)
                continue
            path = (key,) if key == "workbook" else (key, number)
            findings.append(Finding(f"{name}: {problem}; none of it counts", source.file, source.line(path)))
    return files, findings


def _unidentified(lab: LabSpec | None, header: HeaderModel, source: Source) -> Iterable[Finding]:
    if header.identity is None or lab is None:
        return
    for name in sorted(set(lab.devices) - set(header.identity.devices)):
        said = f"{name}: no model and serial number are given, so nothing that is stated here counts as physical"
        yield Finding(said, source.file, source.line(("identity", "devices")))


def configuration_hash(text: str) -> str | None:
    """Hash of what a lab file says of the unit's equipment and limits.

    Left out is what changes from day to day, or is no part of the unit: stock and expiry of materials, people, where
    heads are exported, and what stands in for devices in a simulation.

    Args:
        text: The lab file.

    Returns:
        64 hexadecimal digits; None where the text is no lab file.
    """
    values = plain_lab(text)
    if values is None:
        return None
    kept = {key: item for key, item in values.items() if key not in ("people", "audit")}
    kept["devices"] = _without(kept.get("devices"), "simulator")
    kept["materials"] = _without(kept.get("materials"), "stock", "expires")
    return content_hash(kept)


@lru_cache(maxsize=256)
def plain_lab(text: str) -> Mapping[str, Any] | None:
    """A lab file that a journal has kept, as plain mappings, lists and texts; None where it is none."""
    if len(text) > _MOST_TEXT or _refers(text):
        return None
    try:
        values: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 (it makes texts, lists and mappings only)
    except yaml.YAMLError:
        return None
    return cast("dict[str, Any]", values) if isinstance(values, dict) else None


def _refers(text: str) -> bool:
    """Whether the text holds aliases, which could make a short text endless."""
    if "*" not in text:
        return False
    try:
        return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader))
    except yaml.YAMLError:
        return True


def _without(items: Any, *keys: str) -> Any:
    if not isinstance(items, dict):
        return items
    return {
        name: {key: value for key, value in cast("dict[str, Any]", item).items() if key not in keys}
        if isinstance(item, dict)
        else item
        for name, item in cast("dict[str, Any]", items).items()
    }
