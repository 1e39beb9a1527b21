"""Puts an assessment together with its evidence, as the document that all outputs are made from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import autolab
from facility_review.answers import annual_paragraphs, answer_sheet, standards_register
from facility_review.assessment import LEVELS, Assessment, CriterionScore, GateResult, Level
from facility_review.backing import (
    Agreement,
    Coverage,
    Marking,
    Provenance,
    Sensitivity,
    SourceFile,
    StandardLine,
)
from facility_review.document import AssessmentDocument
from facility_review.evidence import Judged
from facility_review.inputs import REALMS, Inputs, Realm
from facility_review.instrument import Instrument
from facility_review.lines import criterion_line, dimension_line, evidence_line, gap_list, metric_lines
from facility_review.parts import (
    Assessor,
    AxisLine,
    CampaignMetric,
    GateLine,
    InstrumentLine,
    LevelLine,
    MetricLine,
    Profile,
    TrackLine,
    UnitLine,
    Window,
)
from facility_review.sdl import SdlMetric

__all__ = ["MARKING", "UnitFacts", "compile_document"]

MARKING = "INTERNAL - review for CUI and export control before release"


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What the document says of a unit beside its scores."""

    laboratory: str
    boundary: str = ""
    devices: tuple[str, ...] = ()
    owner: str = "unknown"
    configuration: str | None = None
    challenges: tuple[str, ...] = ()
    files: tuple[SourceFile, ...] = ()
    to_mend: tuple[str, ...] = ()
    """What is wrong with what people wrote and with the records, in sentences with file and line."""
    missing: tuple[str, ...] = ()
    """What was not found or not computed, in sentences."""
    campaign_metrics: tuple[SdlMetric, ...] = ()
    lab_file: str = ""
    """Path of the lab file as the person named it; commands that close gaps are written with it."""


def compile_document(
    instrument: Instrument,
    inputs: Inputs,
    assessment: Assessment,
    evidence: Sequence[Judged],
    unit: UnitFacts,
    as_of: date,
) -> AssessmentDocument:
    """The document of one unit's assessment; the same arguments give the same document."""
    metrics = metric_lines(instrument, inputs, assessment)
    standards = standards_register(instrument, assessment)
    longest = max(each.window_days for each in instrument.metrics.values())
    return AssessmentDocument(
        instrument=_instrument(instrument),
        unit=_unit(assessment, unit),
        as_of=as_of,
        window=Window(
            first=as_of - timedelta(days=longest), last=as_of, note="each metric has its own window inside these days"
        ),
        assessors=_assessors(evidence, inputs),
        level=_level(instrument, assessment, assessment.level).model_copy(
            update={"provisional": assessment.provisional}
        ),
        assured_level=_level(instrument, assessment, assessment.assured_level),
        p_level=dict(assessment.p_level),
        gates=tuple(_gate(each) for each in assessment.gates),
        dimensions=tuple(dimension_line(instrument, assessment, each) for each in assessment.dimensions),
        criteria=tuple(criterion_line(instrument, each) for each in assessment.criteria),
        metrics=metrics,
        profile=_profile(instrument, assessment, metrics, standards, unit, as_of),
        gaps=gap_list(instrument, assessment, as_of, unit.lab_file),
        standards_register=standards,
        evidence_index=tuple(evidence_line(instrument, each) for each in evidence),
        coverage=_coverage(assessment, unit),
        agreement=_agreement(instrument, inputs),
        sensitivity=_sensitivity(assessment),
        provenance=Provenance(
            tool="autolab",
            tool_version=autolab.__version__,
            seed=assessment.seed,
            draws=assessment.draws,
            files=unit.files,
        ),
        marking=Marking(text=_marking(evidence)),
    )


def _instrument(instrument: Instrument) -> InstrumentLine:
    head = instrument.file.instrument
    return InstrumentLine(
        id=head.id,
        version=head.version,
        sha256=instrument.content_hash,
        date=str(head.date),
        status=head.status,
        title=head.title,
        disclaimer=head.disclaimer,
    )


def _unit(assessment: Assessment, unit: UnitFacts) -> UnitLine:
    return UnitLine(
        id=assessment.unit,
        name=assessment.name,
        laboratory=unit.laboratory,
        boundary=unit.boundary,
        devices=unit.devices,
        runs_autolab=bool(unit.lab_file),
        owner=unit.owner,
        configuration_sha256=unit.configuration,
        roles=assessment.roles,
        realm=_best_realm(assessment.criteria),
        challenges=unit.challenges,
    )


