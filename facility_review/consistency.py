"""What the parts of an instrument must say of each other. Each rule is a function; all of them are reported."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from autolab.config.problems import Problems
from autolab.config.words import did_you_mean
from facility_review.assessment import LEVELS
from facility_review.inputs import CLASSES, REALMS
from facility_review.instrumentmodel import AutonomyAxis, Condition, InstrumentFile, MetricScale, Requirement

__all__ = ["check_consistency"]

Path = tuple[str | int, ...]
Finding = tuple[Path, str]


def check_consistency(file: InstrumentFile, problems: Problems) -> None:
    """Gather what an instrument says against itself, each with its line."""
    for rule in _RULES:
        for path, message in rule(file):
            problems.add(path, message)


def _unique_ids(file: InstrumentFile) -> Iterator[Finding]:
    lists: dict[str, Sequence[Any]] = {
        "dimensions": file.dimensions,
        "levels": file.levels,
        "gates": file.gates,
        "facts": file.facts,
        "metrics": file.metrics,
        "criteria": file.criteria,
    }
    for key, items in lists.items():
        seen = set[str]()
        for index, item in enumerate(items):
            if item.id in seen:
                yield (key, index, "id"), f"{key}: the id {item.id!r} is given twice: rename one of them"
            seen.add(item.id)


def _weights(file: InstrumentFile) -> Iterator[Finding]:
    total = math.fsum(item.weight for item in file.dimensions)
    if abs(total - 1) > 1e-9:
        yield ("dimensions",), f"dimensions: the weights sum to {total:.6g}, and must sum to 1"
    for index, item in enumerate(file.dimensions):
        if item.weight <= 0:
            yield ("dimensions", index, "weight"), f"{item.id}: weight {item.weight:g} must be greater than 0"
    for index, item in enumerate(file.criteria):
        if item.weight <= 0:
            yield ("criteria", index, "weight"), f"{item.id}: weight {item.weight:g} must be greater than 0"


def _criteria(file: InstrumentFile) -> Iterator[Finding]:
    dimensions = [item.id for item in file.dimensions]
    metrics = {item.id: item for item in file.metrics}
    for index, item in enumerate(file.criteria):
        at: Path = ("criteria", index)
        if item.dimension not in dimensions:
            yield (*at, "dimension"), _unknown(f"{item.id}: dimension", item.dimension, dimensions)
        if not item.id.startswith(f"{item.dimension}-"):
            yield (*at, "id"), f"{item.id}: the id must begin with its dimension, as '{item.dimension}-01'"
        if (item.metric is None) == (not item.steps):
            yield at, f"{item.id}: give either 'metric' or 'steps'"
        if item.steps and len(item.steps) != 5:
            yield (*at, "steps"), f"{item.id}: {len(item.steps)} steps are given, and a ladder has 5"
        if (item.kind == "metric") != (item.metric is not None):
            yield (*at, "kind"), f"{item.id}: kind {item.kind!r} does not go with how it is scored"
        if item.metric is not None and item.metric.id not in metrics:
            yield (*at, "metric", "id"), _unknown(f"{item.id}: metric", item.metric.id, list(metrics))
        elif item.metric is not None and item.metric.better != metrics[item.metric.id].better:
            yield (*at, "metric", "better"), f"{item.id}: {item.metric.id} is better {metrics[item.metric.id].better}"


def _scored_once(file: InstrumentFile) -> Iterator[Finding]:
    scored = [(index, item.id, item.metric.id) for index, item in enumerate(file.criteria) if item.metric is not None]
    for index, name, metric in scored:
        if first := next((other for place, other, its in scored if its == metric and place < index), None):
            yield ("criteria", index, "metric", "id"), f"{name}: {metric} is scored by {first} already"
    for index, dimension in enumerate(file.dimensions):
        if not any(item.key and item.dimension == dimension.id for item in file.criteria):
            yield ("dimensions", index), f"{dimension.id}: no criterion of it is key: mark one with 'key: true'"


def _cut_points(file: InstrumentFile) -> Iterator[Finding]:
    fractions = {item.id for item in file.metrics if item.unit == "fraction"}
    for index, item in enumerate(file.criteria):
        scale = item.metric
        if scale is None:
            continue
        at: Path = ("criteria", index, "metric", "cut_points")
        if len(scale.cut_points) != 5:
            yield at, f"{item.id}: {len(scale.cut_points)} cut points are given, and there are 5"
            continue
        values = (scale.zero_at, *scale.cut_points)
        if not _is_ordered(scale, values):
            way = "rise" if scale.better == "higher" else "fall"
            yield at, f"{item.id}: zero_at and cut points must {way} from {values[0]:g}, and are {_listed(values)}"
        if scale.scale == "log" and min(values) <= 0:
            yield at, f"{item.id}: {_listed(values)}: a log scale takes values greater than 0"
        if scale.id in fractions and not all(0 <= value <= 1 for value in values):
            yield at, f"{item.id}: {_listed(values)}: a fraction lies between 0 and 1"


def _is_ordered(scale: MetricScale, values: Sequence[float]) -> bool:
    pairs = itertools.pairwise(values if scale.better == "higher" else values[::-1])
    return all(low < high for low, high in pairs)


def _references(file: InstrumentFile) -> Iterator[Finding]:
    sources = list(file.evidence_sources)
    clauses = list(file.order.clauses)
    for key, name, index, its_sources in (
        *(("metrics", "inputs", index, item.inputs) for index, item in enumerate(file.metrics)),
        *(("criteria", "sources", index, item.sources) for index, item in enumerate(file.criteria)),
        *(("facts", "sources", index, item.sources) for index, item in enumerate(file.facts)),
    ):
        for place, source in enumerate(its_sources):
            if source not in sources:
                yield (key, index, name, place), _unknown("evidence source", source, sources)
    for key, items in (("dimensions", file.dimensions), ("gates", file.gates), ("criteria", file.criteria)):
        for index, item in enumerate(items):
            for place, clause in enumerate(item.eo_clauses):
                if clause not in clauses:
                    yield (key, index, "eo_clauses", place), _unknown(f"{item.id}: clause", clause, clauses)
    standards = list(file.standards)
    for index, item in enumerate(file.criteria):
        for place, standard in enumerate(item.standards):
            if standard.partition(":")[0] not in standards:
                path: Path = ("criteria", index, "standards", place)
                yield path, _unknown(f"{item.id}: standard", standard.partition(":")[0], standards)
        if item.remediation.effort not in file.gap_list.effort_classes:
            path = ("criteria", index, "remediation", "effort")
            yield path, _unknown(f"{item.id}: effort", item.remediation.effort, list(file.gap_list.effort_classes))


def _gates(file: InstrumentFile) -> Iterator[Finding]:
    criteria = [item.id for item in file.criteria]
    facts = {item.id: item for item in file.facts}
    for index, gate in enumerate(file.gates):
        at: Path = ("gates", index)
        if (gate.type == "hold") != (gate.ceiling is None):
            yield at, f"{gate.id}: a hold gate has no 'ceiling', and a ceiling gate has one"
        if not gate.require:
            yield at, f"{gate.id}: 'require' is empty: a gate asks for something"
        for place, criterion in enumerate(gate.criteria):
            if criterion not in criteria:
                yield (*at, "criteria", place), _unknown(f"{gate.id}: criterion", criterion, criteria)
        if gate.applies_if is not None and (gate.applies_if not in facts or facts[gate.applies_if].type != "bool"):
            yes_no = [name for name, fact in facts.items() if fact.type == "bool"]
            yield (*at, "applies_if"), _unknown(f"{gate.id}: applies_if", gate.applies_if, yes_no)
        for place, requirement in enumerate(gate.require):
            for message in _requirement(file, requirement):
                yield (*at, "require", place), f"{gate.id}: {message}"


def _requirement(file: InstrumentFile, requirement: Requirement) -> Iterator[str]:
    known: dict[str, tuple[str | None, list[str]]] = {
        "metric": (requirement.metric, [item.id for item in file.metrics]),
        "criterion": (requirement.criterion, [item.id for item in file.criteria]),
        "fact": (requirement.fact, [item.id for item in file.facts]),
    }
    if sum(name is not None for name, _ in known.values()) != 1:
        yield "a requirement names one of metric, criterion and fact"
    for kind, (name, names) in known.items():
        if name is not None and name not in names:
            yield _unknown(kind, name, names)
    if requirement.value_from is not None and requirement.value_from not in known["fact"][1]:
        yield _unknown("value_from", requirement.value_from, known["fact"][1])
    if (requirement.value is None) == (requirement.value_from is None):
        yield "give either 'value' or 'value_from'"
    if (requirement.op == "in") != isinstance(requirement.value, tuple):
        yield "'in' compares with a list, and no other comparison does"


def _levels(file: InstrumentFile) -> Iterator[Finding]:
    names = tuple(item.id for item in file.levels)
    if names != LEVELS:
        yield ("levels",), f"levels: {', '.join(names)} are given, and {', '.join(LEVELS)} are wanted in this order"
    dimensions = [item.id for item in file.dimensions]
    reached: dict[str, float] = {}
    for index, level in enumerate(file.levels):
        for name, least in level.minima.items():
            at: Path = ("levels", index, "minima", name)
            if name not in dimensions:
                yield at, _unknown(f"{level.id}: dimension", name, dimensions)
            if least < reached.get(name, 0) or least > 5:
                yield at, f"{level.id}: {name} >= {least:g} is less than a lower level asks for, or more than 5"
            reached[name] = max(least, reached.get(name, 0))
        for place, condition in enumerate(level.extra):
            for message in _condition(file, condition):
                yield ("levels", index, "extra", place), f"{level.id}: {message}"


def _condition(file: InstrumentFile, condition: Condition) -> Iterator[str]:
    if (condition.metric is None) == (condition.fact is None):
        yield "a condition names either a metric or a fact"
    metrics, facts = [item.id for item in file.metrics], [item.id for item in file.facts]
    if condition.metric is not None and condition.metric not in metrics:
        yield _unknown("metric", condition.metric, metrics)
    if condition.fact is not None and condition.fact not in facts:
        yield _unknown("fact", condition.fact, facts)


def _caps(file: InstrumentFile) -> Iterator[Finding]:
    tables: list[tuple[Path, Mapping[Any, float], Sequence[str]]] = [
        (("evidence", "realm_caps"), file.evidence.realm_caps, REALMS),
        *((("evidence", "class_caps", kind), caps, CLASSES) for kind, caps in file.evidence.class_caps.items()),
    ]
    for at, caps, order in tables:
        if missing := [name for name in order if name not in caps]:
            yield at, f"{at[-1]}: the cap of {missing[0]!r} is missing"
            continue
        values = [caps[name] for name in order]
        if any(worse > better for better, worse in itertools.pairwise(values)) or not 0 <= values[-1] <= values[0] <= 5:
            yield at, f"{at[-1]}: caps {_listed(values)} must fall from {order[0]} to {order[-1]}, between 5 and 0"
    if missing_kinds := [kind for kind in ("metric", "practice", "document") if kind not in file.evidence.class_caps]:
        yield ("evidence", "class_caps"), f"class_caps: the caps of {missing_kinds[0]!r} criteria are missing"
    samples = file.evidence.sample_caps
    if not 0 <= samples.below_third <= samples.below_min_n <= 5:
        yield ("evidence", "sample_caps"), "sample_caps: 'below_third' must not be above 'below_min_n'"


def _dates(file: InstrumentFile) -> Iterator[Finding]:
    clauses, names = list(file.order.clauses), [item.id for item in file.timeline.milestones]
    for index, item in enumerate(file.timeline.milestones):
        at: Path = ("timeline", "milestones", index)
        if item.clause is not None and item.clause not in clauses:
            yield (*at, "clause"), _unknown(f"{item.id}: clause", item.clause, clauses)
        if item.status is not None and item.status not in file.timeline.statuses:
            yield (*at, "status"), _unknown(f"{item.id}: status", item.status, list(file.timeline.statuses))
        if item.anniversary_of is not None and item.anniversary_of not in names:
            yield (*at, "anniversary_of"), _unknown(f"{item.id}: milestone", item.anniversary_of, names)
        if (item.day is None) != (item.date is None):
            yield at, f"{item.id}: give 'day' and 'date' together, or neither"
        elif item.day is not None and item.date != file.order.signed + timedelta(days=item.day):
            right = file.order.signed + timedelta(days=item.day)
            yield (*at, "date"), f"{item.id}: day {item.day} is {right}, and {item.date} is given"


def _tracks(file: InstrumentFile) -> Iterator[Finding]:
    production = [item.id for item in file.criteria if item.applies_when == "production"]
    for name, minima in file.tracks.manufacturing_minima.items():
        at: Path = ("tracks", "manufacturing_minima", name)
        if name not in production:
            yield at, _unknown("manufacturing_minima: criterion of production", name, production)
        values = [minima[level] for level in LEVELS if level in minima]
        if any(high < low for low, high in itertools.pairwise(values)):
            yield at, f"{name}: {_listed(values)} must not fall from level to level"


def _axes(file: InstrumentFile) -> Iterator[Finding]:
    axes: dict[str, AutonomyAxis] = {"hardware": file.autonomy_axes.hardware, "software": file.autonomy_axes.software}
    for name, axis in axes.items():
        at: Path = ("autonomy_axes", name)
        if len(axis.grades) != 6:
            yield (*at, "grades"), f"{name}: {len(axis.grades)} grades are given, and 0 to 5 are 6"
        for index, derived in enumerate(axis.derived):
            for place, condition in enumerate(derived.conditions):
                for message in _condition(file, condition):
                    yield (*at, "derived", index, "conditions", place), f"{name}: {message}"
    if len(file.scale.anchors) != 6:
        yield ("scale", "anchors"), f"scale: {len(file.scale.anchors)} anchors are given, and 0 to 5 are 6"


def _metrics(file: InstrumentFile) -> Iterator[Finding]:
    for index, item in enumerate(file.metrics):
        for key, value in (("min_n", item.min_n), ("window_days", item.window_days)):
            if value < 1:
                yield ("metrics", index, key), f"{item.id}: {key} {value} must be 1 or more"


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    guess = did_you_mean(name, list(known))
    return f"{what} {name!r} is not declared: " + (f"did you mean {guess!r}?" if guess else "declare it, or correct it")


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


_RULES: tuple[Callable[[InstrumentFile], Iterator[Finding]], ...] = (
    _unique_ids,
    _weights,
    _metrics,
    _criteria,
    _scored_once,
    _cut_points,
    _references,
    _gates,
    _levels,
    _caps,
    _dates,
    _tracks,
    _axes,
)
