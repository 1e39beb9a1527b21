"""Backtests: a campaign replayed by several engines on measured data, without its lab."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from autolab.compose.backtestruns import replayed
from autolab.compose.backtestscores import engine_scores
from autolab.compose.earlier import with_earlier
from autolab.config.campaign import load_campaign
from autolab.config.measured import MeasuredTable, read_measured
from autolab.config.specs import CampaignSpec
from autolab.config.words import did_you_mean, listed
from autolab.core.backtests import Accuracy, Backtest, EngineScore
from autolab.core.errors import FileError, InputError
from autolab.core.objectives import Objective
from autolab.core.problem import Problem
from autolab.core.seeds import derive_seed
from facility_review.factors import goal_loss
from optimizer.emulator import fit_emulator
from optimizer.routing import ENGINES, choose
from optimizer.world import Pool, World, conditions_of

__all__ = ["BacktestOptions", "backtest"]

LEAST_R2 = 0.5
"""Accuracy below which an emulator is refused, unless a person asks for less."""
GOOD_R2 = 0.8
"""Accuracy below which an emulator's results come with a warning."""
_MOST_SEEDS = 1000
_MOST_JOBS = 64


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What a backtest is asked for."""

    against: tuple[str, ...] | None = None
    """Engines to compare; None for the campaign's own, Sobol and random."""
    seeds: int = 20
    """Runs of each engine."""
    trials: int | None = None
    """Trials of each run; None for the campaign's budget."""
    seed: int | None = None
    """Root of all random draws; None for the campaign's, or 0."""
    emulator: Literal["gp", "network", "forest"] | None = None
    """What answers; None for the table itself."""
    least_r2: float = LEAST_R2
    """Accuracy that an emulator must have."""
    jobs: int = 1
    """Worker processes."""
    folder: Path = Path("autolab-data")
    """The data folder, in which earlier campaigns that the file names are looked up."""


def backtest(file: Path, data: Path, options: BacktestOptions, done: Callable[[int, int], None]) -> Backtest:
    """Replay a campaign on a table of measured conditions.

    Args:
        file: The campaign file. The lab that it names is not opened.
        data: The table, see `autolab.config.measured.read_measured`.
        options: What to compare, and how.
        done: Called after each run with how many are done, and of how many.

    Raises:
        InputError: the files, the engines or the numbers are refused.
        ProposerError: an engine could not make a suggestion, or a worker process died.
    """
    spec = with_earlier(load_campaign(file), options.folder)
    _check_numbers(options)
    names = _engines(options, spec)
    table = read_measured(data, spec.problem)
    seed = options.seed if options.seed is not None else spec.seed or 0
    pool = _pool(table, spec.problem)
    world, accuracy = _world(pool, options, seed)
    trials, notes = _trials(options, spec, world)
    goals = _goals(spec.problem.objective, world)
    engines = [replace(spec.engine, name=name) for name in names]
    seeds = [derive_seed(seed, "backtest", run) for run in range(options.seeds)]
    runs = replayed(world, engines, seeds, trials, spec.lanes, options.jobs, done)
    reference = "random" if "random" in runs else names[0]
    scores = engine_scores(runs, reference, world.best, world.worst, goals)
    return Backtest(
        campaign=spec.name,
        objective=_objective_text(spec.problem.objective),
        data=table.source,
        sha256=table.sha256,
        rows=len(table.rows),
        rows_read=table.n_read,
        conditions=len(pool.conditions),
        world=options.emulator or "pool",
        accuracy=accuracy,
        goals={name: _value(spec.problem.objective, loss) for name, loss in goals.items()},
        trials=trials,
        seeds=options.seeds,
        seed=seed,
        lanes=spec.lanes,
        reference=reference,
        notes=(
            *table.notes,
            *_notes_on_earlier(spec, table),
            *notes,
            *_warnings(accuracy),
            *_unreachable(goals, world),
        ),
        engines=tuple(_with_note(score, spec) for score in scores),
    )


def _notes_on_earlier(spec: CampaignSpec, table: MeasuredTable) -> list[str]:
    """What engines know beforehand, where that is not nothing."""
    sources = spec.problem.earlier
    return [f"engines that learn do so from earlier data too, {source}" for source in sources] + [
        f"{source.name} is the table itself: who learns from it knows the answers before they are given"
        for source in sources
        if source.sha256 == table.sha256
    ]


