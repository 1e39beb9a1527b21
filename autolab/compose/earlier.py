"""Reads the earlier data that a campaign names, and freezes them in its problem: they are recorded when it begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from autolab.config.measured import read_measured
from autolab.config.specs import CampaignSpec
from autolab.config.units import convert
from autolab.core.canonical import content_hash
from autolab.core.earlier import Earlier
from autolab.core.errors import InputError
from autolab.core.parameters import FixedParameter, Parameter, Value, Values
from autolab.core.problem import Problem, is_numeric
from autolab.core.trials import Estimate, Outcome
from autolab.journal.reader import JournalReader

__all__ = ["MOST_ROWS", "earlier_campaign", "notes_on_tables", "with_earlier"]

_TABLE = ".csv"
MOST_ROWS = 2000
"""Trials or rows of one source; a longer one is refused, since it would travel with every suggestion."""


def with_earlier(campaign: CampaignSpec, data: Path) -> CampaignSpec:
    """The campaign with the earlier data that it names.

    Args:
        campaign: As its file says.
        data: The data folder, in which earlier campaigns are looked up.

    Raises:
        FileError: there are none of that name, or they do not fit: the line of the campaign file, or of the table.
        InputErrors: several lines of a table are refused.
    """
    if not campaign.earlier:
        return campaign
    found = tuple(_read(campaign, index, data) for index in range(len(campaign.earlier)))
    return replace(campaign, problem=replace(campaign.problem, earlier=found))


def notes_on_tables(campaign: CampaignSpec) -> list[str]:
    """What a person should know of the tables that a campaign names. Campaigns are looked up when it begins.

    Raises:
        FileError: a table cannot be read, or does not fit.
        InputErrors: several of its lines are refused.
    """
    found: list[str] = []
    for name in campaign.earlier:
        if name.endswith(_TABLE):
            table = read_measured(_path(campaign, name), campaign.problem)
            found += [f"{name}: {len(table.rows)} of {table.n_read} rows lie in the space", *table.notes]
    return found


def _read(campaign: CampaignSpec, index: int, data: Path) -> Earlier:
    name = campaign.earlier[index]
    if name.endswith(_TABLE):
        found = _table(name, _path(campaign, name), campaign.problem)
    else:
        try:
            found = _campaign(name, data, campaign.problem)
        except InputError as error:
            raise campaign.source.error(("earlier", index), f"earlier: {error}") from None
    if len(found.rows) > MOST_ROWS:
        said = f"earlier: {name} has {len(found.rows)} outcomes, and at most {MOST_ROWS} are taken: name a part of them"
        raise campaign.source.error(("earlier", index), said)
    return found


def _path(campaign: CampaignSpec, name: str) -> Path:
    return Path(campaign.source.file).parent / name


def _table(name: str, path: Path, problem: Problem) -> Earlier:
    table = read_measured(path, problem)
    names = problem.space.names
    rows = tuple(
        (*(row.values[p] for p in names), *(row.metrics[metric] for metric in problem.metrics)) for row in table.rows
    )
    return Earlier(name, table.sha256, names, problem.metrics, rows)


def _campaign(name: str, data: Path, problem: Problem) -> Earlier:
    reader = JournalReader.open(data)
    try:
        record = reader.campaign(name)
        trials = [(t.suggestion.values, t.outcome) for t in reader.trials(record.id) if t.outcome is not None]
    finally:
        reader.close()
    return earlier_campaign(record.id, record.problem, trials, problem)


def earlier_campaign(name: str, theirs: Problem, trials: list[tuple[Values, Outcome]], ours: Problem) -> Earlier:
    """The outcomes of a campaign, in the units of another.

    Args:
        name: Id of the campaign.
        theirs: Its problem.
        trials: Its values and outcomes.
        ours: The problem of the campaign that is to learn from them.

    Raises:
        InputError: they vary other parameters, units are of other dimensions, or no trial has all metrics.
    """
    _check_parameters(name, theirs, ours)
    units = {p.name: p.unit for p in theirs.space.parameters}
    rows: list[tuple[Value, ...]] = []
    errors: list[tuple[float | None, ...]] = []
    for values, outcome in trials:
        if all(metric in outcome for metric in ours.metrics):
            point = [_value(name, p, values, units) for p in ours.space.parameters]
            numbers = [_metric(name, metric, outcome[metric].value, theirs, ours) for metric in ours.metrics]
            rows.append((*point, *numbers))
            errors.append(tuple(_error(name, metric, outcome[metric], theirs, ours) for metric in ours.metrics))
    if not rows:
        wanted = " and ".join(ours.metrics)
        raise InputError(f"{name} has no trial with an outcome in {wanted}: name another campaign, or remove it")
    known = tuple(errors) if any(sem is not None for row in errors for sem in row) else ()
    return Earlier(
        name, content_hash([rows, known] if known else rows), ours.space.names, ours.metrics, tuple(rows), known
    )


def _check_parameters(name: str, theirs: Problem, ours: Problem) -> None:
    known, here = set(theirs.space.names), set(ours.space.names)
    missing = [p for p in _varied(ours) if p not in known]
    more = [p for p in _varied(theirs) if p not in here]
    if missing:
        raise InputError(f"{name} has no parameter {missing[0]!r}, which is varied here: fix it, or remove {name}")
    if more:
        raise InputError(f"{name} has varied {more[0]!r}, which is no parameter here: declare it, or remove {name}")


def _varied(problem: Problem) -> Iterator[str]:
    return (p.name for p in problem.space.parameters if not isinstance(p, FixedParameter))


def _value(name: str, parameter: Parameter, values: Values, units: dict[str, str]) -> Value:
    """One value in our unit; a parameter that is fixed here, and was none there, stood where it is fixed."""
    if parameter.name not in values:
        return parameter.value if isinstance(parameter, FixedParameter) else 0.0
    value = values[parameter.name]
    if not is_numeric(parameter) or isinstance(value, str | bool):
        return value
    return _converted(f"{name}: parameter {parameter.name!r}", float(value), units[parameter.name], parameter.unit)


def _metric(name: str, metric: str, value: float, theirs: Problem, ours: Problem) -> float:
    written, wanted = theirs.unit_of(metric), ours.unit_of(metric)
    if not written or not wanted:
        return value  # where nobody has said, it is taken as it is
    return _converted(f"{name}: metric {metric!r}", value, written, wanted)


def _error(name: str, metric: str, estimate: Estimate, theirs: Problem, ours: Problem) -> float | None:
    """The standard error in our unit. Units may differ by an offset, so that a difference is converted."""
    if estimate.sem is None:
        return None
    ends = (_metric(name, metric, value, theirs, ours) for value in (estimate.value, estimate.value + estimate.sem))
    return abs(next(ends) - next(ends))


def _converted(what: str, value: float, written: str, wanted: str) -> float:
    try:
        return convert(value, written, wanted)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
