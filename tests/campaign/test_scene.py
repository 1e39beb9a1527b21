"""How things stand for the next trial: what has expired, what is left, and what is in its well by the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from autolab.campaign.stock import Stock
from autolab.campaign.wells import content_ul
from autolab.config.specs import MaterialSpec
from autolab.core.clock import VirtualClock
from autolab.core.errors import DeviceError
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.operations import OperationId
from autolab.core.trials import Estimate
from plans.conventions import act
from safety.scene import LabRules
from tests.campaign.softlab import SoftLab

STRIP = tuple(("strip-1", "rack_1", well) for well in range(6))


@dataclass(frozen=True)
class Dose:
    """An action of the soft pump that puts a material into the trial's well."""

    amount: float
    material: str
    volume_ul: float
    operation: OperationId


def dose(pump, x, operations, md):
    yield from act(pump, Dose(x, "dye", 40.0, operations("dye")))
    yield from act(pump, Dose(x, "water", 60.0, operations("water")))
    yield from act(pump, Dose(x, "water", 5.0, operations("more")))


def test_a_campaign_pauses_before_a_trial_that_would_use_what_expired_while_it_ran() -> None:
    dye = MaterialSpec("dye", 1e6, date(2000, 1, 1))
    lab = SoftLab(clock=VirtualClock(datetime(2000, 1, 1, 23, 59, 57, tzinfo=UTC)), rules=LabRules({"dye": dye}))
    result = lab.run()
    assert (result.state, result.exit_code) == ("paused", 5)
    assert result.reason == (
        "dye expired on 2000-01-01, and today is 2000-01-02: put fresh one in, and write its date and stock under "
        "'materials' in the lab file, and resume with --accept-changes"
    )
    assert [str(trial.state) for trial in lab.trials_of()][:2] == ["ingested", "ingested"], "each began before midnight"
    assert len(lab.pump.poured) == 2


def test_a_campaign_whose_materials_are_fresh_runs_to_its_end() -> None:
    assert SoftLab(rules=LabRules({"dye": MaterialSpec("dye", 1e6, date(2000, 1, 1))})).run().state == "finished"


def test_what_is_in_a_well_is_what_its_own_attempt_poured_into_it() -> None:
    once = [True]

    def fails(amount: float) -> DeviceError | None:
        return DeviceError("no luck") if once and amount < 1.0 and once.pop() else None

    lab = SoftLab(
        trials=2, wells=STRIP, uses_samples=True, make_plan=dose, fails=fails,
        reduce=lambda data: {"y": Estimate(1.0)}, on_failure={FaultKind.DEVICE: FaultPolicy(retry=1)},
    )  # fmt: skip
    lab.run()

    def content(well: int) -> dict[str, float]:
        return content_ul(lab.journal, "soft", "bench", "strip-1", well)

    assert content(0) == {"dye": 40.0, "water": 65.0}
    assert content(1) == {"dye": 40.0}, "the attempt that failed got no further"
    assert content(2) == {"dye": 40.0, "water": 65.0}
    assert content(3) == {}
    assert content_ul(lab.journal, "soft", "another bench", "strip-1", 0) == {}


def test_what_a_running_trial_may_still_need_is_not_free_for_another() -> None:
    stock = Stock(lambda: {"dye": 100.0, "water": 5.0})
    stock.book(1, Dose(1.0, "dye", 40.0, OperationId("k", 1, 1, "dye")))
    stock.over(1)
    stock.book(2, Dose(1.0, "dye", 10.0, OperationId("k", 2, 1, "dye")))
    assert stock.free_ul() == {"dye": 20.0, "water": 5.0}, "50 are left, of which trial 2 may take 30"
