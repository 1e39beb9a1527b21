"""Where outcomes and samples come from, in words: the walk back to the stock bottles."""

from __future__ import annotations

from collections.abc import Sequence

from autolab.campaign.stock import volume
from autolab.core.people import PERSON
from autolab.core.samples import Sample
from autolab.journal.bottles import Bottle
from autolab.journal.judgements import Judgement
from autolab.journal.records import DeviceRecord
from autolab.report.calibrations import performed_text
from autolab.report.numbers import outcome_text
from autolab.report.provenance import Dispense, Provenance, SampleTrace

__all__ = ["judgement_lines", "origin_lines", "sample_text", "trace_lines"]


def origin_lines(origin: Provenance) -> list[str]:
    """The walk from an outcome back to the bottles, one line a step; nothing where there is nothing to walk."""
    if not (origin.runs or origin.samples or origin.others or origin.source):
        return []
    lines = ["where it comes from:"]
    if origin.source is not None:
        lines.append(f"  {origin.source.row} of {origin.source.table}")
    for correction in origin.corrections:
        lines.append(f"  corrected by {correction.by} on {correction.date[:10]}: {correction.because}")
    for run in origin.runs:
        how = {"success": "ended well", None: "did not end"}.get(run.status, f"ended with {run.status}")
        others = f", with trials {', '.join(map(str, run.shared_with))} on the same plate" if run.shared_with else ""
        lines.append(f"  run {run.uid[:8]} of {run.plan}: {how}, {run.n_events} events{others}")
        lines += [f"    recorded {_device(device)}" for device in run.devices]
        lines += [f"    relied on {performed_text(one)}, {_runs(one.runs)}" for one in run.calibrations]
    for file in origin.files:
        lines.append(f"  file {file.path}: {file.size} bytes, SHA-256 {file.sha256[:16]}…")
    for intent, device in origin.others:
        reply = origin.answers.get(intent.operation)
        who = _device(device) if reply is None else f"{reply.by} on {reply.date[:16].replace('T', ' ')}"
        lines.append(f"  {intent.operation}: {intent.state}, by {who}")
    for sample in origin.samples:
        lines += trace_lines(sample)
    return [*lines, *_gap_lines(origin.gaps)]


def judgement_lines(judgement: Judgement | None) -> list[str]:
    """What was made of an outcome: raw and corrected values, and what the quality checks said."""
    if judgement is None:
        return []
    lines = [""]
    for one in judgement.corrections:
        raw, corrected = (outcome_text(each) for each in (one.raw, one.corrected))
        lines.append(f"corrected for drift: {one.metric} {raw} → {corrected} ({one.said})")
    if not judgement.passed:
        lines.append(f"held: {', '.join(f'{n} {outcome_text(each)}' for n, each in judgement.raw.items())} as measured")
    for finding in judgement.findings:
        lines.append(f"quality {finding.check}: {'good' if finding.passed else 'BAD'}, {finding.said}")
    return lines


def trace_lines(trace: SampleTrace, gaps: Sequence[str] = (), indent: str = "  ") -> list[str]:
    """A sample with what it holds, each dispense with its device and bottle, and its parents below it."""
    holds = (
        ", ".join(f"{volume(ul)} {material}" for material, ul in trace.contents_ul.items()) or "nothing by the record"
    )
    made = "" if trace.made_by is None else f", made by {trace.made_by}"
    lines = [f"{indent}sample {sample_text(trace.sample)}{made}: holds {holds}"]
    lines += [f"{indent}  {_dispense(dispense)}" for dispense in trace.dispenses]
    for taken_ul, parent in trace.parents:
        lines.append(f"{indent}  {volume(taken_ul)} from")
        lines += trace_lines(parent, (), f"{indent}    ")
    return [*lines, *_gap_lines(gaps)]


def sample_text(sample: Sample) -> str:
    """A sample with its identity and its place."""
    barcode = "" if sample.barcode is None or sample.barcode == sample.id else f", barcode {sample.barcode}"
    return f"{sample.id} ({sample.labware}, well {sample.well}{barcode})"


def _dispense(dispense: Dispense) -> str:
    poured = dispense.poured
    state = "" if poured.state == "done" else f" ({poured.state})"
    what = f"{volume(poured.volume_ul)} {poured.material}{state} from {_bottle(dispense.bottle)}"
    return f"{what}, by {_device(dispense.device)}: {poured.operation}"


def _bottle(bottle: Bottle | None) -> str:
    if bottle is None:
        return "an unknown bottle"
    lot = f", lot {bottle.lot}" if bottle.lot else ""
    expires = f", expires {bottle.expires}" if bottle.expires else ""
    return f"bottle {bottle.id} ({bottle.stock} at first{lot}{expires})"


def _device(device: DeviceRecord | None) -> str:
    if device is None:
        return "an unknown device"
    if device.model == PERSON:
        return f"{device.name} (a person)"
    serial = f" no. {device.serial_number}" if device.serial_number else ""
    return f"{device.name} ({device.model}{serial} at {device.address})"


def _runs(uids: Sequence[str]) -> str:
    return f"run {' and '.join(uid[:8] for uid in uids)}" if uids else "without a run"


def _gap_lines(gaps: Sequence[str]) -> list[str]:
    return [f"  GAP: {gap}" for gap in gaps]