def _check_numbers(options: BacktestOptions) -> None:
    for name, value, most in (
        ("--seeds", options.seeds, _MOST_SEEDS),
        ("--trials", options.trials, None),
        ("--jobs", options.jobs, _MOST_JOBS),
    ):
        if value is not None and (value < 1 or (most is not None and value > most)):
            bound = "at least 1" if most is None else f"from 1 to {most}"
            raise InputError(f"{name} {value}: it must be {bound}")
    if options.seed is not None and not 0 <= options.seed < 2**63:
        raise InputError(f"--seed {options.seed}: it must be a whole number of at least 0, below 2**63")
    if not options.least_r2 <= 1.0:  # NaN compares false
        raise InputError(f"--least-r2 {options.least_r2:g}: it must be a number of at most 1")


def _engines(options: BacktestOptions, spec: CampaignSpec) -> list[str]:
    """Names of the engines, each once."""
    names = options.against or (spec.engine.name, "sobol", "random")
    for name in names:
        if name not in ENGINES:
            guess = did_you_mean(name, ENGINES)
            hint = f"did you mean {guess!r}?" if guess else f"engines are {listed(ENGINES)}"
            raise InputError(f"--against {name}: there is no such engine: {hint}")
    return list(dict.fromkeys(names))


def _pool(table: MeasuredTable, problem: Problem) -> Pool:
    try:
        return Pool(problem, conditions_of([(row.values, row.metrics) for row in table.rows]))
    except InputError as error:
        why = "".join(f"; {note}" for note in table.notes if "left out" in note)
        raise FileError(table.source, None, f"{error}{why}") from None


def _world(pool: Pool, options: BacktestOptions, seed: int) -> tuple[World, tuple[Accuracy, ...]]:
    """What answers, and how well an emulator does that.

    Raises:
        InputError: an emulator is less accurate than is asked for.
    """
    if options.emulator is None:
        return pool, ()
    emulator = fit_emulator(pool, options.emulator, seed)
    for found in emulator.accuracy:
        if not found.r2 >= options.least_r2:
            raise InputError(
                f"--emulator {options.emulator}: it explains too little of {found.metric} in conditions that it has "
                f"not seen: R2 {found.r2:.2f}, and at least {options.least_r2:g} is wanted (RMSE {found.rmse:.3g}). "
                "Leave --emulator out to replay the table itself, try another of gp, network and forest, or ask for "
                "less with --least-r2"
            )
    return emulator, emulator.accuracy


def _warnings(accuracy: tuple[Accuracy, ...]) -> list[str]:
    return [
        f"the emulator is rough: it explains {100 * found.r2:.0f} % of the variance of {found.metric} in conditions "
        f"that it has not seen, so small differences between engines mean nothing"
        for found in accuracy
        if found.r2 < GOOD_R2
    ]


def _trials(options: BacktestOptions, spec: CampaignSpec, world: World) -> tuple[int, list[str]]:
    wanted = options.trials or spec.budget.trials
    if world.most is None or wanted <= world.most:
        return wanted, []
    if options.trials is not None:
        raise InputError(
            f"--trials {wanted}: the table has {world.most} conditions, and each is tested once at most: "
            f"ask for at most {world.most}, or use --emulator"
        )
    said = f"the budget of {wanted} trials is cut to the {world.most} conditions of the table"
    return world.most, [said]


def _goals(objective: Objective, world: World) -> dict[str, float]:
    """Loss at each goal: the campaign's target where it has one that can be met, and the best of the space."""
    has_target = objective.target is not None and (objective.goal != "target" or objective.tolerance is not None)
    return {**({"target": goal_loss(objective)} if has_target else {}), **world.shares}


def _unreachable(goals: Mapping[str, float], world: World) -> list[str]:
    is_out_of_reach = "target" in goals and goals["target"] < world.best
    return ["the target is better than anything in the data: no engine can reach it"] if is_out_of_reach else []


def _value(objective: Objective, loss: float) -> float:
    """The value of the metric at a loss; for a goal of a target, the distance from it."""
    return -loss if objective.goal == "maximize" else loss


def _objective_text(objective: Objective) -> str:
    unit = f" [{objective.unit}]" if objective.unit else ""
    aim = f" towards {objective.target:g}" if objective.goal == "target" and objective.target is not None else ""
    return f"{objective.goal} {objective.metric}{unit}" if not aim else f"{objective.metric}{unit}{aim}"


def _with_note(score: EngineScore, spec: CampaignSpec) -> EngineScore:
    routing = choose(spec.problem, replace(spec.engine, name=score.engine))
    return score if routing.why is None else replace(score, note=f"{routing.name} served it: {routing.why}")
