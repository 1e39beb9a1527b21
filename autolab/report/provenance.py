"""Provenance: from an outcome back to the run, its devices, their calibrations, the sample, dispenses, and bottles.

The walk says where it cannot go on: such a gap is part of what it finds, and never left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from autolab.config.calibrations import calibrations_in
from autolab.core.assets import RESOURCES
from autolab.core.errors import InputError
from autolab.core.imports import ImportedFrom
from autolab.core.operations import SHARED, OperationId
from autolab.core.people import Reply
from autolab.core.plates import is_of_a_trial, stream_of
from autolab.core.samples import Sample, sample_id
from autolab.core.trials import Outcome
from autolab.journal import plates
from autolab.journal.assets import AssetRecord, assets
from autolab.journal.bottles import Bottle, Shelf, shelf_of
from autolab.journal.calibrations import Performed, Use, relied_on
from autolab.journal.imports import ImportRecord, import_of
from autolab.journal.questions import asked
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, DeviceRecord, IntentRecord, TrialRecord
from autolab.journal.samples import Poured, SampleRecord, contents, parents_of, poured_into, sample

__all__ = ["Correction", "Dispense", "Provenance", "Run", "SampleTrace", "TableRow", "provenance", "sample_trace"]


@dataclass(frozen=True, slots=True)
class Correction:
    """A person gave the trial another outcome."""

    by: str
    date: str
    because: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that recorded something for the trial, and the devices that it recorded."""

    uid: str
    plan: str
    status: str | None
    """``success``, ``abort`` or ``fail``; None where it did not end."""
    n_events: int
    devices: tuple[DeviceRecord, ...]
    calibrations: tuple[Performed, ...] = ()
    """The calibrations that stood when its instruments were used."""
    shared_with: tuple[int, ...] = ()
    """The other trials of the plate that it measured."""


@dataclass(frozen=True, slots=True)
class Dispense:
    """A dispense into a sample, the device that did it, and the bottle that it came from."""

    poured: Poured
    device: DeviceRecord | None
    bottle: Bottle | None


@dataclass(frozen=True, slots=True)
class SampleTrace:
    """A sample with what it holds, where that came from, and the samples that it was made from."""

    sample: Sample
    made_by: str | None
    """Who registered it by hand; None where a trial made it."""
    contents_ul: Mapping[str, float]
    dispenses: tuple[Dispense, ...]
    parents: tuple[tuple[float, SampleTrace], ...]
    """Each with the volume that was taken from it, in microlitres."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """The row of a table that an imported trial was read from."""

    table: ImportRecord
    row: ImportedFrom


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the outcome of a trial comes from."""

    outcome: Outcome | None
    corrections: tuple[Correction, ...]
    """The oldest first."""
    runs: tuple[Run, ...]
    files: tuple[AssetRecord, ...]
    """Files that devices wrote."""
    samples: tuple[SampleTrace, ...]
    others: tuple[tuple[IntentRecord, DeviceRecord | None], ...]
    """The trial's other actions, such as a mixing, each with the device that did it."""
    answers: Mapping[str, Reply]
    """What people said, by the operation id of the question."""
    gaps: tuple[str, ...]
    """Where the walk cannot go on, a sentence each; empty where the record is whole, or there is no outcome."""
    source: TableRow | None = None
    """Where an imported outcome was read; None of all others."""


