"""The shape of ``campaign.yaml``: keys, types and bounds. What the values mean together is checked in `campaign`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from autolab.config.fields import (
    IS_NUMBER,
    Date,
    DottedName,
    FileModel,
    Name,
    Number,
    Quantity,
    Slug,
    Text,
    Value,
    one_of,
)

__all__ = [
    "BudgetModel",
    "CampaignModel",
    "ConfirmModel",
    "CostsModel",
    "EngineModel",
    "ExpectedGainModel",
    "FaultModel",
    "NoImprovementModel",
    "ObjectiveModel",
    "OutcomeConstraintModel",
    "ParameterModel",
    "PlateModel",
    "RuleModel",
    "StoppingModel",
]


def _pair(value: object) -> object:
    n_items = len(cast("list[object]", value)) if isinstance(value, list) else 2
    if n_items != 2:
        message = f"a lower and an upper bound are wanted, such as [0, 300], and the list has length {n_items}"
        raise PydanticCustomError("pair", "{message}", {"message": message})
    return cast("object", value)


Bounds = Annotated[list[Number], Field(min_length=2, max_length=2, examples=["[0, 300]"]), BeforeValidator(_pair)]
Choices = Annotated[list[Value], Field(min_length=2, max_length=1000, examples=["[water, ethanol]"])]


class ParameterModel(FileModel):
    """What one parameter may be: a range (`bounds`), one of several values (`choices`), or fixed (`value`)."""

    model_config = one_of(("bounds",), ("choices",), ("value",))

    bounds: Bounds | None = None
    """Lowest and highest value, both included."""
    choices: Choices | None = None
    """The values to choose from: numbers, texts or booleans."""
    value: Value | None = None
    """The one value that every trial has."""
    unit: str | None = Field(default=None, max_length=60, examples=["uL"])
    """Unit of the numbers, as pint writes it. Without it they are pure numbers."""
    step: Number | None = None
    """Resolution of the hardware, in the unit: values are the lower bound plus whole multiples. Goes with `bounds`."""
    scale: Literal["linear", "log"] | None = None
    """`log` where ratios matter more than differences; `linear` otherwise. Goes with `bounds`."""
    integer: bool | None = None
    """`true` where only whole numbers have a meaning. Goes with `bounds`."""
    ordered: bool | None = None
    """`true` where neighbouring choices are alike. Goes with `choices`."""
    descriptors: dict[str, dict[Name, Number]] | None = Field(
        default=None, min_length=2, max_length=1000, examples=["{water: {polarity: 1.0}, ethanol: {polarity: 0.65}}"]
    )
    """Numbers that say what each choice is like, by choice: models then know which are alike. Goes with `choices`."""
    when: dict[Name, list[Value]] | None = Field(
        default=None, min_length=1, max_length=10, examples=["{solvent: [dmf, dmso]}"]
    )
    """Where the parameter matters: names of parameters with choices, each with some of them. Elsewhere it stands at
    `otherwise`."""
    otherwise: Value | None = None
    """The value at which the parameter stands where it does not matter. Goes with `when`."""


class RuleModel(FileModel):
    """A part of the space that a person wants to be avoided."""

    avoid: str = Field(examples=['"stirring > 180 rpm"'], max_length=200)
    """Arithmetic over numeric parameters, `>` or `<`, a number and its unit; without one, in that of the parameters."""
    because: Text = Field(examples=["foams"])
    """Why; it is shown with the rule."""
    by: Text = Field(examples=["ana"])
    """Who says so."""
    until: Date = Field(examples=['"2026-12-31"'])
    """The last day on which it is in force. It is looked at when the campaign starts and when it is resumed."""


class ObjectiveModel(FileModel):
    """What to do with one metric."""

    goal: Literal["minimize", "maximize", "target"] = Field(examples=["minimize"])
    """Make the metric small, large, or equal to `target`."""
    target: Number | None = None
    """The value to aim for. With `minimize` and `maximize`, reaching it ends the campaign."""
    tolerance: Number | None = None
    """With `goal: target`: how near to the target is near enough to end the campaign."""
    unit: str | None = Field(default=None, max_length=60)
    """Unit of the metric, as pint writes it."""
    threshold: Number | None = None
    """With several objectives: the worst value that is still of interest. Else one is chosen from the outcomes."""
    weight: Number | None = None
    """With several objectives: what one unit of the metric counts. Then the weighted sum is made small (`maximize`
    counts negative, `target` by its distance); without weights the front is sought: the trials that no other beats."""


class OutcomeConstraintModel(FileModel):
    """A bound on a metric; `"turbidity <= 0.2"` is short for `{keep: "turbidity <= 0.2"}`."""

    keep: str = Field(examples=['"pressure <= 3"'])
    """A metric, `<=` or `>=`, and a number."""
    hard: Annotated[float, Field(gt=0, le=0.5, allow_inf_nan=False), IS_NUMBER] | None = None
    """Largest probability with which a proposed trial may break the bound: what is predicted to break it more often is
    not proposed. Without it the bound is soft. It needs an engine that learns."""


Cost = Annotated[float, Field(ge=0, allow_inf_nan=False), IS_NUMBER]


class CostsModel(FileModel):
    """What a trial costs, all parts in one unit. What is expected to be gained is divided by it."""

    unit: Text = Field(examples=["min"])
    """The unit of all parts, as people read it: minutes, money."""
    trial: Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER] = Field(examples=["10"])
    """Cost of each trial, whatever its values."""
    amounts: dict[Name, Cost] = Field(default_factory=dict[Name, Cost], max_length=100, examples=["{cyan: 0.02}"])
    """Cost of one unit of a parameter, by name: the price of a material, the time for each degree."""
    changes: dict[Name, Cost] = Field(default_factory=dict[Name, Cost], max_length=100, examples=["{solvent: 20}"])
    """Cost of another choice than in the trial before, by parameter."""
    exponent: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False), IS_NUMBER] = 1.0
    """Power of the cost by which the expected gain is divided: 0 minds no cost."""
    spend: Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER] | None = Field(default=None, examples=["600"])
    """What the campaign is meant to cost in all. The power then falls with what is left of it: cheap trials come first,
    and dear ones when it is nearly spent. It ends nothing."""


class BudgetModel(FileModel):
    """Limits in trials and in time; the campaign ends at the first that is reached."""

    trials: int = Field(ge=1, le=99_999, examples=["40"])
    """Largest number of trials."""
    hours: Annotated[float, Field(gt=0, le=100_000), IS_NUMBER] | None = None
    """Longest time in hours of lab time."""


class NoImprovementModel(FileModel):
    """Stop when the best value has improved by less than `by` over the last `trials` trials."""

    trials: int = Field(ge=1, le=99_999, examples=["10"])
    """How many trials to look back over."""
    by: Annotated[float, Field(ge=0, allow_inf_nan=False), IS_NUMBER] = 0.0
    """Smallest improvement that counts, in the unit of the objective."""


class ExpectedGainModel(FileModel):
    """Stop when so many suggestions in a row were each expected to gain less than `below`: what a trial costs, say."""

    below: Annotated[float, Field(gt=0, allow_inf_nan=False), IS_NUMBER] = Field(examples=["0.1"])
    """Smallest expected gain that is worth a trial, in the unit of the objective; of a front, hypervolume."""
    suggestions: int = Field(default=3, ge=1, le=99)
    """How many suggestions in a row. Those without a model and those of people do not count."""


class StoppingModel(FileModel):
    """When to stop before the budget is used up. A reached target always ends the campaign."""

    no_improvement: NoImprovementModel | None = None
    """Stop when nothing improves any more."""
    expected_gain: ExpectedGainModel | None = None
    """Stop when little is expected of further trials."""
    failures_in_a_row: int = Field(default=3, ge=1, le=99)
    """Trials in a row without an outcome after which the campaign ends as failed. Allow more where many recipes are
    expected to fail, and the campaign is to learn which."""


EngineName = Literal["auto", "ax", "botorch", "lean", "sobol", "random", "grid", "bluesky-adaptive"]


class EngineModel(FileModel):
    """The engine; `engine: sobol` is short for `engine: {name: sobol}`."""

    name: EngineName = "botorch"
    """`ax`, `botorch` and `lean` learn from outcomes, and `auto` takes `lean` for the problems it is made for, else
    `botorch`; `sobol` fills the space evenly; `random` draws at random; `grid` walks all combinations of a few
    levels; `bluesky-adaptive` is an optimiser of that package, or one of yours in its form."""
    initial: int | None = Field(default=None, ge=1, le=99_999)
    """Trials of the space-filling initial design. Without it: twice the number of free parameters, at least 5."""
    make: DottedName | None = Field(default=None, examples=["bench.agents.make"])
    """With `bluesky-adaptive`: dotted name of a function of yours that makes the optimiser. Without it, its Ax."""


Fault = Literal[
    "timeout", "refused", "readback", "wire", "disconnected", "device", "calibration", "quality", "bad_outcome"
]


class FaultModel(FileModel):
    """What to do about one kind of fault."""

    retry: int = Field(default=0, ge=0, le=99)
    """How often to try the trial again first, each time on a fresh sample."""
    wait: Quantity | None = Field(default=None, examples=["30 s"])
    """Lab time to wait before it is tried again; twice as long before each further attempt."""
    recover: DottedName | None = None
    """Dotted name of a plan that brings the lab in order again before anything else is run. It takes devices
    of the lab by name and, if it wants them, `operations` (names its actions) and `sample` (the one that failed)."""
    then: Literal["skip", "ask", "quarantine", "stop"] = "skip"
    """What to do afterwards: record it as failed and go on; pause for a person; record it, close the region around it
    for this campaign and go on; or end the campaign."""
    region: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), IS_NUMBER] = 0.05
    """How far a quarantined region reaches to each side of the trial, as a fraction of each parameter's range."""
    teaches: bool | None = None
    """Whether the recipe is to blame and not an instrument: the campaign then learns where trials fail, and looks
    elsewhere. Without it, only for `bad_outcome`."""


