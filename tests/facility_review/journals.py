"""Writes journals of campaigns with known truths, with the journal's own methods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autolab.core.canonical import content_hash
from autolab.core.clock import VirtualClock
from autolab.core.faults import FaultKind
from autolab.core.objectives import Objective
from autolab.core.operations import Operations
from autolab.core.parameters import RangeParameter, Value
from autolab.core.principals import Principal
from autolab.core.problem import Problem, Space
from autolab.core.proposing import EngineSpec
from autolab.core.samples import Sample
from autolab.core.trials import Estimate, Suggestion, Verdict
from autolab.journal.inbox import Inbox
from autolab.journal.journal import CampaignStart, Journal
from autolab.journal.records import DeviceRecord, Timings

ADA = Principal("Ada Lovelace", "person")
SYSTEM = Principal("autolab", "system")
PROBLEM = Problem(
    Space((RangeParameter("cyan", 0.0, 100.0, "uL"), RangeParameter("time", 1.0, 100.0, "s", scale="log"))),
    Objective("distance", "minimize", 2.0),
)
LAB = """\
name: {name}
laboratory: Example National Laboratory
devices:
  stage: {{class: devices.motion.EpicsStage, at: {{epics: "BENCH:STAGE:"}}}}
  pump: {{class: devices.dispensers.SerialDispenser, at: {{serial: /dev/ttyUSB0}}}}
materials: {{cyan: {{stock: 100 mL}}}}
labware: {{strip: {{places: [rack_1, rack_2], wells: 24}}}}
envelope:
  stage.position: {{min: 0 mm, max: 300 mm}}
  pump.volume: {{min: 0 uL, max: 300 uL}}
envelope_version: "2026-03"
interlocks:
  - {{name: too-far, when: stage.position > 250 mm, effect: trip, why: the arm hits the wall}}
  - {{name: hot, when: pump.volume > 200 uL, effect: alarm, why: it spills}}
