"""The device registry and the declaration of a lab file: what the unit consists of, and what it must not do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import autolab
from autolab.config.specs import LabSpec
from facility_review.collecting import Collector
from facility_review.evidence import EvidenceRecord, Finding, not_computed
from facility_review.inputs import Fact, Realm
from facility_review.measuring import (
    PRACTICE_DAYS,
    Measured,
    Slice,
    Sources,
    Window,
    hours_active,
    machine_record,
)

__all__ = ["COLLECTOR"]


def collect(sources: Sources) -> Iterator[EvidenceRecord | Finding]:
    """What the lab file proves by itself, and with the campaigns that ran under it."""
    lab = sources.unit.lab
    if lab is None:
        return
    yield _of_file(sources, "software_can_actuate", "devices that autolab drives", fact=bool(lab.devices))
    n_open = sum(device.at.kind == "epics" for device in lab.devices.values())
    n = len(lab.devices)
    query = "devices at an 'epics' address (Channel Access, published and tested) over all devices"
    yield _of_file(sources, "m_open_interface", query, value=n_open / n, n=n, successes=n_open)
    if lab.envelope:
        step = 3 if lab.envelope_version else 2
        query = "the envelope covers each writable signal, or the lab does not start; 'envelope_version' names it"
        yield _of_file(sources, "CAP-02", query, step=step)
    parts, _ = sources.parts
    for part in parts:
        yield from _enforced(sources, part, lab)
        yield from _endurance(sources, part, lab)


COLLECTOR = Collector("registry", "lab file: devices, envelope, materials", collect)


def _of_file(
    sources: Sources,
    subject: str,
    query: str,
    *,
    value: float | None = None,
    n: int | None = None,
    successes: int | None = None,
    step: int | None = None,
    fact: Fact | None = None,
) -> EvidenceRecord:
    """What a validated lab file says, in the best realm in which a campaign of the unit has run; simulated without."""
    unit = sources.unit
    parts, _ = sources.parts
    ran = next((part for part in parts if part.window(PRACTICE_DAYS) is not None), None)
    realm: Realm = "simulated" if ran is None else ran.realm
    source = "the lab file" if unit.lab is None else unit.lab.source.file
    return EvidenceRecord(
        id=f"{subject}-lab-file",
        unit=unit.id,
        subject=subject,
        evidence_class="measured",
        realm=realm,
        method="EXAMINE",
        source=source,
        collected=datetime.combine(sources.as_of, datetime.min.time(), tzinfo=UTC),
        value=value,
        n=n,
        successes=successes,
        step=step,
        is_at_least=step is not None,
        fact=fact,
        query=query,
        sha256=None if unit.lab is None else unit.lab.content_hash,
        tool="autolab check",
        tool_version=autolab.__version__,
        collector="registry",
        attestor=unit.identity.by if unit.identity is not None else "" if ran is None else ran.person,
        identity=unit.identified or (() if ran is None else ran.identity),
        configuration=unit.configuration,
        file=source,
    )


def _enforced(sources: Sources, part: Slice, lab: LabSpec) -> Iterator[EvidenceRecord]:
    """CAP-02, step 4: each started trial was judged and permitted under this very envelope."""
    window = part.window(PRACTICE_DAYS)
    if window is None or not lab.envelope_version:
        return
    under = [campaign for campaign, _ in window.parts if campaign.record.envelope_hash == lab.envelope_hash]
    if len(under) == len(window.parts) and all(trial.is_judged and trial.has_permit for trial in window.trials):
        n = len(window.trials)
        yield machine_record(sources, part, window, "CAP-02", "trials", Measured(4.0, n), step=4)


def _endurance(sources: Sources, part: Slice, lab: LabSpec) -> Iterator[EvidenceRecord | Finding]:
    """Theoretical unassisted lifetime: the consumable that is used up first at the rate of the window."""
    metric = "m_theoretical_unassisted"
    window = part.window(sources.instrument.metrics[metric].window_days)
    hours = 0.0 if window is None else _hours(window)
    if window is None or hours <= 0.0:
        yield not_computed(metric, "no trial has run", part.realm)
        return
    capacities: dict[str, float] = {}
    for name, material in lab.materials.items():
        used_ul = sum(campaign.used_ul.get(name, 0.0) for campaign in part.campaigns)
        if used_ul > 0:
            capacities[name] = material.stock_ul / (used_ul / _all_hours(part))
    n_samples = sum(trial.has_sample for trial in window.trials)
    wells = sum(labware.wells * len(labware.places) for labware in lab.labware.values())
    if wells and n_samples:
        capacities["wells"] = wells / (n_samples / hours)
    if not capacities:
        said = "no use of a material or well that the lab file declares is recorded"
        yield not_computed(metric, said, part.realm)
        return
    first = min(capacities, key=lambda name: (capacities[name], name))
    notes = (f"{first} is used up first; consumables that the lab file does not declare are not known",)
    found = Measured(capacities[first], len(capacities), notes=notes)
    yield machine_record(sources, part, window, metric, "materials", found)


def _hours(window: Window) -> float:
    return sum(hours_active(trials) for _, trials in window.parts)


def _all_hours(part: Slice) -> float:
    """Hours of all campaigns: what was used is recorded of whole campaigns."""
    spans = [
        (min(t.begun_s for t in campaign.trials if t.begun_s is not None), max(t.ended_s for t in campaign.trials))
        for campaign in part.campaigns
        if any(t.begun_s is not None for t in campaign.trials)
    ]
    return sum(end - begin for begin, end in spans) / 3600.0