class ConfirmModel(FileModel):
    """How to confirm the winner before claiming it."""

    best: int = Field(ge=1, le=99, examples=["3"])
    """How many of the best recipes to measure again when the search is over."""
    replicates: int = Field(ge=1, le=99, examples=["3"])
    """How often to measure each of them again. The claim rests on these alone; two or more give it an interval."""


class PlateModel(FileModel):
    """How trials that are prepared one by one are measured together."""

    trials: int = Field(ge=2, le=999, examples=["8"])
    """How many trials share a plate. The trials of a plate are proposed without each other's outcomes."""
    measure: DottedName = Field(examples=["plans.colourplate.measure_plate"])
    """Dotted name of the plan that measures a plate in one run. It takes devices of the lab by name, `plate` (the
    trials that are prepared), and if it wants them `operations` (names what the trials share) and `md`."""


def _engine(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


def _kept(value: Any) -> Any:
    return {"keep": value} if isinstance(value, str) else value


def _kept_schema(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"type": "string"}, {"$ref": schema.pop("$ref")}]


Kept = Annotated[OutcomeConstraintModel, BeforeValidator(_kept), Field(json_schema_extra=_kept_schema)]


def _engine_schema(schema: dict[str, Any]) -> None:
    schema["anyOf"] = [{"$ref": schema.pop("$ref")}, {"enum": list(get_args(EngineName))}]


