"""The reference page of all criteria, gates and levels, written from the instrument itself."""

from __future__ import annotations

from collections.abc import Iterator

from autolab.report.numbers import number_text
from facility_review.instrument import Instrument
from facility_review.instrumentmodel import Criterion, Gate, MetricScale, Requirement

__all__ = ["criteria_page"]

_HEAD = """# Readiness criteria

This page is written from the instrument by `facility_review.criteriapage`, and a test compares the two.

{title}, version {version} of {date}. **{status}, not endorsed.** {disclaimer}

How a score is made stands in [How a readiness score is made](../explanation/readiness.md), and how to assess a unit in
[Assess a facility](../how-to/assess-a-facility.md).
"""


def criteria_page(instrument: Instrument) -> str:
    """The page as Markdown."""
    head = instrument.file.instrument
    parts = [
        _HEAD.format(
            title=head.title,
            version=head.version,
            date=head.date,
            status=head.status.capitalize(),
            disclaimer=head.disclaimer,
        ),
        *_levels(instrument),
        *_gates(instrument),
        *_criteria(instrument),
        *_profile_metrics(instrument),
        *_facts(instrument),
        *_standards(instrument),
    ]
    return "\n".join(parts)


def _levels(instrument: Instrument) -> Iterator[str]:
    yield "## Levels\n\n| level | means | asks of each dimension |\n|---|---|---|"
    for rule in instrument.levels.values():
        minima = ", ".join(f"{name} {number_text(least)}" for name, least in rule.minima.items()) or "nothing"
        extra = "; ".join(f"`{each.metric or each.fact}` {each.op} {_text(each.value)}" for each in rule.extra)
        yield f"| {rule.id} {rule.name} | {_cell(rule.meaning)} | {minima}{f'; {extra}' if extra else ''} |"
    yield ""


def _gates(instrument: Instrument) -> Iterator[str]:
    yield "## Gates\n\n| gate | without it | asks for | does not apply where false |\n|---|---|---|---|"
    for gate in instrument.gates.values():
        asked = "; ".join(_requirement(each) for each in gate.require)
        condition = f"`{gate.applies_if}`" if gate.applies_if else ""
        yield f"| {gate.id} {gate.name} | {_bound(gate)} | {_cell(asked)} | {condition} |"
    yield ""


def _bound(gate: Gate) -> str:
    return "R0" if gate.type == "hold" else f"at most {gate.ceiling}"


def _requirement(asked: Requirement) -> str:
    what = asked.metric or asked.criterion or asked.fact
    value = f"`{asked.value_from}` (else {_text(asked.default)})" if asked.value_from else _text(asked.value)
    bound = f"{asked.bound} bound of " if asked.bound else ""
    least = f", n at least {asked.min_n}" if asked.min_n else ""
    return f"{bound}`{what}` {asked.op} {value}{least}, {asked.min_class} or better"


def _criteria(instrument: Instrument) -> Iterator[str]:
    for dimension in instrument.dimensions.values():
        yield f"## {dimension.id} {dimension.name}\n\nWeight {number_text(dimension.weight)} of the index.\n"
        for criterion in instrument.criteria.values():
            if criterion.dimension == dimension.id:
                yield from _criterion(instrument, criterion)


def _criterion(instrument: Instrument, criterion: Criterion) -> Iterator[str]:
    key = ", key" if criterion.key else ""
    production = ", production units only" if criterion.applies_when == "production" else ""
    yield f"### {criterion.id} {criterion.title}\n\n{criterion.question}\n"
    yield f"*{criterion.kind.capitalize()} criterion, weight {number_text(criterion.weight)}{key}{production}.*\n"
    if criterion.metric is not None:
        yield from _metric(instrument, criterion.metric)
    else:
        yield from [f"{number}. {step}" for number, step in enumerate(criterion.steps, start=1)]
        yield ""
    yield f"To close a gap: {criterion.remediation.action} (effort {criterion.remediation.effort}).\n"
    yield f"Cites {', '.join(criterion.standards)}; {', '.join(criterion.eo_clauses)}.\n"


def _metric(instrument: Instrument, scale: MetricScale) -> Iterator[str]:
    metric = instrument.metrics[scale.id]
    used = {"point": "the value", "ci95_lower_one_sided": "its lower one-sided 95 % bound"}
    used["ci95_upper_one_sided"] = "its upper one-sided 95 % bound"
    yield f"`{metric.id}`, {metric.name.lower()}, in {metric.unit}: {_cell(metric.formula)}.\n"
    heads = " | ".join(["0", *map(str, range(1, 6))])
    cuts = " | ".join(number_text(cut) for cut in (scale.zero_at, *scale.cut_points))
    yield f"| score | {heads} |\n|---|---|---|---|---|---|---|\n| at | {cuts} |\n"
    yield (
        f"Scored is {used[scale.value_used]} on a {scale.scale} scale, {scale.better} is better; window "
        f"{metric.window_days} days, n at least {metric.min_n}, interval by `{metric.ci_method}`. "
        f"Basis: {scale.basis}.\n"
    )


def _profile_metrics(instrument: Instrument) -> Iterator[str]:
    yield "## Metrics that no criterion scores\n\n| metric | is | unit | window | n at least |\n|---|---|---|---|---|"
    for metric in instrument.metrics.values():
        if metric.id not in instrument.criterion_of:
            cells = (metric.unit, f"{metric.window_days} days", str(metric.min_n))
            yield f"| `{metric.id}` {metric.name} | {_cell(metric.formula)} | {' | '.join(cells)} |"
    yield ""


def _facts(instrument: Instrument) -> Iterator[str]:
    yield "## Facts\n\n| fact | type | means |\n|---|---|---|"
    for fact in instrument.facts.values():
        yield f"| `{fact.id}` | {', '.join(fact.values) or fact.type} | {_cell(fact.definition)} |"
    yield ""


def _standards(instrument: Instrument) -> Iterator[str]:
    yield "## Standards and other sources\n\nHow far each was read is said, because a citation is no proof.\n"
    yield "| id | title | read |\n|---|---|---|"
    for name, standard in instrument.file.standards.items():
        title = f"[{_cell(standard.title)}]({standard.url})" if standard.url else _cell(standard.title)
        yield f"| {name} | {title} | {standard.verification.replace('_', ' ')} |"
    yield ""


def _text(value: bool | float | str | tuple[str, ...] | None) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, str):
        return value
    return " or ".join(value) if isinstance(value, tuple) else number_text(value)


def _cell(text: str) -> str:
    """A text inside a table: without line ends, and with its bars kept."""
    return " ".join(text.split()).replace("|", "\\|")
