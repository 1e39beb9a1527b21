"""Who has to say yes to what a trial would do: less is never asked than the lab's envelope says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolab.core.approvals import PERSONS, Finding, Level
from autolab.core.effects import Effect, Lapse, Pour, Write
from autolab.core.envelope import AllowedValues, Limit, RangeLimit, envelope_hash
from autolab.core.errors import EnvelopeError
from autolab.core.trials import Realm, Verdict
from safety.envelope import check_write, is_proven
from safety.tiers import findings, tiered

LIMITS: dict[str, Limit] = {
    "bath.temperature": RangeLimit("bath.temperature", 0.0, 100.0, "degC", proven=(20.0, 60.0)),
    "bath.stirrer": AllowedValues("bath.stirrer", ("off", "slow", "fast"), proven=("off", "slow")),
    "laser.power": RangeLimit("laser.power", 0.0, 5.0, "W", tier="hazardous", proven=(0.0, 5.0)),
    "valve.vent": AllowedValues("valve.vent", ("open", "shut"), tier="prohibited"),
    "arm.operation": AllowedValues("arm.operation", (), "[a-z]+", proven="all"),
    "pump.rate": RangeLimit("pump.rate", 0.0, 1.0, "mL/s"),
}
REAL = [Realm.EMULATED, Realm.PHYSICAL]
ALL = frozenset(signal.partition(".")[0] for signal in LIMITS)
CASES = [
    ("inside", [Write("bath.temperature", 40.0), Write("bath.stirrer", "slow"), Write("arm.operation", "a")], 0),
    ("on-the-edge", [Write("bath.temperature", 60.0)], 0),
    ("nothing", [], 0),
    ("no-write", [Lapse(60.0), Pour("pump", "water", 3.0)], 0),
    ("above", [Write("bath.temperature", 60.1)], 1),
    ("no-number", [Write("bath.temperature", "40")], 1),
    ("a-truth-value", [Write("bath.temperature", True)], 1),
    ("another-value", [Write("bath.stirrer", "fast")], 1),
    ("nothing-is-proven", [Write("pump.rate", 0.1)], 1),
    ("hazardous", [Write("laser.power", 0.1)], 2),
    ("hazardous-and-new", [Write("laser.power", 0.1), Write("pump.rate", 0.1)], 2),
    ("unknown-effects", None, 2),
]


@pytest.mark.parametrize("realm", REAL)
@pytest.mark.parametrize(("effects", "persons"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_outside_the_proven_region_people_are_asked(effects: list[Effect] | None, persons: int, realm: Realm):
    verdict = tiered(Verdict("allowed"), findings(effects, LIMITS, ALL, realm))
    assert (verdict.decision, verdict.persons) == ("needs approval" if persons else "allowed", persons)
    assert bool(verdict.reasons) == bool(persons)


@pytest.mark.parametrize("effects", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_under_simulators_all_of_the_envelope_is_proven(effects: list[Effect] | None):
    assert tiered(Verdict("allowed"), findings(effects, LIMITS, ALL, Realm.SIMULATED)) == Verdict("allowed")


@pytest.mark.parametrize("realm", Realm)
@pytest.mark.parametrize("effect", [Write("valve.vent", "open"), Write("nobody.knows", 1.0)])
def test_what_is_prohibited_or_undeclared_is_refused_everywhere(effect: Write, realm: Realm):
    found = findings([Write("bath.temperature", 40.0), effect], LIMITS, ALL, realm)
    verdict = tiered(Verdict("needs approval", ("new",), 1), found, "hazardous")
    assert verdict.decision == "refused"
    assert effect.signal in verdict.reasons[0]


def test_the_guard_refuses_a_prohibited_write_too():
    with pytest.raises(EnvelopeError, match=r"valve\.vent: refused to write 'shut': .* prohibits every write of it"):
        check_write("valve.vent", LIMITS["valve.vent"], "shut")


@pytest.mark.parametrize("realm", REAL)
def test_of_a_plan_that_nobody_has_seen_through_its_devices_say_what_it_may_do(realm: Realm):
    unknown = Finding("new", "what the plan would write is not known, so it may leave the proven region")
    assert findings(None, LIMITS, {"pump", "bath"}, realm) == [unknown]
    assert findings(None, LIMITS, {"pump", "laser"}, realm) == [
        Finding("hazardous", "laser.power is hazardous, and the plan may write it"),
        unknown,
    ]


def test_what_was_refused_before_keeps_its_reasons_and_gets_those_that_prohibit():
    prohibited = Finding("prohibited", "no")
    new = Finding("new", "never tried")
    assert tiered(Verdict("refused", ("too hot",)), [new, prohibited]) == Verdict("refused", ("too hot", "no"))
    assert tiered(Verdict("allowed", ("explored",)), [new, prohibited, prohibited]) == Verdict("refused", ("no",))


def test_what_the_screen_would_have_approved_asks_at_least_for_one_person_and_for_no_more():
    assert tiered(Verdict("needs approval", ("why",)), []) == Verdict("needs approval", ("why",), 1)
    assert tiered(Verdict("needs approval", ("why",), 2), []) == Verdict("needs approval", ("why",), 2)


@pytest.mark.parametrize(("level", "persons"), [("new", 1), ("hazardous", 2)])
def test_a_campaign_that_asks_for_approval_asks_for_as_many_people_as_its_level(level: Level, persons: int):
    reasons = (f"the campaign asks for approval: {level}",)
    assert tiered(Verdict("allowed"), [], level) == Verdict("needs approval", reasons, persons)


def test_people_are_asked_for_the_hardware_and_not_for_what_is_simulated_beside_it():
    done = [Write("bath.temperature", 75.0), Write("laser.power", 2.0)]
    beside = findings(done, LIMITS, ALL, Realm.PHYSICAL, simulated={"laser"})
    assert [f.reason for f in beside] == ["bath.temperature = 75: outside the proven region"]
    unknown = [f.reason for f in findings(None, LIMITS, ALL, Realm.PHYSICAL, simulated={"laser"})]
    assert unknown == ["what the plan would write is not known, so it may leave the proven region"]
    assert findings([Write("oven.heat", 1.0)], LIMITS, ALL, Realm.PHYSICAL, simulated={"oven"})[0].level == "prohibited"


def test_a_reason_says_signal_and_value():
    found = findings([Write("bath.temperature", 75.0), Write("laser.power", 2.0)], LIMITS, ALL, Realm.PHYSICAL)
    assert [f.reason for f in found] == [
        "bath.temperature = 75: outside the proven region",
        "laser.power = 2: it is hazardous",
    ]


effects = st.lists(
    st.builds(Write, st.sampled_from(sorted(LIMITS)), st.floats(0, 100) | st.sampled_from(["slow", "fast", "open"]))
)
levels = st.sampled_from(["routine", "new", "hazardous"])
verdicts = st.builds(
    Verdict, st.sampled_from(["allowed", "needs approval", "refused"]), st.just(("a reason",)), st.integers(0, 2)
).filter(lambda verdict: verdict.decision == "needs approval" or verdict.persons == 0)
RANK = {"allowed": 0, "needs approval": 1, "refused": 2}


@given(effects, levels, verdicts, st.sampled_from(Realm))
def test_a_campaign_only_tightens(done: list[Write], level: Level, verdict: Verdict, realm: Realm):
    found = findings(done, LIMITS, ALL, realm)
    loose, tight = tiered(verdict, found), tiered(verdict, found, level)
    assert RANK[tight.decision] >= RANK[loose.decision] >= RANK[verdict.decision]
    assert tight.persons >= loose.persons or tight.decision == "refused"
    if tight.decision == "needs approval":
        assert tight.persons >= max(1, PERSONS[level])


@given(effects, st.lists(st.builds(Finding, st.sampled_from(["new", "hazardous"]), st.text(min_size=1))))
def test_another_finding_never_loosens(done: list[Write], more: list[Finding]):
    found = findings(done, LIMITS, ALL, Realm.PHYSICAL)
    less, all_of_it = tiered(Verdict("allowed"), found), tiered(Verdict("allowed"), [*found, *more])
    assert RANK[all_of_it.decision] >= RANK[less.decision]
    assert all_of_it.persons >= less.persons or all_of_it.decision == "refused"


@given(st.floats(allow_nan=True, allow_infinity=True) | st.text() | st.booleans() | st.none())
def test_what_is_not_known_to_be_inside_is_not_proven(value: object):
    is_inside = isinstance(value, float) and 20.0 <= value <= 60.0
    assert is_proven(LIMITS["bath.temperature"], value) is is_inside


def test_another_tier_or_proven_region_is_another_envelope():
    same = dict(LIMITS)
    assert envelope_hash(same) == envelope_hash(LIMITS)
    for changed in (
        RangeLimit("pump.rate", 0.0, 1.1, "mL/s"),
        RangeLimit("pump.rate", 0.0, 1.0, "mL/s", tier="hazardous"),
        RangeLimit("pump.rate", 0.0, 1.0, "mL/s", proven=(0.0, 1.0)),
    ):
        assert envelope_hash({**LIMITS, "pump.rate": changed}) != envelope_hash(LIMITS)
