"""Materials are booked with each action, and a trial that may run dry is not begun."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from autolab.campaign.consumables import BEGINS, ConsumableUses
from autolab.campaign.stock import Stock
from autolab.campaign.wells import Wells
from autolab.config.specs import ConsumableSpec


@dataclass(frozen=True)
class Dispense:
    material: str
    volume_ul: float


def stock(**left_ul: float) -> Stock:
    return Stock(lambda: left_ul)


def test_a_trial_begins_only_where_there_is_as_much_as_the_greediest_has_needed() -> None:
    dye = stock(dye=100.0)
    assert dye.lacking() is None
    for trial, volume_ul in ((1, 20.0), (1, 20.0), (2, 10.0)):
        dye.book(trial, Dispense("dye", volume_ul))
    dye.over(1)
    dye.over(2)
    assert dye.lacking() is None
    dye.book(3, Dispense("dye", 20.0))
    dye.over(3)
    said = dye.lacking()
    assert said is not None
    assert said.startswith("dye runs dry: 30 µL are left and a trial has needed up to 40 µL: refill it, write what is")


def test_what_a_running_trial_may_still_need_is_reserved_for_it() -> None:
    dye = stock(dye=100.0)
    dye.book(1, Dispense("dye", 40.0))
    dye.over(1)
    dye.book(2, Dispense("dye", 5.0))
    assert dye.lacking() is not None  # 55 are left, and trial 2 may take 35 of them
    dye.over(2)
    assert dye.lacking() is None


def test_of_a_running_trial_whose_need_is_known_only_that_is_reserved() -> None:
    dye = stock(dye=100.0)
    dye.book(1, Dispense("dye", 60.0))
    dye.over(1)
    dye.expect(2, {"dye": 10.0})
    assert dye.free_ul() == {"dye": 30.0}
    dye.book(2, Dispense("dye", 4.0))
    assert dye.free_ul() == {"dye": 30.0}
    dye.over(2)
    assert dye.free_ul() == {"dye": 36.0}


def test_an_empty_bottle_begins_no_trial_and_what_is_not_in_the_lab_file_is_not_counted() -> None:
    assert stock(dye=0.0).lacking() is not None
    water = stock(dye=1.0)
    water.book(1, Dispense("water", 1e9))
    water.book(1, "no dispense")
    assert water.lacking() is None


@given(st.lists(st.floats(0.0, 50.0), max_size=20))
def test_no_trial_begins_that_could_not_be_finished_if_it_needed_no_more_than_those_before(volumes: list[float]):
    left, most, dye = 200.0, 0.0, stock(dye=200.0)
    for trial, volume_ul in enumerate(volumes, 1):
        if dye.lacking() is not None:
            assert left < most or left <= 0.0
            return
        assert left >= most
        dye.book(trial, Dispense("dye", volume_ul))
        dye.over(trial)
        left, most = left - volume_ul, max(most, volume_ul)


def test_what_will_not_last_is_foreseen() -> None:
    dye = stock(dye=1500.0)
    assert dye.outlook(30) is None  # nobody knows yet what a trial needs
    dye.book(1, Dispense("dye", 60.0))
    dye.over(1)
    assert dye.outlook(24) is None
    assert dye.outlook(25) == (
        "dye may run dry: 1.44 mL are left, 25 trials are to come, and one has needed up to 60 µL"
    )
    wells = Wells("c", [("strip", "rack", n) for n in range(4)], {("strip", 0)})
    assert wells.outlook(3) is None
    assert wells.outlook(4) == "wells will run out: 3 are free and 4 trials are to come"


def test_tips_plates_and_room_for_waste_are_counted_like_materials():
    specs = {
        "tips": ConsumableSpec("tips", 10.0, "pour"),
        "plates": ConsumableSpec("plates", 3.0, "trial"),
        "waste": ConsumableSpec("waste", 200.0, "volume"),
    }
    left = {"tips": 5.0, "plates": 3.0, "waste": 200.0}
    used = Stock(lambda: left, ConsumableUses(specs))
    used.book(1, BEGINS)
    used.book(1, Dispense("dye", 60.0))
    used.book(1, "a mixing")
    used.book(1, Dispense("dye", 50.0))
    used.over(1)
    refill = "write what is there now under 'consumables' in the lab file, and resume with --accept-changes"
    assert used.outlook(2) == "tips may run out: 3 left, 2 trials are to come, and one has needed up to 2"
    said = used.lacking()
    assert said == f"waste is full: room for 90 µL is left and a trial has needed up to 110 µL: empty it, {refill}"
    tips = Stock(lambda: {"tips": 1.0}, ConsumableUses({"tips": specs["tips"]}))
    tips.book(1, Dispense("dye", 60.0))
    tips.over(1)
    assert tips.lacking() == f"tips run out: 0 are left and a trial has needed up to 1: put in more, {refill}"
