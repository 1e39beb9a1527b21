"""What a trial's effects are judged by: volumes, room, stock, expiry, mixtures, time at places, and zones."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.config.specs import LabwareSpec, MaterialSpec
from autolab.core.effects import Carry, Effect, Lapse, Pour, Write
from autolab.core.errors import InputError
from autolab.core.samples import Sample
from autolab.core.traces import Finding, Trace
from autolab.core.zones import Span, Zone
from safety.effects import judge_effects, rule
from safety.findings import verdict
from safety.mixing import DUST_UL
from safety.scene import GRIPPER, LabRules, Scene

TODAY = date(2027, 4, 1)
MATERIALS = {
    "water": MaterialSpec("water", 1e6, compatible=frozenset({"acid", "dye"})),
    "acid": MaterialSpec("acid", 1e6, date(2027, 4, 1), frozenset({"water"}), frozenset({"bleach"})),
    "bleach": MaterialSpec("bleach", 1e6, incompatible=frozenset({"acid"})),
    "dye": MaterialSpec("dye", 1e6, date(2027, 3, 31), frozenset({"water"})),
}
OVER_STAGE = Zone(
    "over-stage",
    places={"arm": frozenset({"stage"})},
    moves=frozenset({"stage.position"}),
    ranges={"probe.position": Span(50.0, 80.0, "mm")},
)
RULES = LabRules(
    MATERIALS,
    {"strip": LabwareSpec("strip", ("rack_1", "rack_2"), 24, 360.0, 50.0), "vial": LabwareSpec("vial", ("bay",), 1)},
    {"over-stage": OVER_STAGE},
    {"stage": 600.0},
)
SAMPLE = Sample("c.s1", "strip-1", "rack_1", 3)
SCENE = Scene(
    TODAY, SAMPLE, left_ul={"water": 500.0, "acid": 500.0, "bleach": 500.0, "dye": 500.0},
    positions={"probe.position": 0.0, "stage.position": 20.0},
)  # fmt: skip


def pour(material: str, volume_ul: float) -> Pour:
    return Pour("dispenser", material, volume_ul)


def judged(*effects: Effect, rules: LabRules = RULES, **scene: Any) -> list[Finding]:
    return judge_effects(effects, rules, replace(SCENE, **scene))


def only(findings: list[Finding]) -> tuple[str, str]:
    assert len(findings) == 1, findings
    return findings[0].decision, findings[0].reason


def test_a_trial_that_keeps_to_all_rules_has_no_findings_and_is_allowed() -> None:
    findings = judged(
        Carry("arm", "strip-1", "rack_1", "stage"),
        Lapse(12.0),
        Write("stage.position", 47.0),
        pour("water", 200.0),
        pour("acid", 110.0),
        Lapse(587.0),
    )
    assert findings == []
    assert verdict(findings).decision == "allowed"


@pytest.mark.parametrize("volume_ul", [-1.0, math.nan, math.inf, -math.inf])
def test_a_volume_that_is_none_is_refused(volume_ul: float) -> None:
    decision, reason = only(judged(pour("water", volume_ul)))
    assert decision == "refused"
    assert reason == (
        f"dispenser would pour {volume_ul:g} uL of water, which is no volume: give a finite one of at least 0 uL"
    )


def test_a_material_that_the_lab_file_does_not_have_is_refused() -> None:
    assert only(judged(pour("watre", 1.0))) == (
        "refused",
        "dispenser would pour 'watre', and materials of this lab are water, acid, bleach and dye: "
        "did you mean 'water'?",
    )


def test_a_material_may_be_used_on_its_last_day_and_not_after_it() -> None:
    assert judged(pour("acid", 1.0)) == []
    assert only(judged(pour("dye", 1.0))) == (
        "refused",
        "dye expired on 2027-03-31, and today is 2027-04-01: put fresh one in, and write its date and stock "
        "under 'materials' in the lab file",
    )
    assert judged(pour("dye", 0.0)) == []


def test_a_trial_that_pours_more_than_is_in_stock_is_refused() -> None:
    assert judged(pour("water", 100.0), pour("water", 100.0), left_ul={"water": 200.0}) == []
    assert only(judged(pour("water", 100.0), pour("water", 101.0), left_ul={"water": 200.0})) == (
        "refused",
        "water: the trial pours 201 uL, and 200 uL are in stock: refill it, and write what is there "
        "under 'materials' in the lab file",
    )
    assert only(judged(pour("water", 1.0), left_ul={}))[0] == "refused", "of what nobody has counted there is none"


def test_an_incompatible_pair_is_refused_and_one_that_nobody_has_listed_needs_approval() -> None:
    assert only(judged(pour("acid", 1.0), pour("bleach", 1.0))) == (
        "refused",
        "acid and bleach would meet in the well, and the lab file says that they are incompatible: "
        "leave one of them out",
    )
    assert only(judged(pour("bleach", 1.0), pour("water", 1.0))) == (
        "needs approval",
        "bleach and water would meet in the well, and the lab file lists the pair neither as compatible nor as "
        "incompatible: a person has to approve the trial, or list the pair under 'materials'",
    )
    assert judged(pour("bleach", 1.0), pour("bleach", 1.0)) == [], "a material may always meet itself"


def test_what_is_in_the_well_from_before_counts_for_mixtures_and_for_room() -> None:
    assert only(judged(pour("acid", 1.0), well_ul={"bleach": 0.01}))[1].startswith(
        "acid and bleach would meet in the well (bleach is there from before), and the lab file says that they are inc"
    )
    assert only(judged(pour("water", 1.0), well_ul={"mystery": 1.0}))[0] == "needs approval"
    assert judged(pour("water", 1.0), well_ul={"bleach": 0.0}) == [], "none of it is there"
    assert judged(well_ul={"acid": 1.0, "bleach": 1.0}) == [], "what stood together before is not this trial's doing"
    assert only(judged(pour("water", 11.0), well_ul={"water": 300.0}))[0] == "refused"


def test_a_well_holds_its_capacity_less_the_freeboard() -> None:
    assert judged(pour("water", 310.0)) == []
    assert only(judged(pour("water", 311.0))) == (
        "refused",
        "well 3 of strip-1 would hold 311 uL, and 310 uL are allowed (360 uL less 50 uL that stay empty): "
        "pour 1 uL less",
    )


def test_a_well_of_which_nobody_has_said_what_it_holds_needs_approval() -> None:
    decision, reason = only(judged(pour("water", 1.0), sample=Sample("c.s1", "vial-1", "bay", 0)))
    assert (decision, reason) == (
        "needs approval",
        "nobody has said how much a well holds: a person has to approve the trial, or write the 'capacity' of "
        "vial under 'labware' in the lab file",
    )
    assert only(judged(pour("water", 1.0), sample=Sample("c.s1", "dish-1", "bay", 0)))[0] == "needs approval"
    assert only(judged(pour("water", 1.0), sample=None))[0] == "needs approval"


def test_labware_that_stays_too_long_at_a_place_is_refused_whether_it_leaves_or_not() -> None:
    there, back = Carry("arm", "strip-1", "rack_1", "stage"), Carry("arm", "strip-1", "stage", "rack_1")
    said = (
        "refused",
        "strip-1 would stay at stage for 601 s in one trial, and the lab file allows 600 s: "
        "shorten the trial, or carry it away earlier",
    )
    assert only(judged(there, Lapse(601.0))) == said
    assert only(judged(there, Lapse(600.0), Lapse(1.0), back, Lapse(9e9))) == said
    assert judged(Lapse(9e9), there, Lapse(600.0), back, there, Lapse(600.0)) == [], "each stay counts for itself"
    assert only(judged(Lapse(601.0), places={"strip-1": "stage"})) == said, "from the beginning, where it was there"
    assert only(judged(Lapse(601.0), back)) == said
    assert only(judged(Lapse(math.nan)))[0] == "refused"


def test_a_move_through_a_zone_in_which_something_stands_is_refused() -> None:
    down, up = Write("probe.position", 60.0), Write("probe.position", 10.0)
    move, carry = Write("stage.position", 80.0), Carry("arm", "strip-1", "rack_1", "stage")
    assert judged(carry, move, carry, down, up, move) == [], "one after the other, each is out of it again"
    assert only(judged(down, move)) == (
        "refused",
        "zone over-stage: stage.position would go to 80.0 while probe stands in it, or nobody knows where it is: "
        "let the plan move it out first, or look where it is",
    )
    assert only(judged(down, carry))[1].startswith(
        "zone over-stage: arm would carry strip-1 from rack_1 to stage while"
    )
    assert only(judged(move, positions={}))[0] == "refused", "a probe of which nobody knows where it is may be down"
    assert judged(down, Carry("arm", "strip-1", "rack_1", "rack_2"), Write("stage.velocity", 5.0)) == []


def test_a_device_only_passing_through_a_zone_is_in_it() -> None:
    rules = replace(RULES, zones={"z": Zone("z", ranges={f"{d}.position": Span(50.0, 80.0, "mm") for d in "pq"})})
    positions = {"p.position": 60.0, "q.position": 0.0}
    past = Write("q.position", 100.0)
    assert only(judged(past, rules=rules, positions=positions))[0] == "refused"
    assert judged(past, rules=rules, positions={**positions, "p.position": 0.0}) == []


def test_the_stage_does_not_move_while_the_arm_holds_something_over_it() -> None:
    move, take = Write("stage.position", 80.0), Carry("arm", "strip-1", "stage", GRIPPER)
    put = Carry("arm", "strip-1", GRIPPER, "rack_1")
    assert only(judged(take, move))[1].startswith("zone over-stage: stage.position would go to 80.0 while arm stands")
    assert judged(take, put, move) == []
    assert only(judged(move, places={"strip-1": GRIPPER}))[0] == "refused"
    assert judged(put, move, places={"strip-1": GRIPPER}) == []


def test_a_trace_is_judged_from_the_positions_and_places_from_which_it_begins() -> None:
    scene, move = replace(SCENE, positions={}), Write("stage.position", 80.0)
    judge = rule(RULES, scene)

    def found(effects: tuple[Effect, ...], **start: Any) -> list[str]:
        return [finding.decision for finding in judge(Trace(effects, (1,) * len(effects), start))]

    assert found((move,), arm_holding="") == ["refused"], "where the probe is nobody knows"
    assert found((move,), probe_position=10.0) == ["refused"], "what the arm holds nobody knows"
    assert found((move,), probe_position=10.0, arm_holding="", arm_place_rack_1="strip-1") == []
    assert found((move,), probe_position=60.0, arm_holding="") == ["refused"]
    assert found((move,), probe_position=10.0, arm_holding="strip-1") == ["refused"]
    assert found((Lapse(601.0),), arm_place_stage="strip-1") == ["refused"]


def test_labware_that_is_not_where_a_plan_takes_it_from_has_stayed_at_both_places() -> None:
    to_stage, again = Carry("arm", "strip-1", "rack_1", "stage"), Carry("arm", "strip-1", "rack_1", "rack_2")
    assert only(judged(to_stage, Lapse(601.0), again))[0] == "refused"


def test_a_record_of_the_well_that_cannot_be_is_refused_by_itself() -> None:
    for volume_ul in (-1.0, math.nan):
        with pytest.raises(InputError, match="the record says"):
            Scene(TODAY, SAMPLE, well_ul={"water": volume_ul})


def test_the_verdict_is_that_of_the_gravest_finding_and_says_each_thing_once() -> None:
    found = [Finding("needs approval", "a"), Finding("refused", "b"), Finding("refused", "b")]
    assert verdict(found).decision == "refused"
    assert verdict(found).reasons == ("b", "a")
    assert verdict(found[:1]).decision == "needs approval"


# properties

volumes = st.floats(-50.0, 400.0) | st.just(math.nan)
pours = st.builds(pour, st.sampled_from([*MATERIALS, "mystery"]), volumes)
writes = st.builds(Write, st.sampled_from(["stage.position", "probe.position"]), st.floats(0.0, 300.0))
places = st.sampled_from(["rack_1", "rack_2", "stage", GRIPPER])
carries = st.builds(Carry, st.just("arm"), st.sampled_from(["strip-1", "strip-2"]), places, places)
effects = st.lists(pours | writes | carries | st.builds(Lapse, st.floats(0.0, 500.0)), max_size=12)
contents = st.dictionaries(st.sampled_from(list(MATERIALS)), st.floats(0.0, 200.0), max_size=2)
RANK = ("allowed", "needs approval", "refused")


@given(st.lists(pours, max_size=6), contents)
def test_no_trial_is_let_through_that_would_fill_a_well_beyond_its_room(poured: list[Pour], well: dict[str, float]):
    total_ul = sum(max(p.volume_ul, 0.0) for p in poured if p.material in MATERIALS and not math.isnan(p.volume_ul))
    findings = judged(*poured, well_ul=well)
    if total_ul > 0.0 and total_ul + sum(well.values()) > 310.0 + 2 * DUST_UL:
        assert verdict(findings).decision == "refused"


@given(st.lists(pours, max_size=6), contents)
def test_no_trial_is_allowed_whose_materials_were_not_all_listed_with_each_other(poured: list[Pour], well: Any):
    if verdict(judged(*poured, well_ul=well)).decision == "allowed":
        new = {p.material for p in poured if p.volume_ul > 0.0}
        present = new | {name for name, volume_ul in well.items() if volume_ul > 0.0}
        for one in new:
            for other in present - {one}:
                assert other in MATERIALS[one].compatible or one in MATERIALS[other].compatible


@given(st.lists(pours, max_size=6), contents, st.randoms(use_true_random=False))
def test_the_order_in_which_materials_are_poured_does_not_matter(poured: list[Pour], well: Any, random: Any):
    findings = judged(*poured, well_ul=well)
    shuffled = list(poured)
    random.shuffle(shuffled)
    assert set(judged(*shuffled, well_ul=well)) == set(findings)


@given(effects, pours | writes | carries | st.builds(Lapse, st.floats(0.0, 500.0)), contents)
def test_a_trial_that_goes_on_for_longer_is_never_judged_more_mildly(done: list[Effect], then: Effect, well: Any):
    before, after = (verdict(judged(*some, well_ul=well)).decision for some in (done, [*done, then]))
    assert RANK.index(after) >= RANK.index(before)


@given(effects, pours, st.integers(0, 12), contents)
def test_one_more_pour_anywhere_never_makes_a_trial_milder(done: list[Effect], more: Pour, at: int, well: Any):
    before = verdict(judged(*done, well_ul=well)).decision
    after = verdict(judged(*done[:at], more, *done[at:], well_ul=well)).decision
    assert RANK.index(after) >= RANK.index(before)