def _gate(gate: GateResult) -> GateLine:
    return GateLine(
        id=gate.gate,
        name=gate.name,
        kind=gate.kind,
        ceiling=gate.ceiling,
        state=gate.state,
        reasons=gate.reasons,
        criteria=gate.criteria,
        evidence=gate.evidence,
    )


def _profile(
    instrument: Instrument,
    assessment: Assessment,
    metrics: Sequence[MetricLine],
    standards: Sequence[StandardLine],
    unit: UnitFacts,
    as_of: date,
) -> Profile:
    by_id = {each.id: each for each in metrics}
    return Profile(
        index=assessment.index,
        index_interval=assessment.index_interval,
        tracks=tuple(
            TrackLine(track=each.track, is_applicable=each.is_applicable, level=each.level, reasons=each.reasons)
            for each in assessment.tracks
        ),
        axes=tuple(
            AxisLine(axis=each.axis, grade=each.grade, meaning=each.meaning, reasons=each.reasons)
            for each in assessment.profile
        ),
        campaign_metrics=tuple(
            CampaignMetric(
                id=each.id,
                name=each.name,
                unit=each.unit,
                scope=each.scope,
                realm=each.realm,
                value=each.value,
                n=each.n,
                interval=each.interval,
                why=each.why,
                notes=each.notes,
            )
            for each in unit.campaign_metrics
        ),
        answers_3e=answer_sheet(assessment, by_id, standards),
        annual_6a=annual_paragraphs(instrument, assessment, by_id, as_of),
    )


def _coverage(assessment: Assessment, unit: UnitFacts) -> Coverage:
    applicable = [each for each in assessment.criteria if each.is_applicable]
    return Coverage(
        coverage=assessment.coverage,
        measured_share=assessment.measured_share,
        n_criteria=len(applicable),
        n_with_evidence=sum(each.evidence_class != "none" for each in applicable),
        claims=assessment.claims,
        claimed_share=assessment.claimed_share,
        to_mend=unit.to_mend,
        missing=unit.missing,
    )


def _best_realm(criteria: Iterable[CriterionScore]) -> Realm | None:
    counted = {each.realm for each in criteria if each.is_applicable and each.evidence_class != "none"}
    return next((realm for realm in REALMS if realm in counted), None)


def _marking(evidence: Sequence[Judged]) -> str:
    borne = sorted({each.record.marking for each in evidence if each.record.marking})
    return f"{MARKING}; its evidence bears: {', '.join(borne)}" if borne else MARKING


def _assessors(evidence: Sequence[Judged], inputs: Inputs) -> tuple[Assessor, ...]:
    """Who stands for evidence; the independence of the assessment as a whole is a fact of its own."""
    independence = str(inputs.facts.get("assessor_independence", "self"))
    names = sorted({each.record.attestor for each in evidence if each.record.attestor})
    return tuple(Assessor(name=name, role="stands for evidence", independence=independence) for name in names)


def _level(instrument: Instrument, assessment: Assessment, level: Level) -> LevelLine:
    rule = instrument.levels[level]
    following = LEVELS[LEVELS.index(level) + 1] if level != LEVELS[-1] else None
    return LevelLine(
        id=level,
        name=rule.name,
        meaning=rule.meaning,
        next=following,
        is_simulated_profile=assessment.is_simulated_profile,
    )


def _agreement(instrument: Instrument, inputs: Inputs) -> Agreement:
    rating = instrument.file.rating
    if inputs.agreement is None:
        said = "None: no second rater has scored the ladders, so that nothing can be said of agreement."
        return Agreement(statement=said)
    alpha = inputs.agreement
    band = (
        "strong" if alpha >= rating.strong_from else "usable" if alpha >= rating.usable_from else "too low: rate again"
    )
    return Agreement(krippendorff_alpha=alpha, statement=f"Two raters; their agreement is {band}.")


def _sensitivity(assessment: Assessment) -> Sensitivity:
    found = assessment.sensitivity
    low, high = found.index_interval
    said = (
        f"With {found.draws} other sets of weights around the instrument's own, the index of {assessment.index:.1f} "
        f"lies between {low:.1f} and {high:.1f} in nine of ten. Level and gates do not depend on these weights."
    )
    return Sensitivity(n_draws=found.draws, seed=found.seed, index_interval=found.index_interval, statement=said)
