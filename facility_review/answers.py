"""The answer sheet for Sec. 3(e), the standards register, and paragraphs for the yearly report of Sec. 6(a)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from autolab.report.numbers import number_text
from facility_review.assessment import Assessment, CriterionScore, TrackResult
from facility_review.backing import StandardLine
from facility_review.instrument import Instrument
from facility_review.parts import AnnualParagraph, Answer3e, MetricLine

__all__ = ["annual_paragraphs", "answer_sheet", "metric_text", "standards_register"]

_ABLE = ("R3", "R4", "R5")
"""Levels that answer Sec. 3(e) with yes."""
_SHOWN, _PARTLY = 4.0, 2.0
"""Lowest score of the criteria that cite a standard for it to count as shown, and as partly shown."""
_LAYERS = {
    "CAP": "device", "AUT": "planner", "PER": "data", "REL": "workflow", "SAF": "safety", "SEC": "security",
    "DAT": "data", "AIG": "planner", "INT": "workflow", "OPS": "operations",
}  # fmt: skip


def metric_text(line: MetricLine) -> str:
    """A metric as a sentence has it: never without n, window and interval, or the word 'none' for what there is not."""
    if line.value is None:
        return f"{line.name}: none"
    n = "none" if line.n is None else str(line.n)
    interval = "none" if line.interval is None else " to ".join(number_text(bound, 3) for bound in line.interval)
    scored = f" ({line.criteria[0]})" if line.criteria else ""
    return (
        f"{line.name}{scored}: {number_text(line.value, 3)} {line.unit} (n {n}, window {line.window_days} days, "
        f"90 % interval {interval}, {line.realm})"
    )


def answer_sheet(
    assessment: Assessment, metrics: Mapping[str, MetricLine], standards: Sequence[StandardLine]
) -> tuple[Answer3e, ...]:
    """The answers to what Sec. 3(e) asks."""
    shown = [each.standard_used for each in standards if each.conformance == "full"]
    partly = [each.standard_used for each in standards if each.conformance == "partial"]
    missing = [each.standard_used for each in standards if each.conformance == "none"]
    tracks = [_track_answer(assessment, each) for each in assessment.tracks]
    axes = [
        f"{each.axis} axis {'not derived from the metrics' if each.grade is None else each.grade}: {each.meaning}"
        for each in assessment.profile
    ]
    return (
        *tracks,
        Answer3e(
            question="Which share of the work is manual, automated, AI-augmented, AI-directed?",
            answer=_split(metrics),
            because=". ".join(
                metric_text(metrics[name])
                for name in ("m_workflow_automation", "m_ai_directed_share")
                if name in metrics
            )
            + ".",
        ),
        Answer3e(question="How autonomous are hardware and software?", answer="; ".join(axes) or "none", because=""),
        Answer3e(
            question="Which technical and operational standards are in use?",
            answer=f"{len(shown)} shown, {len(partly)} partly",
            because=_listed("Shown", shown) + " " + _listed("Partly shown", partly),
        ),
        Answer3e(
            question="Which are missing?",
            answer=f"{len(missing)} not shown",
            because=_listed("Not shown", missing),
        ),
    )


def _listed(what: str, names: Sequence[str]) -> str:
    return f"{what}: {', '.join(names) or 'none'}."


def _track_answer(assessment: Assessment, track: TrackResult) -> Answer3e:
    question = f"Can the unit do AI-directed {track.track}?"
    why = " ".join(each if each.endswith(".") else f"{each}." for each in track.reasons[:3])
    if not track.is_applicable:
        return Answer3e(question=question, answer="Not asked", because=why or "It is no production unit.")
    if assessment.is_simulated_profile:
        said = "Only simulated or emulated evidence exists, and it cannot answer for hardware."
        return Answer3e(question=question, answer="Not shown", because=f"{said} {why}".strip())
    if track.level in _ABLE:
        said = f"Level {track.level}; assured level {assessment.assured_level}."
        return Answer3e(question=question, answer=f"Yes, at {track.level}", because=f"{said} {why}".strip())
    return Answer3e(question=question, answer=f"No: {track.level or 'R0'}", because=why)


def _split(metrics: Mapping[str, MetricLine]) -> str:
    automated, directed = metrics.get("m_workflow_automation"), metrics.get("m_ai_directed_share")
    parts = ["none measured"]
    if automated is not None and automated.value is not None:
        parts = [f"manual {1 - automated.value:.0%} and automated {automated.value:.0%} of workflow time"]
    if directed is not None and directed.value is not None:
        parts.append(
            f"AI-directed {directed.value:.0%} of experiments, AI-augmented or manual {1 - directed.value:.0%}"
        )
    return "; ".join(parts).replace("none measured; ", "")


def standards_register(instrument: Instrument, assessment: Assessment) -> tuple[StandardLine, ...]:
    """What the criteria say of the standards that they cite, in the order of the instrument.

    A standard counts as shown where all applicable criteria that cite it score 4 or more, and as partly shown where
    one of them scores 2 or more. That is an inference from scores, and no certificate.
    """
    citing: dict[str, list[CriterionScore]] = {}
    for score in assessment.criteria:
        if score.is_applicable:
            for name in dict.fromkeys(
                each.partition(":")[0] for each in instrument.criteria[score.criterion].standards
            ):
                citing.setdefault(name, []).append(score)
    return tuple(
        _register_line(instrument, name, standard.title, citing[name])
        for name, standard in instrument.file.standards.items()
        if name in citing
    )


def _register_line(instrument: Instrument, name: str, title: str, scores: Sequence[CriterionScore]) -> StandardLine:
    lowest, highest = min(each.score for each in scores), max(each.score for each in scores)
    first = instrument.criteria[scores[0].criterion]
    more = f", and {len(scores) - 1} more" if len(scores) > 1 else ""
    return StandardLine(
        interface_or_practice=f"{first.title}{more}",
        layer=_LAYERS.get(first.dimension, "operations"),
        standard_used=name,
        edition=title,
        conformance="full" if lowest >= _SHOWN else "partial" if highest >= _PARTLY else "none",
        criteria=tuple(each.criterion for each in scores),
        effect=f"lowest score of the criteria that cite it: {lowest:.2f} of 5 (n {len(scores)} criteria)",
    )


_TITLES = {
    "EO-6a-i": "Operational status and capabilities",
    "EO-6a-ii": "Integration across laboratories",
    "EO-6a-iii": "User engagement, students, training",
    "EO-6a-iv": "Outcomes",
    "EO-6a-v": "Partnerships and transitions",
    "EO-6a-vi": "Needs and recommendations",
}


def annual_paragraphs(
    instrument: Instrument, assessment: Assessment, metrics: Mapping[str, MetricLine], as_of: date
) -> tuple[AnnualParagraph, ...]:
    """One paragraph for each of Sec. 6(a)(i) to (vi), ready to paste."""
    return tuple(
        AnnualParagraph(
            clause=f"Sec. 6(a)({clause.rpartition('-')[2]})",
            title=title,
            text=" ".join(_sentences(clause, instrument, assessment, metrics, as_of)),
        )
        for clause, title in _TITLES.items()
    )


def _sentences(
    clause: str, instrument: Instrument, assessment: Assessment, metrics: Mapping[str, MetricLine], as_of: date
) -> Iterator[str]:
    if assessment.is_simulated_profile:
        yield "Simulated profile; it says nothing about hardware."
    if clause == "EO-6a-i":
        yield _status(assessment, as_of)
    if clause == "EO-6a-vi":
        yield from _needs(assessment)
        return
    ids = [each.criterion for each in assessment.criteria if each.is_applicable]
    cited = [name for name in ids if clause in instrument.criteria[name].eo_clauses]
    scores = {each.criterion: each for each in assessment.criteria}
    known = [name for name in cited if scores[name].evidence_class != "none"]
    if not known:
        yield f"Nothing is recorded of this unit ({len(cited)} criteria ask for it, 0 have evidence)."
        return
    for name in known:
        used = instrument.criteria[name].metric
        if used is not None and used.id in metrics and metrics[used.id].value is not None:
            yield f"{metric_text(metrics[used.id])}."
    said = ", ".join(f"{instrument.criteria[name].title} ({name}) {scores[name].score:.2f} of 5" for name in known)
    yield f"Scores: {said} (n {len(known)} of {len(cited)} criteria with evidence; window up to {as_of})."


def _status(assessment: Assessment, as_of: date) -> str:
    provisional = " The result is provisional." if assessment.provisional else ""
    return (
        f"{assessment.name} is at level {assessment.level} ({assessment.level_name}) as of {as_of}, assured level "
        f"{assessment.assured_level}, by instrument version {assessment.instrument.version}, which is a proposal and "
        f"not endorsed.{provisional}"
    )


def _needs(assessment: Assessment) -> Iterator[str]:
    path = assessment.path_to_next
    if path is None:
        yield "The unit has the highest level; nothing is asked for."
        return
    low, high = path.person_days
    yield (
        f"To reach {path.target}, {len(path.gaps)} gaps are to be closed, about {number_text(low)} to "
        f"{number_text(high)} person-days by our planning ranges."
    )
    if path.blockers:
        yield f"What raising criteria does not give: {'; '.join(path.blockers)}."
    if gaps := [each for each in assessment.gaps if each.kind == "standard gap"]:
        yield f"Standards are missing for {', '.join(each.criterion or each.gap_id for each in gaps)}."
