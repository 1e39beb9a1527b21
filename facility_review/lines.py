"""Lines of the document: dimensions, criteria, metrics, evidence and gaps."""

from __future__ import annotations

import shlex
from datetime import date, timedelta

from facility_review.assessment import Assessment, CriterionScore, DimensionScore, Gap
from facility_review.backing import EvidenceLine, GapLine, GapList, PathLine
from facility_review.evidence import Judged
from facility_review.inputs import Inputs
from facility_review.instrument import Instrument
from facility_review.parts import CapLine, CriterionLine, DimensionLine, MetricLine

__all__ = ["criterion_line", "dimension_line", "evidence_line", "gap_list", "metric_lines"]

_BLOCKING = 3
"""Sentences on what blocks the next level that stand first."""


def dimension_line(instrument: Instrument, assessment: Assessment, score: DimensionScore) -> DimensionLine:
    """A dimension, with how many of its criteria have evidence."""
    mine = [each for each in assessment.criteria if each.dimension == score.dimension and each.is_applicable]
    return DimensionLine(
        id=score.dimension,
        name=score.name,
        weight=score.weight,
        score=score.score,
        interval=score.interval,
        mean=score.mean,
        weakest_key_criterion=score.weakest_key,
        is_held_by_key=score.is_held_by_key,
        next_minimum=score.next_minimum,
        n_applicable=len(mine),
        n_with_evidence=sum(each.evidence_class != "none" for each in mine),
        eo_clauses=instrument.dimensions[score.dimension].eo_clauses,
    )


def criterion_line(instrument: Instrument, score: CriterionScore) -> CriterionLine:
    """A criterion, with what the instrument asks."""
    asked = instrument.criteria[score.criterion]
    metric = None if asked.metric is None else instrument.metrics[asked.metric.id]
    return CriterionLine(
        id=score.criterion,
        dimension=score.dimension,
        title=asked.title,
        question=asked.question,
        kind=asked.kind,
        is_key=asked.key,
        weight=asked.weight,
        automation=asked.automation,
        is_applicable=score.is_applicable,
        raw=score.raw,
        score=score.score,
        interval=score.interval if score.is_applicable else None,
        caps=tuple(CapLine(limit=cap.value, reason=cap.reason) for cap in score.caps),
        evidence_class=score.evidence_class,
        realm=score.realm,
        n=score.n,
        metric=None if metric is None else metric.id,
        value=score.value,
        value_interval=score.value_interval,
        unit=None if metric is None else metric.unit,
        window_days=None if metric is None else metric.window_days,
        step=score.step,
        steps=asked.steps,
        reason=score.reason,
        evidence=score.evidence,
        notes=score.notes,
        standards=asked.standards,
        eo_clauses=asked.eo_clauses,
        remediation=asked.remediation.action,
        effort=asked.remediation.effort,
    )


def metric_lines(instrument: Instrument, inputs: Inputs, assessment: Assessment) -> tuple[MetricLine, ...]:
    """All metrics of the instrument: those that a criterion scores, and those that gates and the profile ask for."""
    scores = {each.criterion: each for each in assessment.criteria}
    lines: list[MetricLine] = []
    for metric in instrument.metrics.values():
        criterion = instrument.criterion_of.get(metric.id)
        found = scores.get(criterion) if criterion else None
        extra = inputs.extra_metrics.get(metric.id)
        interval = found.value_interval if found is not None else None if extra is None else extra.interval
        source = found if found is not None else extra
        lines.append(
            MetricLine(
                id=metric.id,
                name=metric.name,
                formula=metric.formula,
                value=None if source is None else source.value,
                unit=metric.unit,
                better=metric.better,
                n=None if source is None else source.n,
                min_n=metric.min_n,
                window_days=metric.window_days,
                interval=interval,
                ci_method=metric.ci_method,
                evidence_class="none" if source is None else source.evidence_class,
                realm=None if source is None or source.evidence_class == "none" else source.realm,
                is_scored=criterion is not None,
                criteria=() if criterion is None else (criterion,),
                evidence=() if source is None else source.evidence,
            )
        )
    return tuple(lines)