class CampaignModel(FileModel):
    """A campaign: one goal pursued in one lab."""

    name: Slug = Field(examples=["teal-in-forty"])
    """Name of the campaign: letters, digits, `-` and `_`, at most 64."""
    lab: Text = Field(examples=["lab.yaml"])
    """Path of the lab file, from the folder of this file."""
    challenge: Slug | None = None
    """Id of the challenge that the campaign belongs to."""
    parameters: dict[Name, ParameterModel] = Field(min_length=1, max_length=100, examples=["{x: {bounds: [0, 1]}}"])
    """What may be varied, by name."""
    constraints: list[str] = Field(default_factory=list[str], max_length=100, examples=['["cyan + magenta <= 300"]'])
    """What every trial keeps: relations between numeric parameters, with `+ - * / **` and one of `<= >= ==`; and texts
    such as `at most 2 of [a, b, c] above 0`."""
    rules: list[RuleModel] = Field(default_factory=list[RuleModel], max_length=100)
    """What people know that the model need not find out: parts of the space in which nothing is tried until a date."""
    objectives: dict[Name, ObjectiveModel] = Field(
        min_length=1, max_length=100, examples=["{colour_distance: {goal: minimize}}"]
    )
    """The metrics to improve, by name; several without weights at most 4."""
    outcome_constraints: list[Kept] = Field(
        default_factory=list[OutcomeConstraintModel], max_length=100, examples=['["turbidity <= 0.2"]']
    )
    """Bounds on metrics that the recommended trial should keep: texts such as `"turbidity <= 0.2"`, or mappings."""
    noise: dict[Name, Quantity] = Field(
        default_factory=dict[Name, Quantity], max_length=100, examples=["{colour_distance: 0.3}"]
    )
    """Standard error of one trial's outcome where it is known, by metric: a number in the metric's unit, or `reported`
    where each outcome brings its own. That of other metrics is learned."""
    outliers: Literal["keep", "doubt"] = "keep"
    """`doubt`: an outcome that the others make impossible counts for little until it is repeated. `keep`: it counts
    like any other. Either way the report names it."""
    plan: DottedName = Field(examples=["plans.colour.mix_and_measure"])
    """Dotted name of the Bluesky plan that runs a trial."""
    reduce: DottedName = Field(examples=["plans.colour.colour_distance"])
    """Dotted name of the reducer that makes outcomes from recorded data."""
    costs: CostsModel | None = None
    """What a trial costs: engines that learn then look for the most gain for the cost."""
    budget: BudgetModel = Field(examples=["{trials: 40}"])
    """What the campaign may use at most."""
    stopping: StoppingModel = StoppingModel()
    """When to stop before the budget is used up."""
    earlier: list[Text] = Field(default_factory=list[str], max_length=10, examples=["[teal-20260131-120000-1a2b]"])
    """What was measured before, from which the engine learns while it agrees with this campaign's own outcomes: ids of
    campaigns in the data folder, and tables (`.csv`) by their path from the folder of this file."""
    engine: Annotated[EngineModel, BeforeValidator(_engine)] = Field(
        default=EngineModel(), json_schema_extra=_engine_schema
    )
    """What proposes the trials: a name such as `sobol`, or a mapping."""
    lanes: int = Field(default=1, ge=1, le=16)
    """How many trials may run side by side."""
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    """Root of all random draws. Without it one is drawn, and recorded."""
    on_failure: dict[Fault, FaultModel] = Field(default_factory=dict[Fault, FaultModel])
    """What to do by kind of fault. Without it a failed trial is recorded, and the campaign goes on. A plan that failed
    in a way that nobody has named always pauses for a person."""
    plate: PlateModel | None = None
    """Trials are prepared one by one by `plan`, and measured by the plate in one run."""
    confirm: ConfirmModel | None = None
    """Measure the best trials again, beyond the budget, before one of them is claimed."""
    approval: Literal["routine", "new", "hazardous"] | None = None
    """What every trial asks for at least: `new` one person, `hazardous` two. It tightens the lab's tiers, and never
    loosens them."""