class _Walk:
    """One walk; it keeps what it has looked up, and gathers the gaps."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader, self._states = reader, reader.states
        self._devices: dict[str, dict[str, DeviceRecord]] = {}
        self._shelves: dict[str, Shelf] = {}
        self.gaps: list[str] = []

    def device(self, campaign: str, name: str, what: str) -> DeviceRecord | None:
        """The device that did something."""
        if campaign not in self._devices:
            self._devices[campaign] = {device.name: device for device in self._reader.devices(campaign)}
        found = self._devices[campaign].get(name)
        if found is None:
            self.gaps.append(f"{what}: the record of {campaign} has no device {name!r}")
        return found

    def bottle(self, poured: Poured) -> Bottle | None:
        """The bottle that a dispense came from."""
        if poured.campaign not in self._shelves:
            campaign = self._reader.campaign(poured.campaign)
            self._shelves[campaign.id] = shelf_of(self._states, campaign.id, campaign.lab, campaign.lab_file)
        found = self._shelves[poured.campaign].bottle(poured.material, poured.lab_s)
        if found is None:
            self.gaps.append(f"{poured.operation}: the lab file had no bottle of {poured.material!r} then")
        return found

    def run(
        self,
        campaign: CampaignRecord,
        trial: int,
        uid: str,
        documents: Sequence[tuple[str, dict[str, object]]],
        stood: Sequence[tuple[Use, Performed]],
    ) -> Run | None:
        """A run as its documents tell it, with the events of a trial and the calibrations that stood.

        None where it recorded nothing.
        """
        descriptors = {str(d["uid"]): d for kind, d in documents if kind == "descriptor" and d.get("run_start") == uid}
        start = next((d for kind, d in documents if kind == "start" and d["uid"] == uid), None)
        stop = next((d for kind, d in documents if kind == "stop" and d.get("run_start") == uid), None)
        mine = {
            at
            for at, d in descriptors.items()
            if d.get("name") == stream_of(trial) or not is_of_a_trial(str(d.get("name")))
        }
        n_events = sum(kind == "event" and str(d["descriptor"]) in mine for kind, d in documents)
        if start is None:
            self.gaps.append(f"run {uid}: its start document is not in the record")
            return None
        names = {name for d in descriptors.values() for name in _mapping(d.get("object_keys"))}
        devices = [self.device(campaign.id, name, f"run {uid}") for name in sorted(names)]
        status = None if stop is None else str(stop.get("exit_status"))
        known = tuple(device for device in devices if device is not None)
        if n_events:
            self._calibrated(campaign, uid, names, {one.name for _, one in stood})
        relied = tuple(one for use, one in stood if use.run == uid)
        shared = tuple(int(str(number)) for number in _numbers(start.get("trials")) if number != trial)
        return Run(uid, str(start.get("plan_name", "")), status, n_events, known, relied, shared)

    def _calibrated(self, campaign: CampaignRecord, uid: str, names: set[str], stood: Collection[str]) -> None:
        """Note where an instrument was used of which nothing says by which calibration."""
        for declared in calibrations_in(campaign.lab_file):
            used = sorted(names.intersection(declared.of))
            if used and declared.name not in stood:
                self.gaps.append(
                    f"run {uid}: it recorded {', '.join(used)}, and nothing says which {declared.kind} "
                    f"{declared.name!r} stood"
                )

    def trace(self, record: SampleRecord) -> SampleTrace:
        """A sample back to its bottles."""
        dispenses: list[Dispense] = []
        own = record.sample.id
        for poured in poured_into(self._states, own):
            if poured.state == "intended":
                self.gaps.append(f"{poured.operation}: nobody knows yet whether it was done: 'autolab settle' says so")
            device = self.device(poured.campaign, poured.device, poured.operation)
            dispenses.append(Dispense(poured, device, self.bottle(poured)))
        parents = tuple(
            (volume_ul, self.trace(sample(self._states, record.lab, parent)))
            for parent, volume_ul in parents_of(self._states, own)
        )
        if not dispenses and not parents:
            self.gaps.append(f"{record}: the record does not say what it was made from")
        return SampleTrace(record.sample, record.made_by, contents(self._states, own), tuple(dispenses), parents)


def provenance(reader: JournalReader, campaign: CampaignRecord, trial: TrialRecord) -> Provenance:
    """Walk from the outcome of a trial back to the stock bottles.

    Args:
        reader: The journal.
        campaign: The campaign.
        trial: One of its trials.
    """
    walk = _Walk(reader)
    documents = list(reader.documents(campaign.id, trial.number))
    stood = relied_on(reader.states, campaign.id, trial.number)
    found = [walk.run(campaign, trial.number, uid, documents, stood) for uid in trial.runs]
    runs = tuple(run for run in found if run is not None)
    source = _source(reader, trial, campaign.id)
    if (
        source is None
        and trial.outcome is not None
        and not any(run.status == "success" and run.n_events for run in runs)
    ):
        walk.gaps.append(f"trial {trial.number}: no run that ended well recorded what its outcome was reduced from")
    files = tuple(_files_of(reader, campaign.id, trial.number, documents, runs))
    walk.gaps += [f"{one.path}: is {state}" for one in files if (state := one.state(by_hash=False)) != "there"]
    samples = tuple(walk.trace(one) for one in _samples_of(reader, campaign, trial))
    traced = {d.poured.operation for each in samples for d in _all_dispenses(each)}
    others: list[tuple[IntentRecord, DeviceRecord | None]] = []
    for intent in (*reader.intents(campaign.id, trial.number), *_shared(reader, campaign.id, trial)):
        if intent.operation in traced or intent.state == "void":
            continue
        others.append((intent, walk.device(campaign.id, intent.device, intent.operation)))
    said = {str(q.question.operation): q.reply for q in asked(reader.states, campaign.id, trial.number)}
    return Provenance(
        outcome=trial.outcome,
        corrections=_corrections(reader, campaign.id, trial.number),
        runs=runs,
        files=files,
        samples=samples,
        others=tuple(others),
        answers={operation: reply for operation, reply in said.items() if reply is not None},
        gaps=() if trial.outcome is None else tuple(walk.gaps),
        source=source,
    )


def sample_trace(reader: JournalReader, record: SampleRecord) -> tuple[SampleTrace, tuple[str, ...]]:
    """Walk from a sample back to the stock bottles; with the gaps."""
    walk = _Walk(reader)
    return walk.trace(record), tuple(walk.gaps)


def _samples_of(reader: JournalReader, campaign: CampaignRecord, trial: TrialRecord) -> list[SampleRecord]:
    """The sample that the outcome was measured on: that of the last attempt, or whatever the trial was given."""
    last = sample_id(campaign.id, trial.number, trial.attempt)
    mine = [one for one in trial.samples if one.id == last] or trial.samples
    return [sample(reader.states, campaign.lab, one.id) for one in mine]


def _source(reader: JournalReader, trial: TrialRecord, campaign: str) -> TableRow | None:
    """The row that a trial was imported from; None of a trial that was run."""
    table = None if trial.source is None else import_of(reader.states, campaign)
    return None if table is None or trial.source is None else TableRow(table, trial.source)


def _corrections(reader: JournalReader, campaign: str, trial: int) -> tuple[Correction, ...]:
    rows = reader.states.rows(
        "SELECT c.reason, c.date, p.name AS person FROM corrections c JOIN principals p ON p.id = c.principal "
        "WHERE c.campaign = ? AND c.trial = ? ORDER BY c.id",
        (campaign, trial),
    )
    return tuple(Correction(row["person"], row["date"], row["reason"]) for row in rows)


def _all_dispenses(trace: SampleTrace) -> list[Dispense]:
    return [*trace.dispenses, *(d for _, parent in trace.parents for d in _all_dispenses(parent))]


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InputError(f"{value!r} in a descriptor is no mapping: the record was changed")
    return value


def _shared(reader: JournalReader, campaign: str, trial: TrialRecord) -> list[IntentRecord]:
    """The actions that the trials of its plate share, where another trial gives them their number."""
    lead = plates.lead_of(reader.states, campaign, trial.number, trial.attempt)
    if lead is None or lead[0] == trial.number:
        return []
    intents = [(intent, OperationId.parse(intent.operation)) for intent in reader.intents(campaign, lead[0])]
    return [intent for intent, operation in intents if operation.replicate == SHARED and operation.attempt == lead[1]]


def _files_of(
    reader: JournalReader,
    campaign: str,
    trial: int,
    documents: Sequence[tuple[str, dict[str, object]]],
    runs: Sequence[Run],
) -> list[AssetRecord]:
    """The files of a trial, those of the runs included that it shares with other trials of its plate."""
    named = {document.get("uid") for name, document in documents if name in RESOURCES}
    mates = sorted({other for run in runs for other in run.shared_with})
    shared = [one for mate in mates for one in assets(reader.states, campaign, mate) if one.resource in named]
    return [*assets(reader.states, campaign, trial), *shared]


def _numbers(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
