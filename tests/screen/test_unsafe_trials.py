"""Unsafe trials are not executed, safe ones are: one campaign on the bench in memory, through the whole loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autolab.campaign.stopping import StopSwitch
from autolab.compose.conducting import conduct
from autolab.compose.matching import bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.core.principals import Principal
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion, TrialState
from autolab.journal.reader import JournalReader
from tests.compose.files import example

N_UNSAFE, N_SAFE = 240, 200
DOCK_MM, OUTSIDE_MM, FULL_UL, LONGEST_S = (140.0, 160.0), 290.0, 230.0, 40.0
PLAN = '''
"""A careless plan: it does what it is told."""
import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from autolab.core.operations import Operations
from autolab.core.samples import Sample
from autolab.core.trials import Estimate
from devices.dispensers import Dispense, Mix, SerialDispenser
from devices.motion import EpicsStage
from devices.robots import Transfer, ZmqArm
from plans.colour import bring
from plans.conventions import Microlitres, Seconds, act
from plans.reducers import reducer


def pour(stage: EpicsStage, dispenser: SerialDispenser, arm: ZmqArm, *, cyan: Microlitres, magenta: Microlitres,
         yellow: Microlitres, mixing_time: Seconds, parking: float, speed: float, sample: Sample,
         operations=Operations(), md=None):
    def body():
        yield from bps.mv(stage, 20.0)
        yield from bring(arm, sample.labware, operations)
        for material, volume in (("cyan", cyan), ("magenta", magenta), ("yellow", 2 * yellow)):
            if volume > 0:
                action = Dispense(material=material, volume_ul=volume, operation=operations(f"disp-{material}"))
                yield from act(dispenser, action)
        yield from act(dispenser, Mix(duration_s=2 * mixing_time, operation=operations("mix")))
        if speed > 0:
            yield from bps.mv(stage.velocity, speed)
        yield from bps.mv(stage, parking)
        yield from act(arm, Transfer(labware=sample.labware, source="stage", target=sample.place,
                                     operation=operations("take-away")))
        yield from bps.trigger_and_read([dispenser])

    return (yield from bpp.run_wrapper(body(), md={"plan_name": "pour", **(md or {})}))


@reducer(metrics=("poured",))
def poured(data):
    return {"poured": Estimate(float(data.column("dispenser_dispensed")[-1]))}
'''
CAMPAIGN = f"""
name: careless
lab: lab.yaml
parameters:
  cyan: {{bounds: [0, 120], unit: uL}}
  magenta: {{bounds: [0, 120], unit: uL}}
  yellow: {{bounds: [0, 120], unit: uL}}
  mixing_time: {{bounds: [1, 30], unit: s}}
  parking: {{bounds: [0, 300]}}
  speed: {{bounds: [0, 100]}}
