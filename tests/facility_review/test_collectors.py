"""What is planted in a journal comes out of it, exactly; and what a journal does not know is not made up."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from autolab.core.calibrations import Calibration, Validity
from autolab.core.faults import FaultKind
from autolab.core.objectives import Objective
from autolab.core.principals import Principal
from autolab.core.problem import Problem
from autolab.journal import calibrations, trips
from autolab.journal.conformance import CheckRecord, ConformanceTest, keep_conformance
from autolab.journal.records import DeviceRecord
from facility_review.collecting import UnitEvidence, collect, collectors
from facility_review.evidence import EvidenceRecord
from facility_review.instrument import load_instrument
from facility_review.statistics import garwood, mtbf_interval, wilson
from facility_review.units import load_units
from tests.facility_review.journals import ADA, IDENTITY, PROBLEM, SYSTEM, Bench, bench, write_unit

AS_OF = date(2026, 11, 22)
INSTRUMENT = load_instrument()


def gathered(folder: Path, evidence: str = "", name: str = "bench", **said: Any) -> UnitEvidence:
    units = load_units([write_unit(folder / "files", name, evidence)])
    return collect(units, [folder / "data"], INSTRUMENT, said.pop("as_of", AS_OF), **said)[0]


def record(found: UnitEvidence, subject: str, realm: str = "physical") -> EvidenceRecord:
    chosen = [each for each in found.records if each.subject == subject and each.realm == realm]
    assert len(chosen) == 1, [str(finding) for finding in found.findings if finding.subject == subject]
    return chosen[0]


def why_not(found: UnitEvidence, subject: str) -> str:
    assert not [each for each in found.records if each.subject == subject]
    return " ".join(finding.text for finding in found.findings if finding.subject == subject)


# journal 1: one long closed loop


def first(made: Bench) -> None:
    """3 of the initial design, 40 chosen by a model (4 of them fail), 1 pause of 1 h, 2 min each."""
    run = made.begin()
    run.trials([9.0, 8.0, 7.0], engine="sobol", informed=False, seconds=120.0)
    run.trials([6.0] * 20, seconds=120.0)
    run.hold(4.0)
    lab_s = made.journal.lab_s()
    made.clock.sleep(3600.0)
    run.resume(lab_s)
    run.trials([5.0] * 12 + [None] * 4 + [4.0] * 4, seconds=120.0)
    run.intervene("approve")
    run.end()


def test_the_closed_loop_is_measured_as_it_was_planted(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path)
    hours = record(found, "m_closed_loop_hours")
    assert hours.value == pytest.approx((43 * 120 + 4) / 3600)
    assert hours.n == 1
    assert record(found, "m_cl_iterations").value == 36
    share = record(found, "m_ai_directed_share")
    assert (share.value, share.n, share.successes) == (40 / 43, 43, 40)
    assert share.interval == wilson(40, 43)
    valid = record(found, "m_valid_yield")
    assert (valid.value, valid.n, valid.interval) == (39 / 43, 43, wilson(39, 43))
    assert record(found, "closed_loop_campaigns").fact == 1
    assert valid.runs == ("bench-001: trials 1-43",)


def test_interventions_are_counted_by_what_people_did(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path)
    per_100 = record(found, "m_interventions_per_100")
    assert per_100.value == pytest.approx(100 / 43), "the pause; its resume belongs to it, an approval is planned"
    low, high = garwood(1, 43)
    assert per_100.interval == pytest.approx((100 * low, 100 * high))
    assert record(found, "m_unattended_max").value == pytest.approx(23 * 120 / 3600)
    assert record(found, "m_assisted_max").value == pytest.approx(23 * 120 / 3600)


def test_stops_and_restores_are_measured(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path)
    mtbf, hours = record(found, "m_mtbf"), (43 * 120 + 4) / 3600
    assert (mtbf.value, mtbf.n) == (pytest.approx(hours), 1)
    assert mtbf.interval == pytest.approx(mtbf_interval(hours, 1))
    mttr = record(found, "m_mttr")
    assert (mttr.value, mttr.n, mttr.interval) == (pytest.approx(1.0), 1, None)
    assert record(found, "m_pause_latency_p95").value == pytest.approx(4.0)
    assert record(found, "hold_requests_honoured_share").fact == 1.0


def test_what_a_journal_does_not_know_is_not_made_up(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path)
    known = {each.subject for each in found.records}
    assert not known & {"m_bias_en", "m_known_answer", "m_silent_failure", "m_pi_miscoverage", "m_availability"}
    assert not known & {"m_limit_reject", "m_estop_coverage", "m_asset_coverage", "m_workflow_automation"}
    assert "ideal_cycle_s" in why_not(found, "m_throughput_ratio")
    assert "precision_rsd" in why_not(found, "m_precision_ratio")
    assert "no proof test" in why_not(found, "m_interlock_assured")


# journal 2: failures, retries, trips, and what people do about them


def second(made: Bench) -> None:
    run = made.begin()
    run.trials([5.0] * 4)
    run.trial(None)  # goes on by itself
    run.trial(None, with_run=False)  # goes on by itself; no data
    run.trial(None, fault=FaultKind.UNKNOWN)  # a person steps in
    run.intervene("abandon")
    run.trial(5.0)
    trips.record(made.journal, run.id, made.lab, "physical", "too-far: stage.position reads 260 mm")
    run.intervene("safe state", SYSTEM, "stage: stop")  # parked
    run.end("failed")
    made.clock.sleep(1800.0)
    trips.reset(made.journal, made.lab, ADA, "the stage was moved back by hand")
    other = made.begin()
    other.trials([4.0, 3.0, 2.0])
    trips.record(made.journal, other.id, made.lab, "physical", "too-far: stage.position reads 270 mm")
    other.intervene("safe state", SYSTEM, "stage: stop: failed (it does not answer)")
    other.end("failed")


def test_faults_are_counted_with_who_dealt_with_them(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        second(made)
    found = gathered(tmp_path)
    handled = record(found, "m_auto_exception")
    assert (handled.successes, handled.n) == (3, 5), "two went on, one parked; a person came, one failed to park"
    recorded = record(found, "m_failures_recorded")
    assert (recorded.successes, recorded.n) == (1, 3), "one has no data, one no cause"
    assert record(found, "m_interventions_per_100").value == pytest.approx(100 * 2 / 11), "abandon and reset"
    assert record(found, "m_mtbf").n == 2


# journal 3: benchmark, repeats, replicates, coverage


def third(made: Bench) -> None:
    for reached in (10, 12, 14):
        run = made.begin("ax", budget=20)
        run.trials([9.0] * (reached - 1) + [1.0] * (21 - reached))
        run.end()
    for reached in (20, 18, None):
        run = made.begin("random", budget=20)
        values = [8.0, 10.0] * 10
        if reached is not None:
            values[reached - 1] = 1.5
        run.trials(values, engine="random", informed=False)
        run.end()


def test_acceleration_and_enhancement_come_from_paired_campaigns(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        third(made)
    found = gathered(tmp_path)
    af = record(found, "m_af")
    assert (af.value, af.n) == (pytest.approx(20 / 12), 3)
    assert "lower bound" in " ".join(af.notes)
    assert af.interval is not None
    assert af.interval[0] <= 20 / 12 <= af.interval[1]
    ef = record(found, "m_ef_norm")
    assert ef.value == pytest.approx((1.5 - 1.0) / (8.0 - 1.0)), "the median of what the reference found is 8"


def test_repeats_and_replicates_are_compared(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        run = made.begin()
        run.trials([5.0, 5.0, 5.0])
        for number, value in ((1, 5.2), (2, 5.9)):
            again = run.suggest("repeat")
            made.journal.states.write(
                "UPDATE trials SET repeat_of = ? WHERE campaign = ? AND number = ?", (number, run.id, again.trial)
            )
            run.start(again)
            run.finish(again.trial, value)
        for number, (a, b) in ((1, (0.9, 1.1)), (2, (1.8, 2.2))):
            for replicate, value in ((2, a), (3, b)):
                made.journal.states.insert(
                    "replicates", campaign=run.id, trial=number, replicate=replicate, attempt=1,
                    outcome=f'{{"distance":{{"value":{value},"sem":0.1}}}}',
                )  # fmt: skip
            made.journal.states.write("DELETE FROM replicates WHERE trial = ? AND replicate = 1", (number,))
        run.end()
    evidence = IDENTITY.format(name="bench") + "requirements: {precision_rsd: {distance: 0.1}}\n"
    found = gathered(tmp_path, evidence)
    agree = record(found, "m_rerun_agree")
    assert (agree.successes, agree.n) == (1, 2), "0.2 is within 2 standard errors, 0.9 is not"
    assert agree.runs == ("bench-001: trials 4-5",)
    precision = record(found, "m_precision_ratio")
    assert (precision.value, precision.n) == (pytest.approx(math.sqrt(0.02) / 0.1), 2)


def test_trials_that_confirm_a_winner_are_replicates_of_the_system(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        run = made.begin()
        run.trials([0.2, 5.0])
        for value in (0.9, 1.1):
            again = run.suggest("confirm")
            made.journal.states.write(
                "UPDATE trials SET repeat_of = 1 WHERE campaign = ? AND number = ?", (run.id, again.trial)
            )
            run.start(again)
            run.finish(again.trial, value)
        run.end()
    evidence = IDENTITY.format(name="bench") + "requirements: {precision_rsd: {distance: 0.1}}\n"
    precision = record(gathered(tmp_path, evidence), "m_precision_ratio")
    assert (precision.value, precision.n) == (pytest.approx(math.sqrt(0.02) / 0.1), 1)  # and not with the lucky 0.2


def test_coverage_provenance_material_and_metadata(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        run = made.begin()
        run.trial(5.0, values={"cyan": 10.0, "time": 1.0})
        run.trial(5.0, values={"cyan": 60.0, "time": 10.0}, sem=None, proposer_s=9.0)
        run.trial(None, values={"cyan": 100.0, "time": 100.0})
        run.end()
    needs = "requirements: {material_baseline_ul: 30, decision_deadline_s: 1, ideal_cycle_s: 1000}\n"
    found = gathered(tmp_path, IDENTITY.format(name="bench") + needs)
    assert record(found, "m_param_coverage").value == pytest.approx((0.5 + 0.5) / 2), "the failed one covers nothing"
    assert record(found, "m_prov_complete").value == pytest.approx(0.7)
    assert record(found, "m_material_ratio").value == pytest.approx(30.0 / 2 / 30.0)
    assert record(found, "m_compute_deadline").value == pytest.approx(0.5)
    assert record(found, "m_meta_complete").value == pytest.approx((1 + 0.8 + 1) / 3)
    assert record(found, "m_throughput_ratio").value == pytest.approx(2 / 86.4)
    assert record(found, "m_command_attribution").value == 0.0, "the lab file names nobody, so no key was asked for"


def test_results_that_lead_to_their_calibration_prove_it_and_calibrating_or_moving_is_no_experiment(
    tmp_path: Path,
) -> None:
    blank = Calibration("blank", "blank", ("pump",), "my_lab.blank", None, Validity(trials=9))
    with bench(tmp_path / "data") as made:
        run = made.begin()
        for number in (run.trial(5.0), run.trial(4.0)):
            begun = calibrations.begin(made.journal, blank, {"pump": "D4"}, run.id, number, 1, ADA)
            calibrations.done(made.journal, begun, ["r"], None)
            calibrations.use(made.journal, begun.id, run.id, number, 1, f"{run.id}-{number}", 3)
        run.end()
        for options in ({"calibrate": ["blank"]}, {"move": "pump"}):
            by_hand = made.begin(options=options)
            by_hand.trial(1.0)
            by_hand.end()
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    linked = record(found, "PER-09")
    assert (linked.step, linked.n, linked.runs) == (3, 2, ("bench-001: trials 1-2",))
    assert record(found, "m_prov_complete").value == pytest.approx(0.8), "the calibration is one of ten links"
    with bench(tmp_path / "data") as made:
        made.n_campaigns = made.n_samples = 8
        again = made.begin()
        again.trial(5.0)
        again.end()
    mixed = record(gathered(tmp_path, IDENTITY.format(name="bench")), "PER-09")
    assert (mixed.step, mixed.n) == (2, 2), "one result leads to none"


def test_a_lab_file_gives_what_it_declares(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    assert (record(found, "m_open_interface").value, record(found, "m_open_interface").n) == (0.5, 2)
    assert record(found, "CAP-02").step == 3
    assert record(found, "software_can_actuate").fact is True
    endurance = record(found, "m_theoretical_unassisted")
    hours = (43 * 120 + 4) / 3600
    assert endurance.value == pytest.approx(48 / (43 / hours)), "the wells are used up first"


def test_a_driver_that_has_passed_counts_as_an_open_interface(tmp_path: Path) -> None:
    pump = DeviceRecord("pump", "devices.dispensers.SerialDispenser", "serial /dev/ttyUSB0", "AD-4", "D-1", "physical")
    good, bad = CheckRecord("limits", "passed", "refused", None), CheckRecord("stop", "failed", "went on", 20.0)
    with bench(tmp_path / "data") as made:
        first(made)
        for checks in ((good, bad), (good,)):
            test = ConformanceTest("bench", "hash", pump, "autolab 0", "hash", checks, ADA.name)
            keep_conformance(made.journal, test, ADA)
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    both = [one for one in found.records if one.subject == "m_open_interface"]
    assert {(one.collector, one.value, one.realm) for one in both} == {
        ("registry", 0.5, "physical"),
        ("conformance", 1.0, "physical"),
    }
    with bench(tmp_path / "data") as made:
        keep_conformance(made.journal, ConformanceTest("bench", "h", pump, "autolab 0", "h", (good, bad), "ada"), ADA)
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    assert [one.collector for one in found.records if one.subject == "m_open_interface"] == ["registry"]
    assert any("pump does not conform (stop)" in finding.text for finding in found.findings)


def test_steps_are_proven_by_what_ran(tmp_path: Path) -> None:
    units = load_units([write_unit(tmp_path / "files")])
    lab = units[0].lab
    assert lab is not None
    with bench(tmp_path / "data", envelope=lab.envelope_hash) as made:
        first(made)
    found = gathered(tmp_path)
    steps = {each.subject: each.step for each in found.records if each.realm == "physical" and each.step is not None}
    assert steps == {"CAP-02": 4, "CAP-05": 3, "AIG-03": 3, "INT-02": 3, "OPS-05": 3}


def test_the_log_verifies_and_a_changed_row_is_found(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    integrity = record(gathered(tmp_path), "m_log_integrity")
    assert integrity.value == 1.0
    import sqlite3

    connection = sqlite3.connect(tmp_path / "data" / "journal.sqlite")
    connection.execute("UPDATE trials SET engine = 'ax' WHERE engine = 'sobol'")
    connection.commit()
    connection.close()
    found = gathered(tmp_path)
    assert (record(found, "m_log_integrity").value or 0.0) < 1.0
    assert any("not what was written" in finding.text for finding in found.findings)
    assert record(found, "m_valid_yield").integrity == "broken log"


# realms


def test_simulated_and_physical_campaigns_are_never_added(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
        made.realm = "simulated"
        run = made.begin()
        run.trials([5.0] * 10)
        run.end()
    found = gathered(tmp_path)
    assert record(found, "m_valid_yield", "physical").n == 43
    assert record(found, "m_valid_yield", "simulated").n == 10


@pytest.mark.parametrize(
    ("person", "change"),
    [
        pytest.param(Principal("unknown", "person"), {}, id="nobody's name"),
        pytest.param(Principal("planner", "agent"), {}, id="an agent"),
        pytest.param(ADA, {"serial_number": ""}, id="no serial number"),
        pytest.param(ADA, {"realm": "simulated"}, id="one simulated device"),
        pytest.param(ADA, {"realm": "real"}, id="an unknown realm"),
    ],
)
def test_what_is_not_shown_to_be_physical_is_simulated(
    tmp_path: Path, person: Principal, change: dict[str, str]
) -> None:
    with bench(tmp_path / "data", person=person) as made:
        devices = (replace(made.devices[0], **change), made.devices[1])
        run = made.begin(devices=devices)
        run.trials([5.0] * 3)
        run.end()
    found = gathered(tmp_path)
    assert record(found, "m_valid_yield", "simulated").n == 3


def test_a_simulators_serial_number_voids_the_identity_that_names_it(tmp_path: Path) -> None:
    with bench(tmp_path / "data", realm="simulated") as made:
        run = made.begin(devices=tuple(replace(d, serial_number=d.serial_number[4:]) for d in made.devices))
        run.trial(5.0)
        run.end()
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    assert not found.unit.identified
    assert any("has said that it is simulated" in finding.text for finding in found.findings)


# windows and configurations


def test_a_window_that_is_empty_ends_with_the_newest_trial(tmp_path: Path) -> None:
    with bench(tmp_path / "data", start=datetime(2026, 6, 1, tzinfo=UTC)) as made:
        first(made)
    valid = record(gathered(tmp_path), "m_valid_yield")
    assert valid.n == 43
    assert valid.seen_on == date(2026, 6, 1)


def test_trials_of_another_configuration_are_left_out_and_said(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
        run = made.begin(lab_file=made.text.replace("300 mm", "400 mm"), lab_hash="0" * 64)
        run.trial(5.0)
        run.end()
    found = gathered(tmp_path)
    assert record(found, "m_valid_yield").n == 43
    assert any("another configuration" in finding.text for finding in found.findings)


def test_a_refill_is_no_other_configuration(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
        run = made.begin(lab_file=made.text.replace("100 mL", "250 mL"), lab_hash="1" * 64)
        run.trial(5.0)
        run.end()
    assert record(gathered(tmp_path), "m_valid_yield").n == 44


def test_trials_after_the_day_are_not_counted(tmp_path: Path) -> None:
    with bench(tmp_path / "data") as made:
        first(made)
    found = gathered(tmp_path, as_of=date(2026, 10, 31))
    assert not [each for each in found.records if each.subject == "m_valid_yield"]
    assert any("began after 2026-10-31" in finding.text for finding in found.findings)


def test_a_journal_that_cannot_be_read_is_said_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "journal.sqlite").write_bytes(b"no database" * 100)
    found = gathered(tmp_path, IDENTITY.format(name="bench"))
    assert any("cannot be read" in finding.text for finding in found.findings)
    assert record(found, "CAP-02", "simulated").step == 3


def test_each_file_of_the_package_is_a_collector() -> None:
    names = [collector.name for collector in collectors()]
    assert len(names) == len(set(names))
    assert {"campaigns", "declared", "audit", "proofs", "registry"} <= set(names)


def test_a_target_that_no_campaign_declares_gives_no_acceleration(tmp_path: Path) -> None:
    problem = Problem(PROBLEM.space, Objective("distance", "minimize"))
    with bench(tmp_path / "data") as made:
        for engine in ("ax", "random"):
            run = made.begin(engine, budget=5, problem=problem)
            run.trials([5.0] * 5)
            run.end()
    assert "target" in why_not(gathered(tmp_path), "m_af")
