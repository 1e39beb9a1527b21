"""Builds the journal of a campaign that looks like one of the colour bench, with the journal's own methods."""

from __future__ import annotations

import math
import random
from datetime import datetime
from pathlib import Path

from autolab.core.canonical import content_hash
from autolab.core.clock import VirtualClock
from autolab.core.constraints import Constraint
from autolab.core.diagnoses import Diagnosis, LeftOut, MetricDiagnosis, Misfit, ParameterRole, SlicePoint, SliceThrough
from autolab.core.explanations import Explanation, Neighbour, Odds, Prediction
from autolab.core.objectives import Objective, OutcomeConstraint
from autolab.core.operations import Operations
from autolab.core.parameters import ChoiceParameter, IntegerParameter, RangeParameter, Values
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Outcome, Suggestion, Verdict
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.records import DeviceRecord, Recommendation, Timings

PERSON = Principal("ada", "person")
PROBLEM = Problem(
    Space(
        (
            RangeParameter("cyan", 0, 300, "uL", 1),
            RangeParameter("magenta", 0, 300, "uL", 1),
            RangeParameter("yellow", 0, 300, "uL", 1),
            RangeParameter("mixing_time", 1, 30, "s", scale="log"),
            IntegerParameter("cycles", 1, 5),
            ChoiceParameter("solvent", ("water", "ethanol")),
        ),
        (Constraint("cyan + magenta + yellow <= 300"),),
    ),
    Objective("colour_distance", "minimize", 2.0),
    (OutcomeConstraint("turbidity", "<=", 0.4),),
)
DEVICES = (
    DeviceRecord("stage", "devices.motion.EpicsStage", "epics BENCH:STAGE:", "Stage 300", "S-1", "simulated"),
    DeviceRecord("dispenser", "devices.dispensers.SerialDispenser", "serial /dev/pts/3", "D4", "D-1", "simulated"),
    DeviceRecord("arm", "devices.robots.ZmqArm", "zmq tcp://127.0.0.1:5555", "Arm 6", "A-1", "simulated"),
    DeviceRecord(
        "spectrometer", "devices.spectrometers.EpicsSpectrometer", "epics BENCH:SPEC:", "V1", "X-1", "simulated"
    ),
)
EXPLANATION = Explanation(
    predictions=(Prediction("colour_distance", 3.21, 0.42, 0.1), Prediction("turbidity", 0.15, 0.03)),
    odds=(Odds("turbidity <= 0.4", 0.985),),
    acquisition=-1.5,
    gain=0.37,
    exploration=0.62,
    nearest=(Neighbour(4, 0.12), Neighbour(7, 0.3)),
    active=("lower bound of magenta, 0 uL",),
)
DIAGNOSIS = Diagnosis(
    "lean's Gaussian process with a squared exponential",
    (
        MetricDiagnosis(
            metric="colour_distance",
            explained=0.83,
            covered=0.75,
            noise=0.31,
            roles=(ParameterRole("cyan", 0.12, 1.4), ParameterRole("magenta", 0.8, 0.25)),
            misfits=(Misfit("outliers", "colour_distance: 1 outcome lies far from the model. Repeat trial 7", (7,)),),
            left_out=tuple(LeftOut(n, 3.0 + n, 3.2 + n, 0.4) for n in (6, 7, 8, 10)),
            slices=(
                SliceThrough(
                    "cyan", tuple(SlicePoint(x, 20 - x / 10, 1 + x / 50, x < 200) for x in (0.0, 120.0, 300.0))
                ),
                SliceThrough("solvent", (SlicePoint("water", 3.0, 0.5, True), SlicePoint("ethanol", 9.0, 2.0, True))),
            ),
        ),
    ),
)
CAMPAIGN_FILE = "name: {name}\nlab: lab.yaml\nobjectives:\n  colour_distance: {{goal: minimize, target: 2.0}}\n"


def write_journal(
    folder: Path,
    *,
    name: str = "teal-in-thirty",
    trials: int = 30,
    realm: str = "simulated",
    ended: bool = True,
    campaign: str | None = None,
    key: str = "k3f9a2c1",
    seed: int = 7,
    challenge: str | None = None,
    start: datetime | None = None,
    problem: Problem = PROBLEM,
) -> str:
    """Write the journal of one campaign into ``folder``. Returns the campaign's id."""
    clock = VirtualClock() if start is None else VirtualClock(start)
    journal = Journal(folder, clock)
    try:
        identity = campaign or "teal-in-thirty-20260102T101500"
        return _Writer(journal, clock, identity, key, seed, realm, challenge, problem).write(name, trials, ended)
    finally:
        journal.close()


