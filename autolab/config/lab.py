"""Reads a ``lab.yaml``."""

from __future__ import annotations

from pathlib import Path

from autolab.config.calibrations import read_calibrations
from autolab.config.consumables import read_consumables
from autolab.config.deviceentries import read_devices
from autolab.config.interlocks import read_hazards, read_interlocks
from autolab.config.labmodel import LabModel
from autolab.config.labware import read_labware
from autolab.config.limits import read_envelope
from autolab.config.materials import read_materials
from autolab.config.people import read_people
from autolab.config.power import read_power
from autolab.config.problems import Problems
from autolab.config.quality import read_quality
from autolab.config.safestate import read_safe_state
from autolab.config.signals import read_signals
from autolab.config.specs import LabSpec, SubscriberSpec
from autolab.config.yamlfile import read_yaml
from autolab.config.zones import read_dwell, read_zones
from autolab.core.canonical import content_hash

__all__ = ["load_lab"]


def load_lab(path: str | Path) -> LabSpec:
    """Read and check a lab file. No class is imported, and no device is spoken to.

    Args:
        path: The file; messages name it as it is given here.

    Raises:
        FileError: the file or one line of it is refused.
        InputErrors: several lines are refused; all of them are reported.
    """
    file = read_yaml(path)
    problems = Problems(file.source)
    problems.check_shape(LabModel, file.values)
    devices = read_devices(problems, file.values)
    materials = read_materials(problems, file.values)
    labware = read_labware(problems, file.values)
    consumables = read_consumables(problems, file.values)
    envelope = read_envelope(problems, file.values)
    zones = read_zones(problems, file.values, envelope)
    dwell_s = read_dwell(problems, file.values, envelope, labware)
    signals = read_signals(problems, file.values, envelope)
    interlocks = read_interlocks(problems, file.values, signals, envelope)
    hazards = read_hazards(problems, file.values, signals)
    safe_state = read_safe_state(problems, file.values, envelope)
    power = read_power(problems, file.values)
    authority = read_people(problems, file.values)
    calibrations = read_calibrations(problems, file.values)
    quality = read_quality(problems, file.values, calibrations)
    problems.raise_any()
    model = LabModel.model_validate(file.values)
    return LabSpec(
        name=model.name,
        laboratory=model.laboratory,
        devices=devices,
        stations=tuple(model.stations),
        materials=materials,
        labware=labware,
        envelope=envelope,
        signals=signals,
        interlocks=interlocks,
        hazards=hazards,
        safe_state=safe_state,
        packages=tuple(model.packages),
        heads=None if model.audit is None else Path(path).parent / model.audit.heads,
        source=file.source,
        content_hash=content_hash(file.values),
        power=power,
        zones=zones,
        dwell_s=dwell_s,
        authority=authority,
        envelope_version=model.envelope_version or "",
        consumables=consumables,
        calibrations=calibrations,
        subscribers={
            name: SubscriberSpec(name, one.class_name, one.options) for name, one in model.subscribers.items()
        },
        quality=quality,
    )