def evidence_line(instrument: Instrument, judged: Judged) -> EvidenceLine:
    """A record of evidence, and what it counts on the day."""
    record = judged.record
    metric = _metric_of(instrument, record.subject)
    window_days = None if metric is None else instrument.metrics[metric].window_days
    days = window_days or record.window_days
    ends = [record.valid_until, None if days is None else record.seen_on + timedelta(days=days)]
    return EvidenceLine(
        id=record.id,
        subject=record.subject,
        evidence_class=judged.evidence_class,
        made_class=record.evidence_class,
        realm=judged.realm,
        method=record.method,
        source=record.source,
        query=record.query,
        sha256=record.sha256,
        integrity=record.integrity,
        tool=record.tool,
        tool_version=record.tool_version,
        collected=record.collected.isoformat(),
        seen_on=record.seen_on,
        counts_until=min((end for end in ends if end is not None), default=None),
        n=record.n,
        successes=record.successes,
        value=record.value,
        step=record.step,
        fact=record.fact,
        interval=record.interval,
        unit_of_measure=None if metric is None else instrument.metrics[metric].unit,
        collector=record.collector,
        attestor=record.attestor,
        independence=record.independence,
        marking=record.marking,
        supersedes=record.supersedes,
        runs=record.runs,
        reasons=judged.reasons,
        notes=record.notes,
    )


def _metric_of(instrument: Instrument, subject: str) -> str | None:
    if subject in instrument.metrics:
        return subject
    criterion = instrument.criteria.get(subject)
    return None if criterion is None or criterion.metric is None else criterion.metric.id


def gap_list(instrument: Instrument, assessment: Assessment, as_of: date, lab_file: str) -> GapList:
    """The gaps, the three sentences that stand first, and the path to the next level."""
    path = assessment.path_to_next
    on_path = set(path.gaps) if path is not None else set[str]()
    return GapList(
        blocking=assessment.blocking[:_BLOCKING],
        items=tuple(_gap(instrument, each, as_of, on_path, lab_file) for each in assessment.gaps),
        path_to_next=_path(assessment),
    )


def _gap(instrument: Instrument, gap: Gap, as_of: date, on_path: set[str], lab_file: str) -> GapLine:
    return GapLine(
        gap_id=gap.gap_id,
        unit_id=gap.unit_id,
        kind=gap.kind,
        criterion=gap.criterion,
        gate=gap.gate,
        current_score=gap.current_score,
        current_class=gap.current_class,
        target_score=gap.target_score,
        missing_step_or_delta=gap.missing,
        evidence_needed=gap.evidence_needed,
        entry=_entry(instrument, gap),
        action=gap.action,
        command=_command(gap.command, lab_file),
        is_quick=gap.is_quick and bool(lab_file),
        effort_class=gap.effort,
        person_days=gap.person_days,
        lead_time_days=gap.lead_days,
        depends_on=gap.depends_on,
        level_unlocked=gap.level_unlocked,
        delta_dimension=gap.delta_dimension,
        delta_p_level=gap.delta_p_level,
        priority=gap.priority,
        priority_class=gap.priority_class,
        standards=gap.standards,
        eo_clauses=gap.eo_clauses,
        opened_at=as_of,
        due_date=as_of + timedelta(days=gap.lead_days[1]) if gap.gap_id in on_path else None,
    )


def _command(command: str | None, lab_file: str) -> str | None:
    """A command with the lab file that the person named in place of ``LAB``; none where there is no such file, for
    that unit does not run autolab.
    """
    if command is None or not lab_file:
        return None
    return " ".join(shlex.quote(lab_file) if word == "LAB" else word for word in command.split(" "))


def _entry(instrument: Instrument, gap: Gap) -> str:
    """The key and id of the entry in ``evidence.yaml`` that would speak for it."""
    if gap.criterion is not None:
        scale = instrument.criteria[gap.criterion].metric
        return f"criterion: {gap.criterion}" if scale is None else f"metric: {scale.id}"
    rule = instrument.gates[gap.gate or ""]
    return "; ".join(f"fact: {item.fact}" for item in rule.require if item.fact)


def _path(assessment: Assessment) -> PathLine:
    path = assessment.path_to_next
    if path is None:
        return PathLine(
            target=None,
            gaps=(),
            targets={},
            person_days=None,
            lead_time_days=None,
            is_complete=True,
            text="The unit has the highest level.",
        )
    low, high = path.person_days
    first, last = path.lead_days
    text = (
        f"{len(path.gaps)} gaps lead to {path.target}: about {low:g} to {high:g} person-days, done in {first:g} to "
        f"{last:g} days where they are closed side by side."
    )
    if not path.is_complete:
        text += f" More is needed than raising criteria: {'; '.join(path.blockers)}."
    return PathLine(
        target=path.target,
        gaps=path.gaps,
        targets=dict(path.targets),
        person_days=path.person_days,
        lead_time_days=path.lead_days,
        is_complete=path.is_complete,
        blockers=path.blockers,
        text=text,
    )