class _Writer:
    def __init__(
        self,
        journal: Journal,
        clock: VirtualClock,
        campaign: str,
        key: str,
        seed: int,
        realm: str,
        challenge: str | None,
        problem: Problem,
    ) -> None:
        self.problem = problem
        self.journal, self.clock, self.campaign, self.key, self.realm = journal, clock, campaign, key, realm
        self.seed = seed
        self.challenge = "" if challenge is None else f"challenge: {challenge}\n"
        self.random = random.Random(seed)

    def write(self, name: str, trials: int, ended: bool) -> str:
        self.journal.start_campaign(
            CampaignStart(
                id=self.campaign,
                key=self.key,
                name=name,
                lab="colour-bench",
                laboratory="Example National Laboratory",
                realm=self.realm,
                bench=f"bench-{self.key}",
                seed=self.seed,
                engine=EngineSpec("ax"),
                lanes=1,
                budget_trials=trials,
                problem=self.problem,
                campaign_file=CAMPAIGN_FILE.format(name=name) + self.challenge,
                campaign_hash=content_hash(name),
                lab_file="name: colour-bench\n",
                lab_hash=content_hash("lab"),
                environment={
                    "python": "3.11.7",
                    "packages": {"bluesky": "1.15.1", "torch": "2.13.0"},
                    "machine": "x86_64",
                },
                devices=DEVICES,
            ),
            PERSON,
        )
        best: tuple[float, int, Values, float] | None = None
        for number in range(1, trials + 1):
            value, sem, values = self._trial(number, trials, best and best[2])
            if value is not None and (best is None or value < best[0]):
                best = (value, number, values, sem)
        self.journal.intervene(self.campaign, 12, PERSON, "plate swap", "rack 1 was empty; put strip-2 in")
        if ended:
            recommendation = best and Recommendation(
                best[1],
                best[2],
                best[0] + 0.05,
                0.09,
                "lowest posterior mean among the trials that were measured",
                diagnosis=DIAGNOSIS,
            )
            self.journal.end_campaign(
                self.campaign, "finished", f"all {trials} trials of the budget are used", recommendation
            )
        return self.campaign

    def _values(self, number: int, best: Values | None) -> Values:
        spread = 1.0 if number <= 12 or best is None else 5.0 / number
        goal = (120.0, 40.0, 60.0)
        numbers = [
            min(max(round(g + self.random.uniform(-1, 1) * spread * 90), 0), 100 if g < 100 else 180) for g in goal
        ]
        return {
            "cyan": float(numbers[0]),
            "magenta": float(numbers[1]),
            "yellow": float(numbers[2]),
            "mixing_time": round(math.exp(self.random.uniform(0, math.log(30))), 6),
            "cycles": self.random.randint(1, 5),
            "solvent": "water" if self.random.random() < 0.75 else "ethanol",
        }

    def _trial(self, number: int, trials: int, best: Values | None) -> tuple[float | None, float, Values]:
        values = self._values(number, best)
        engine, why = (
            ("sobol", "part of the initial design, which spreads over the space")
            if number <= 12
            else ("ax", "largest expected improvement; most of it expected from less magenta")
        )
        explanation = Explanation(silent="a point that fills the space") if number <= 12 else EXPLANATION
        seen = tuple(range(1, number))
        suggestion = Suggestion(number, values, engine, why, 1000 + number, seen, (), explanation)
        self.journal.suggest(self.campaign, self.realm, suggestion)
        if number == 9:
            refused = Verdict("refused", ("cyan + magenta + yellow is 312 uL, above the 300 uL that a well holds",))
            self.journal.screen(self.campaign, suggestion, refused, PERSON)
            return None, 0, values
        needs = {name: float(values[name]) for name in ("cyan", "magenta", "yellow")}
        self.journal.screen(self.campaign, suggestion, Verdict("allowed", dry_run="proved", needs_ul=needs), PERSON)
        well = (number - 1) % 12
        sample = Sample(f"{self.key}-{number}", f"strip-{(number - 1) // 12 + 1}", "rack_1", well)
        self.journal.begin(self.campaign, suggestion, 1, sample, f"bench-{self.key}")
        failed = self._act(number, values)
        if failed:
            self.journal.fail(self.campaign, number, failed)
            return None, 0, values
        self.journal.acquired(self.campaign, number)
        outcome = self._outcome(values)
        self.journal.reduced(self.campaign, number, 1, 1, outcome)
        self.journal.ingested(self.campaign, number, Timings(2.1 + self.random.random(), 1.6, 0.03, 0.3))
        distance = outcome["colour_distance"]
        return distance.value, distance.sem or 0.0, values

    def _outcome(self, values: Values) -> Outcome:
        off = sum((float(values[n]) - g) ** 2 for n, g in (("cyan", 120), ("magenta", 40), ("yellow", 60)))
        distance = 0.8 + 0.35 * math.sqrt(off) + abs(self.random.gauss(0, 0.3))
        return {
            "colour_distance": Estimate(distance, 0.05 + 0.1 * self.random.random()),
            "turbidity": Estimate(0.05 + 0.2 * self.random.random(), 0.01),
        }

    def _act(self, number: int, values: Values) -> str | None:
        operations = Operations(self.key, number)
        steps = [("stage", "to-dispenser", 4.0)]
        steps += [("dispenser", f"dispense-{n[:5]}", float(values[n]) / 30) for n in ("cyan", "magenta", "yellow")]
        steps += [
            ("stage", "to-reader", 5.0),
            ("arm", "load", 6.0),
            ("spectrometer", "measure", 3.0),
            ("arm", "unload", 6.0),
        ]
        for device, phase, seconds in steps:
            operation = operations(phase)
            material = next((n for n in ("cyan", "magenta", "yellow") if phase == f"dispense-{n[:5]}"), None)
            pour = {} if material is None else {"material": material, "volume_ul": float(values[material])}
            self.journal.intend(operation, self.campaign, device, {"set": phase, **pour})
            self.clock.sleep(seconds)
            if number == 17 and phase == "load":
                why = "arm: the gripper closed and its read-back says open; look at the gripper and run the trial again"
                self.journal.settle(operation, "failed", why)
                return why
            self.journal.settle(operation, "done")
        return None