safe_state: [{{device: stage, do: stop}}]
"""


def lab_text(name: str = "bench") -> str:
    """A lab file of two devices."""
    return LAB.format(name=name)


@dataclass
class Bench:
    """A data folder and the journal that a controller keeps in it."""

    folder: Path
    lab: str = "bench"
    realm: str = "physical"
    start: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    text: str = ""
    """The lab file that its campaigns record."""
    envelope: str = ""
    person: Principal = ADA
    clock: VirtualClock = field(init=False)
    journal: Journal = field(init=False)
    n_campaigns: int = 0
    n_samples: int = 0

    def __post_init__(self) -> None:
        self.clock = VirtualClock(self.start)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal(self.folder, self.clock)
        self.text = self.text or lab_text(self.lab)

    @property
    def devices(self) -> tuple[DeviceRecord, ...]:
        mark = "" if self.realm == "physical" else "SIM-"
        named = (
            ("stage", "devices.motion.EpicsStage", "epics BENCH:STAGE:", "Stage 300", "S-1"),
            ("pump", "devices.dispensers.SerialDispenser", "serial /dev/ttyUSB0", "D4", "D-1"),
        )
        return tuple(
            DeviceRecord(name, kind, address, model, f"{mark}{serial}", self.realm)
            for name, kind, address, model, serial in named
        )

    def begin(self, engine: str = "ax", *, budget: int = 100, problem: Problem = PROBLEM, **extra: Any) -> Run:
        """Start a campaign."""
        self.n_campaigns += 1
        name = f"{self.lab}-{self.n_campaigns:03d}"
        values: dict[str, Any] = {
            "id": name,
            "key": content_hash(name)[:8],
            "name": name,
            "lab": self.lab,
            "laboratory": "Example National Laboratory",
            "realm": self.realm,
            "bench": "physical",
            "seed": 7,
            "engine": EngineSpec(engine),
            "lanes": 1,
            "budget_trials": budget,
            "problem": problem,
            "campaign_file": "name: x\nlab: lab.yaml\nchallenge: achieving-ai-driven-autonomous-laboratories\n",
            "campaign_hash": content_hash("campaign"),
            "lab_file": self.text,
            "lab_hash": content_hash(self.text),
            "environment": {"autolab": "0.1.0", "python": "3.11.7", "packages": {}},
            "devices": self.devices,
            "envelope_hash": self.envelope,
        }
        self.journal.start_campaign(CampaignStart(**{**values, **extra}), self.person)
        return Run(self, name)

    def close(self) -> None:
        self.journal.close()


@dataclass
class Run:
    """One campaign as it is written."""

    bench: Bench
    id: str
    number: int = 0

    def suggest(
        self, engine: str = "ax", *, informed: bool = True, values: dict[str, Value] | None = None, asks: bool = False
    ) -> Suggestion:
        """A trial up to its verdict."""
        self.number += 1
        seen = tuple(range(1, self.number)) if informed else ()
        values = values or {"cyan": 50.0, "time": 10.0}
        suggestion = Suggestion(self.number, values, engine, "it seems good", self.number, seen, ())
        journal = self.bench.journal
        journal.suggest(self.id, self.bench.realm, suggestion)
        if asks:
            journal.screen(self.id, suggestion, Verdict("needs approval", ("new region",), 1), self.bench.person)
            journal.enter_approved(self.id, suggestion, "approved by Grace Hopper", Principal("Grace Hopper", "person"))
        else:
            journal.screen(self.id, suggestion, Verdict("allowed"), self.bench.person)
        return suggestion

    def start(self, suggestion: Suggestion, *, with_run: bool = True, ul: float = 10.0) -> None:
        """Let it run: one run, and one action that uses material."""
        bench = self.bench
        bench.n_samples += 1
        sample = Sample(f"s-{bench.lab}-{bench.n_samples}", "strip", "rack_1", bench.n_samples)
        bench.journal.begin(self.id, suggestion, 1, sample, "physical")
        if with_run:
            start = {"uid": f"{self.id}-{suggestion.trial}", "trials": [suggestion.trial], "plan_name": "mix"}
            bench.journal.record(self.id, 1, suggestion.trial, "start", start)
        operation = Operations(content_hash(self.id)[:8], suggestion.trial)("dispense")
        bench.journal.intend(operation, self.id, "pump", {"material": "cyan", "volume_ul": ul})
        bench.journal.settle(operation, "done")

    def finish(self, number: int, value: float, sem: float | None = 0.1, proposer_s: float = 0.5) -> None:
        """It gives a result."""
        journal = self.bench.journal
        journal.acquired(self.id, number)
        journal.reduced(self.id, number, 1, 1, {"distance": Estimate(value, sem)})
        journal.ingested(self.id, number, Timings(2.0, 1.0, 0.1, proposer_s))

    def trial(self, value: float | None = 5.0, *, seconds: float = 60.0, **said: Any) -> int:
        """A whole trial; None as its value lets it fail for a timeout. Returns its number."""
        with_run, sem = said.pop("with_run", True), said.pop("sem", 0.1)
        proposer_s, fault = said.pop("proposer_s", 0.5), said.pop("fault", FaultKind.TIMEOUT)
        suggestion = self.suggest(**said)
        self.start(suggestion, with_run=with_run)
        self.wait(seconds)
        if value is None:
            self.bench.journal.fail(self.id, suggestion.trial, "it did not finish in time", fault)
        else:
            self.finish(suggestion.trial, value, sem, proposer_s)
        return suggestion.trial

    def trials(self, values: Sequence[float | None], **said: Any) -> None:
        for value in values:
            self.trial(value, **said)

    def wait(self, seconds: float) -> None:
        self.bench.clock.sleep(seconds)

    def intervene(self, cause: str, by: Principal = ADA, detail: str = "") -> None:
        self.bench.journal.intervene(self.id, None, by, cause, detail)

    def hold(self, seconds: float, verb: str = "pause") -> None:
        """A person asks for a pause from another process; the safe state is reached after some seconds."""
        journal = self.bench.journal
        Inbox(journal.states).post(self.id, verb, {}, ADA, journal.date())
        self.intervene("pause", ADA)
        self.wait(seconds)
        self.intervene("safe state", SYSTEM, "stage: stop")

    def resume(self, lab_s: float | None = None, by: Principal = ADA) -> None:
        journal = self.bench.journal
        journal.resume_campaign(self.id, journal.lab_s() if lab_s is None else lab_s, by, "its controller was gone")

    def end(self, state: str = "finished") -> None:
        self.bench.journal.end_campaign(self.id, state, "the budget is used", None)


@contextmanager
def bench(folder: Path, **said: Any) -> Iterator[Bench]:
    """A journal that is open for writing inside the block; its rows are committed together."""
    made = Bench(folder, **said)
    try:
        made.journal.export_heads(None)
        with made.journal.commit():
            yield made
    finally:
        made.close()


def write_unit(folder: Path, name: str = "bench", evidence: str = "") -> Path:
    """A lab file with the evidence beside it. Returns the lab file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lab.yaml").write_text(lab_text(name), encoding="utf-8")
    if evidence:
        (folder / "evidence.yaml").write_text(evidence, encoding="utf-8")
    return folder / "lab.yaml"


IDENTITY = """\
unit: {name}
identity:
  by: Grace Hopper
  date: 2026-10-01
  devices:
    stage: {{model: Stage 300, serial_number: S-1}}
    pump: {{model: D4, serial_number: D-1}}
"""