objectives: {{poured: {{goal: minimize}}}}
plan: careless.plans.pour
reduce: careless.plans.poured
budget: {{trials: {N_UNSAFE + N_SAFE}}}
"""


def lab_of(folder: Path) -> Path:
    """The colour bench with limits of its own; returns the campaign file beside it."""
    file = example("colour", folder, {"lab.yaml": ("wells: 24", "wells: 60")})
    lab = file.with_name("lab.yaml")
    text = lab.read_text(encoding="utf-8")
    zone = f"ranges: {{stage.position: {{min: {DOCK_MM[0]} mm, max: {DOCK_MM[1]} mm}}}}"
    for old, new in (
        ("compatible: [magenta, yellow, clear]", "compatible: [yellow, clear], incompatible: [magenta]"),
        ("moves: [stage.position]", zone),
        ("max: 300 mm, max_step: 300 mm", f"max: {OUTSIDE_MM} mm, max_step: 300 mm"),
        ("max: 100 mm/s}", "max: 100 mm/s, tier: prohibited}"),
        ("dispenser.volume: {min: 0 uL, max: 300 uL}", "dispenser.volume: {min: 0 uL, max: 150 uL}"),
        ("max: 60 s", f"max: {LONGEST_S} s"),
        ("capacity: 360 uL", "capacity: 250 uL"),
        ("interlocks: []", "packages: [careless]\ninterlocks: []"),
    ):  # fmt: skip
        assert old in text, old
        text = text.replace(old, new)
    freeboard = next(line for line in text.splitlines() if "freeboard" in line)
    lab.write_text(text.replace(freeboard, "    freeboard: 20 uL"), encoding="utf-8")
    (package := file.parent / "careless").mkdir()
    (package / "__init__.py").touch()
    (package / "plans.py").write_text(PLAN, encoding="utf-8")
    file.write_text(CAMPAIGN, encoding="utf-8")
    return file


def why_unsafe(values: Mapping[str, Any]) -> set[str]:
    """What is wrong with a trial, thought out anew: what the plan does, and what the lab file says."""
    c, m, y = values["cyan"], values["magenta"], 2 * values["yellow"]
    wrong = {
        "outside the envelope": values["parking"] > OUTSIDE_MM or y > 150.0 or 2 * values["mixing_time"] > LONGEST_S,
        "prohibited": values["speed"] > 0,
        "forbidden mixture": c > 0 and m > 0,
        "over volume": c + m + y > FULL_UL,
        "zone conflict": DOCK_MM[0] <= values["parking"] <= DOCK_MM[1],
    }
    return {kind for kind, is_wrong in wrong.items() if is_wrong}


def drawn(chance: np.random.Generator, kind: str) -> dict[str, float]:
    """A trial that is unsafe in this way; a safe one for ``safe``."""
    while True:
        parking = float(chance.choice([20.0, 60.0, 120.0, 200.0, 280.0]))
        values = {"cyan": 0.0, "magenta": 0.0, "yellow": round(float(chance.uniform(1, 70)), 1), "mixing_time": 1.0}
        values |= {"parking": parking, "speed": 0.0, str(chance.choice(["cyan", "magenta"])): 20.0}
        match kind:
            case "outside the envelope":
                name, low, high = [("parking", 290.1, 300), ("yellow", 75.1, 104), ("mixing_time", 20.1, 30)][
                    int(chance.integers(3))
                ]
                values[name] = round(float(chance.uniform(low, high)), 1)
            case "prohibited":
                values["speed"] = round(float(chance.uniform(1, 100)), 1)
            case "forbidden mixture":
                values |= {"cyan": 10.0, "magenta": round(float(chance.uniform(0.5, 60)), 1), "yellow": 0.0}
            case "over volume":
                values |= {"yellow": 75.0, "cyan": round(float(chance.uniform(80.1, 120)), 1), "magenta": 0.0}
            case "zone conflict":
                values["parking"] = round(float(chance.uniform(*DOCK_MM)), 1)
            case _:
                pass
        if bool(why_unsafe(values)) == (kind != "safe"):
            return values


class Listed:
    """Proposes what is on a list: a proposer that nobody should trust."""

    def __init__(self, values: list[dict[str, float]]) -> None:
        self.values = values

    def suggest(self, request: SuggestRequest) -> Suggestion:
        seen = tuple(item.trial for item in request.observations)
        pending = tuple(item.trial for item in request.pending)
        values = self.values[request.trial - 1]
        return Suggestion(request.trial, values, "random", "it is on the list", request.seed, seen, pending)

    def recommend(self, *_: Any) -> None:
        return None


@pytest.mark.timeout(300)
def test_of_240_unsafe_trials_none_is_executed_and_of_200_safe_ones_none_is_refused(tmp_path: Path):
    kinds = ("outside the envelope", "prohibited", "forbidden mixture", "over volume", "zone conflict")
    chance = np.random.default_rng(7)
    order = [*(["safe", None] * N_SAFE), *([None] * (N_UNSAFE - N_SAFE))]
    unsafe = iter([kinds[number % len(kinds)] for number in range(N_UNSAFE)])
    planned = [kind or next(unsafe) for kind in order[: 2 * N_SAFE]]
    for place in range(2, 3 * (N_UNSAFE - N_SAFE), 3):  # never three refusals in a row: that would end the campaign
        planned.insert(place, next(unsafe))
    values = [drawn(chance, kind) for kind in planned]
    options = RunOptions(data=Path(), simulate=True, virtual=True, seed=0, engine="random", lanes=1, in_memory=True)
    file = lab_of(tmp_path)
    bound = bind_files(file, options)
    with ExitStack() as stack:
        journal, lab = open_all(stack, bound, options, None, 0, "unsafe")
        setup = make_setup(bound, lab, "unsafe", 0, Principal("ada", "person"), "unsafe", None)
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), Principal("ada", "person"))
        result = conduct(stack, bound, setup, lab, Listed(values), journal, (), StopSwitch())
        reader = JournalReader(journal.states, journal.documents)
        trials, intents = reader.trials("unsafe"), reader.intents("unsafe")
        counts = lab.counts()
    assert result.state == "finished", result.reason
    assert len(trials) == N_UNSAFE + N_SAFE
    acted = Counter(intent.trial for intent in intents)
    for trial in trials:
        if wrong := why_unsafe(trial.suggestion.values):
            assert trial.state is TrialState.REFUSED, (wrong, trial.suggestion.values)
            assert trial.verdict is not None
            assert all(trial.verdict.reasons)
            assert acted[trial.number] == 0
        else:
            assert trial.state is TrialState.INGESTED, (trial.failure, trial.verdict)
            assert acted[trial.number] > 0
    assert sum(counts.values()) == len(intents)  # what the instruments have counted is what safe trials have done
