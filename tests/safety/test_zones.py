"""Zones: one device at a time, all zones of a move at once, and nothing given back before the position is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from autolab.core.errors import DeviceError, InputError, ZoneError
from autolab.core.zones import Span, Zone
from safety.ways import Way, reached
from safety.zones import Zones

OVER = Zone("over", places={"arm": frozenset({"stage"})}, moves=frozenset({"stage.x"}))
DOWN = Zone("down", moves=frozenset({"stage.x"}), ranges={"probe.z": Span(50.0, 80.0, "mm")})
BOTH = {"over": OVER, "down": DOWN}
REACH = Way("arm", frozenset({"rack", "stage"}))
MOVE = Way("stage", spans={"x": (0.0, 10.0)})


def lower(end: float = 60.0) -> Way:
    return Way("probe", spans={"z": (0.0, end)})


class Stand:
    """A device that says where it is, or that it does not know."""

    def __init__(self, at: Mapping[str, float] | None = None) -> None:
        self.at = at

    def __call__(self) -> Mapping[str, float]:
        if self.at is None:
            raise DeviceError("it says nothing")
        return self.at


def zones(**devices: Stand) -> Zones:
    """Zones whose devices have been asked once."""
    found = Zones(BOTH)
    for name, stand in devices.items():
        found.watch(name, stand)
        found.locate(name)
    return found


def refusal(space: Zones, way: Way) -> str:
    with pytest.raises(ZoneError) as refused:
        space.reserve(way)
    return str(refused.value)


def test_a_move_is_refused_while_another_device_moves_in_one_of_its_zones() -> None:
    space = zones()
    number = space.reserve(REACH)
    assert number is not None
    assert refusal(space, MOVE) == (
        "stage: refused to move into zone over: arm moves in it; wait until its move has ended"
    )
    assert space.held() == {"over": ("arm", None)}, "whoever was refused holds nothing, not even the free zone"
    space.arrived("arm", number, {})
    assert space.reserve(MOVE) is not None
    assert set(space.held()) == {"over", "down"}


def test_a_device_that_stands_in_a_zone_keeps_it_until_it_has_left() -> None:
    space = zones()
    space.arrived("probe", space.reserve(lower()) or 0, {"z": 60.0})
    assert refusal(space, MOVE) == (
        "stage: refused to move into zone down: probe stands in it; move probe out of it first"
    )
    up = space.reserve(Way("probe", spans={"z": (60.0, 0.0)}))
    assert "moves in it" in refusal(space, MOVE)
    space.arrived("probe", up or 0, {"z": 0.0})
    assert space.reserve(MOVE) is not None


def test_a_lost_device_keeps_its_zones_and_is_asked_where_it_is() -> None:
    arm = Stand({})
    space = zones(arm=arm)
    number = space.reserve(REACH) or 0
    arm.at = None
    space.lose("arm", number, "the arm was stopped")
    assert refusal(space, MOVE) == (
        "stage: refused to move into zone over: arm may be in it (it says nothing); look where arm is, and bring it "
        "out of the zone by a move that ends well"
    )
    arm.at = {}
    assert space.reserve(MOVE) is not None, "asked again, it says where it is"


def test_a_lost_device_may_move_itself_and_takes_what_it_may_be_in_along() -> None:
    arm = Stand(None)
    space = zones(arm=arm, stage=Stand({}))
    away = space.reserve(Way("arm", frozenset({"rack"})))
    assert away is not None
    assert "arm moves in it" in refusal(space, MOVE), "on its way out it is still there"
    space.arrived("arm", away, {})
    assert space.reserve(MOVE) is not None


def test_a_device_that_has_never_been_asked_has_all_that_it_reaches() -> None:
    space = Zones(BOTH)
    space.watch("arm", Stand(None))
    assert "arm may be in it (it says nothing)" in refusal(space, MOVE)
    space.free("arm")
    assert space.reserve(MOVE) is not None


def test_a_person_may_free_a_lost_device_and_no_other() -> None:
    space = zones()
    with pytest.raises(InputError, match="arm has no zone: there is nothing to free"):
        space.free("arm")
    number = space.reserve(REACH) or 0
    with pytest.raises(InputError, match="arm moves"):
        space.free("arm")
    space.lose("arm", number, "it was stopped")
    space.free("arm")
    assert space.held() == {}


def test_a_move_that_ends_late_gives_nothing_away_that_was_reserved_since() -> None:
    space = zones()
    first = space.reserve(REACH) or 0
    second = space.reserve(REACH) or 0
    space.arrived("arm", first, {})
    assert "over" in space.held()
    space.lose("arm", first, "late")
    space.arrived("arm", second, {})
    assert space.held() == {}
    space.arrived("arm", second, {})


def test_a_write_that_has_not_reserved_its_zones_is_refused() -> None:
    space = zones()
    with pytest.raises(ZoneError, match=r"stage: refused to move into zone down, which it has not reserved"):
        space.check(MOVE)
    number = space.reserve(MOVE) or 0
    space.check(MOVE)
    space.arrived("stage", number, {})
    with pytest.raises(ZoneError):
        space.check(MOVE)
    space.check(Way("arm", frozenset({"rack"})))


def test_a_move_through_no_zone_reserves_nothing() -> None:
    assert zones().reserve(Way("arm", frozenset({"rack"}))) is None
    assert Zones().reserve(MOVE) is None


def test_it_knows_the_devices_that_reach_into_a_zone() -> None:
    assert zones().devices == {"arm", "stage", "probe"}
    assert Zones().devices == frozenset()


def test_of_several_lost_devices_in_a_zone_the_first_by_name_is_shown() -> None:
    space = Zones(BOTH)
    for device in ("stage", "arm", "probe"):
        space.watch(device, Stand(None))
    why = "it has not been asked where it is"
    assert space.held() == {"over": ("arm", why), "down": ("probe", why)}


def test_a_device_that_reaches_into_no_zone_is_never_lost() -> None:
    space = Zones(BOTH)
    space.watch("camera", Stand(None))
    assert space.held() == {}
    assert space.locate("camera")
    with pytest.raises(InputError, match="camera has no zone: there is nothing to free"):
        space.free("camera")


def test_a_lost_device_that_nobody_can_ask_stays_lost() -> None:
    space = zones()
    space.lose("arm", space.reserve(REACH) or 0, "it was stopped")
    assert not space.locate("arm")
    assert "arm may be in it (it was stopped)" in refusal(space, MOVE)


def test_who_stands_in_a_zone_by_its_own_account_cannot_be_freed() -> None:
    space = zones()
    space.arrived("probe", space.reserve(lower()) or 0, {"z": 60.0})
    with pytest.raises(InputError, match="probe says itself where it is: there is nothing to free"):
        space.free("probe")
    assert space.held() == {"down": ("probe", None)}


def test_only_lost_devices_in_zones_of_the_move_are_asked() -> None:
    asked: list[str] = []

    class Asked(Stand):
        def __init__(self, name: str) -> None:
            super().__init__(None)
            self.name = name

        def __call__(self) -> Mapping[str, float]:
            asked.append(self.name)
            return super().__call__()

    space = Zones(BOTH)
    for name in ("arm", "probe"):
        space.watch(name, Asked(name))
    assert "may be in it" in refusal(space, MOVE)
    assert asked == ["arm", "probe"]
    asked.clear()
    assert space.reserve(Way("arm", frozenset({"rack"}))) is not None
    assert asked == [], "the probe is not in the way of the arm, and the arm knows that it moves"
    assert space.locate("arm"), "one that moves is not lost"
    assert asked == []


def test_a_write_may_go_through_the_zones_that_were_reserved_and_through_no_other() -> None:
    space = Zones({name: Zone(name, places={"arm": frozenset({name})}) for name in ("a", "b", "c")})
    assert space.reserve(Way("arm", frozenset({"a"}))) is not None
    space.check(Way("arm", frozenset({"a"})))
    for places, first in (({"b"}, "b"), ({"a", "b"}, "a"), ({"c", "b"}, "b")):
        with pytest.raises(ZoneError) as refused:
            space.check(Way("arm", frozenset(places)))
        assert str(refused.value) == (
            f"arm: refused to move into zone {first}, which it has not reserved: move it by its 'set', which reserves"
        )


def test_who_stands_in_a_zone_or_is_lost_in_it_has_not_reserved_it() -> None:
    space = zones()
    number = space.reserve(lower()) or 0
    space.lose("probe", number, "it was stopped")
    with pytest.raises(ZoneError, match="which it has not reserved"):
        space.check(lower())
    space.arrived("probe", number, {"z": 60.0})
    with pytest.raises(ZoneError, match="which it has not reserved"):
        space.check(lower())


def test_of_two_that_were_lost_in_one_zone_the_other_is_asked_before_one_moves_out() -> None:
    space = Zones(BOTH)
    space.watch("arm", Stand(None))
    space.watch("stage", Stand({}))
    assert space.reserve(Way("arm", frozenset({"rack"}))) is not None
    assert space.held()["over"] == ("arm", None)


def test_of_several_zones_that_are_taken_the_first_is_named() -> None:
    space = Zones({name: Zone(name, places={device: frozenset({"x"}) for device in ("arm", "hand")}) for name in "ba"})
    assert space.reserve(Way("arm", frozenset({"x"}))) is not None
    assert "into zone a: arm moves in it" in refusal(space, Way("hand", frozenset({"x"})))


class ZonesMachine(RuleBasedStateMachine):
    """Whatever devices do and say, against a model of where they really are."""

    devices = ("arm", "stage", "probe")
    device = st.sampled_from(devices)

    @initialize(known=st.just(set(devices)) | st.sets(device))
    def open(self, known: set[str]) -> None:
        self.space = Zones(BOTH)
        self.stands = {name: Stand(self._somewhere(name) if name in known else None) for name in self.devices}
        self.claims: dict[str, list[int]] = {name: [] for name in self.devices}
        self.inside: dict[str, frozenset[str]] = {}
        """Zones in which a device is, or may be."""
        for name, stand in self.stands.items():
            self.space.watch(name, stand)
            self.inside[name] = frozenset() if name in known else self._reach(name)
        for name in self.devices:
            assert self.space.locate(name) == (name in known)
        self.moving: set[str] = set()

    @rule(device=device, deep=st.booleans())
    def move(self, device: str, deep: bool) -> None:
        way = self._way(device, deep)
        wanted = reached(BOTH, way) | self.inside[device]
        said = {name for name, stand in self.stands.items() if stand.at is not None and name not in self.moving}
        others = {
            name: self._stood(name) if name in said and reached(BOTH, way) | self.inside[device] else self.inside[name]
            for name in self.devices
            if name != device
        }
        try:
            number = self.space.reserve(way)
        except ZoneError:
            assert any(wanted & zones for zones in others.values()), "refused although nobody was there"
            return
        for name, zones in others.items():
            assert not wanted & zones, f"{device} was let in while {name} may be there"
            if name in said:
                self.inside[name] = self.inside[name] & zones if wanted & self.inside[name] else self.inside[name]
        if number is not None:
            self.claims[device].append(number)
            self.inside[device] = wanted
            self.moving.add(device)
            self.stands[device].at = None

    @rule(device=device, deep=st.booleans())
    def arrive(self, device: str, deep: bool) -> None:
        if device in self.moving:
            at = {"z": 60.0} if device == "probe" and deep else self._somewhere(device)
            self.stands[device].at = at
            self.space.arrived(device, self.claims[device][-1], at)
            self.moving.discard(device)
            self.inside[device] = self._stood(device)

    @rule(device=device)
    def fail(self, device: str) -> None:
        if device in self.moving:
            self.space.lose(device, self.claims[device][-1], "it was stopped")
            self.moving.discard(device)

    @rule(device=device, late=st.booleans())
    def end_late(self, device: str, late: bool) -> None:
        for number in self.claims[device][:-1]:
            self.space.arrived(device, number, {}) if late else self.space.lose(device, number, "late")

    @rule(device=device)
    def look_again(self, device: str) -> None:
        if device not in self.moving:
            stand = self.stands[device]
            stand.at = self._somewhere(device) if stand.at is None else stand.at
            assert self.space.locate(device)
            self.inside[device] = self._stood(device)

    @invariant()
    def never_is_a_zone_free_in_which_something_may_be(self) -> None:
        held = self.space.held()
        for name in self.moving:
            assert self.inside[name] <= set(held)
            for zone in self.inside[name]:
                assert held[zone] == (name, None), "one that moves in a zone has it alone"

    def _somewhere(self, device: str) -> dict[str, float]:
        return {"z": 0.0} if device == "probe" else {}

    def _stood(self, device: str) -> frozenset[str]:
        at: Any = self.stands[device].at
        return frozenset({"down"}) if device == "probe" and at["z"] == 60.0 else frozenset()

    def _reach(self, device: str) -> frozenset[str]:
        return frozenset(name for name, zone in BOTH.items() if device in zone.devices)

    def _way(self, device: str, deep: bool) -> Way:
        if device == "probe":
            return lower(60.0 if deep else 10.0)
        return MOVE if device == "stage" else Way(device, frozenset({"rack", "stage"} if deep else {"rack"}))


TestZonesMachine = ZonesMachine.TestCase
TestZonesMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
