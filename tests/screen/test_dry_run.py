"""A dry run says proved, explored or not analysable, and is right about it."""

from __future__ import annotations

import random
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.plans as bp
import bluesky.preprocessors as bpp
import pytest
from bluesky.utils import Msg
from ophyd.sim import SynAxis

from autolab.core.effects import Carry, Lapse, Pour, Write
from devices.dispensers import Dispense, Mix
from devices.motion import EpicsStage
from devices.robots import Transfer
from devices.spectrometers import EpicsSpectrometer
from plans.conventions import act, phase
from tests.screen.drybench import OPERATIONS, DryBench


def effects(plan: Any, **values: Any) -> list[Any]:
    found = DryBench().run(plan, **values)
    assert found.found == "proved", str(found)
    (trace,) = found.traces
    return list(trace.effects)


def test_a_move_writes_the_position_and_takes_distance_over_velocity():
    def plan(bench):
        yield from bps.mv(bench["stage"], 50.0)
        yield from bps.mvr(bench["stage"], -10.0)

    assert effects(plan) == [Write("stage.position", 50.0), Lapse(2.0), Write("stage.position", 40.0), Lapse(0.5)]


def test_actions_pour_mix_and_carry():
    def plan(bench):
        yield from act(bench["dispenser"], Dispense("cyan", 100.0, OPERATIONS("pour")))
        yield from act(bench["dispenser"], Mix(5.0, OPERATIONS("mix")))
        yield from act(bench["arm"], Transfer("strip-1", "rack_1", "stage", OPERATIONS("bring")))

    assert effects(plan) == [
        Write("dispenser.channel", "cyan"),
        Write("dispenser.volume", 100.0),
        Pour("dispenser", "cyan", 100.0),
        Lapse(2.0),
        Write("dispenser.mix_time", 5.0),
        Lapse(5.0),
        Write("arm.place", "rack_1"),
        Write("arm.place", "stage"),
        Write("arm.gripper", "closed"),
        Write("arm.gripper", "open"),
        Carry("arm", "strip-1", "rack_1", "stage"),
        Lapse(8.0),
    ]


def test_a_plan_reads_what_it_has_done_itself():
    def plan(bench):
        yield from bps.mv(bench["stage"], 50.0)
        position = yield from bps.rd(bench["stage"])
        yield from bps.mv(bench["stage"], position + 5.0)
        yield from act(bench["arm"], Transfer("strip-1", "rack_1", "stage", OPERATIONS("bring")))
        inventory = yield from bps.read(bench["arm"])
        assert inventory["arm_place_stage"]["value"] == "strip-1"
        assert inventory["arm_place_rack_1"]["value"] == ""

    assert Write("stage.position", 55.0) in effects(plan)


def test_devices_keep_their_classes_and_their_parts():
    def plan(bench):
        stage, spectrometer = bench["stage"], bench["spectrometer"]
        assert isinstance(stage, EpicsStage)
        assert isinstance(spectrometer, EpicsSpectrometer)
        assert (stage.name, stage.parent, stage.velocity.parent) == ("stage", None, stage)
        assert spectrometer.operation.name == "spectrometer_operation"
        yield from bps.mv(stage.velocity, 5.0)
        yield from bps.abs_set(spectrometer.operation, str(OPERATIONS("read")), wait=True)

    assert effects(plan) == [Write("stage.velocity", 5.0), Write("spectrometer.operation", "dry.t1.r1.read.a1")]


def test_a_scan_with_all_of_blueskys_trimmings_is_proved():
    def plan(bench):
        scan = bp.scan([bench["spectrometer"]], bench["stage"], 0.0, 10.0, 3, md={"why": "a test"})
        yield from bpp.finalize_wrapper(bpp.stage_wrapper(scan, [bench["dispenser"]]), bps.mv(bench["stage"], 0.0))

    positions = [e.value for e in effects(plan) if isinstance(e, Write) and e.signal == "stage.position"]
    assert positions == [0.0, 5.0, 10.0, 0.0]


def test_a_phase_is_walked_through():
    def plan(bench):
        where = yield from phase("home", _home(bench["stage"]))
        assert where == "home"

    def _home(stage):
        yield from bps.mv(stage, 0.0)
        return "home"

    assert Write("stage.position", 0.0) in effects(plan)


def measure(bench):
    yield from bps.trigger(bench["spectrometer"], wait=True)
    return (yield from bps.read(bench["spectrometer"]))


def test_a_measured_value_that_nobody_looks_at_leaves_a_plan_proved():
    def plan(bench):
        readings = yield from measure(bench)
        assert "spectrometer_scatter" in readings
        assert repr(readings["spectrometer_scatter"])
        yield from bps.mv(bench["stage"], 1.0)

    assert DryBench().run(plan).found == "proved"


def test_both_ways_at_a_measured_value_are_explored():
    def plan(bench):
        readings = yield from measure(bench)
        target = 200.0 if readings["spectrometer_scatter"]["value"] > 123.456 else 100.0
        yield from bps.mv(bench["stage"], target)

    found = DryBench().run(plan)
    assert found.found == "explored"
    assert {trace.effects[-2].value for trace in found.traces} == {100.0, 200.0}
    assert str(found).startswith("explored 2 branches in ")


def test_a_branch_inside_a_branch_is_found_at_its_threshold():
    def plan(bench):
        value = (yield from measure(bench))["spectrometer_scatter"]["value"]
        if value > 17.25 and value == 17.75:
            yield from bps.mv(bench["stage"], 299.0)

    found = DryBench().run(plan)
    assert any(Write("stage.position", 299.0) in trace.effects for trace in found.traces)


def test_a_measured_text_is_tried_with_what_it_is_compared_with():
    def plan(bench):
        value = (yield from measure(bench))["spectrometer_severity"]["value"]
        if value == "MAJOR":
            yield from bps.mv(bench["stage"], 5.0)

    assert len(DryBench().run(plan).traces) == 2


def test_a_plan_that_writes_what_it_measured_is_refused():
    """The adaptive plan that Bluesky's own `check_limits` passes."""

    def plan(bench):
        value = yield from bps.rd(bench["spectrometer"].counter)
        yield from bps.mv(bench["stage"], 1000 * value)

    verdict = DryBench().judge(plan)
    assert verdict.decision == "refused"
    assert "stage.position: refused to write" in verdict.reasons[0]
    assert "the envelope allows 0 to 300 mm" in verdict.reasons[0]
    assert "where spectrometer_counter = " in verdict.reasons[0]


def test_a_plan_that_ends_in_an_error_only_where_a_measurement_is_odd_is_explored():
    def plan(bench):
        if (yield from measure(bench))["spectrometer_scatter"]["value"] < 0.0:
            raise ValueError("no such scatter")
        yield from bps.mv(bench["stage"], 5.0)

    found = DryBench().run(plan)
    assert found.found == "explored"
    assert [trace.ends_with is None for trace in found.traces].count(True) == 1


def test_waiting_for_a_status_by_looking_at_it_is_explored():
    def plan(bench):
        status = yield from bps.abs_set(bench["stage"], 5.0)
        while not status.done:
            yield from bps.sleep(0.5)

    assert DryBench().run(plan).found == "explored"


def test_the_same_request_gives_the_same_dry_run():
    def plan(bench):
        value = (yield from measure(bench))["spectrometer_scatter"]["value"]
        yield from bps.mv(bench["stage"], abs(value) % 300.0)

    one, other = DryBench().run(plan), DryBench().run(plan)
    assert (one.traces, one.walks) == (other.traces, other.walks)


# not analysable


def loops(bench):
    while True:
        yield from bps.checkpoint()


def waits_for_a_reading(bench):
    while (yield from bps.rd(bench["spectrometer"].counter)) < 1e9:
        yield from bps.sleep(1.0)


def writes_by_itself(bench):
    bench["stage"].set(5.0)
    yield from bps.null()


def writes_and_hides_it(bench):
    with suppress(Exception):
        bench["stage"].velocity.put(5.0)
    yield from bps.null()


def writes_below_its_device(bench):
    with suppress(Exception):
        bench["stage"].velocity._write_pv.put(5.0)
        bench["dispenser"]._line.ask("STOP")
    yield from bps.null()


def reads_by_itself(bench):
    yield from bps.mv(bench["stage"], bench["stage"].position + 1.0)


def raises(bench):
    yield from bps.mv(bench["stage"], 1.0)
    raise RuntimeError("a defect")


def asks_a_person(bench):
    yield from bps.input_plan("how much?")


def pauses(bench):
    yield from bps.pause()


def unknown_command(bench):
    yield Msg("launch", bench["stage"])


def no_message(bench):
    yield 5


def subscribes(bench):
    yield from bps.subscribe("all", print)


def device_of_its_own(bench):
    yield from bps.mv(SynAxis(name="mine"), 1.0)


def opens_a_file(bench):
    Path("/tmp/autolab-dry").write_text("x")
    yield from bps.null()


def connects(bench):
    with suppress(Exception):
        socket.create_connection(("127.0.0.1", 9))
    yield from bps.null()


def starts_a_process(bench):
    subprocess.run(["true"])
    yield from bps.null()


def throws_dice(bench):
    yield from bps.mv(bench["stage"], random.uniform(1.0, 9.0))


def stages_no_trigger_rule(bench):
    yield from bps.kickoff(bench["stage"])


def sleeps_backwards(bench):
    yield Msg("sleep", None, -1.0)


def unknown_material(bench):
    yield from act(bench["dispenser"], Mix("long", OPERATIONS("mix")))
    yield from act(bench["dispenser"], "cyan")


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (loops, "has not ended after 100000 messages"),
        (waits_for_a_reading, "has not ended after 100000 messages (having looked at spectrometer_counter)"),
        (writes_by_itself, "the plan itself uses stage.set"),
        (writes_and_hides_it, "the plan itself uses stage_velocity.put"),
        (writes_below_its_device, "the plan itself"),
        (reads_by_itself, "the plan itself uses stage.position"),
        (raises, "the plan ends after message 2 with RuntimeError: a defect"),
        (asks_a_person, "message 1 is 'input': it asks a person"),
        (pauses, "message 1 is 'pause'"),
        (unknown_command, "message 1 is 'launch': nobody has said what it does"),
        (no_message, "message 1 is no message: 5"),
        (subscribes, "message 1 is 'subscribe'"),
        (device_of_its_own, "set of mine, which is no device of the lab"),
        (opens_a_file, "the plan itself does 'open' '/tmp/autolab-dry'"),
        (connects, "the plan itself does 'socket."),
        (starts_a_process, "the plan itself does 'subprocess.Popen'"),
        (throws_dice, "it depends on chance or time"),
        (stages_no_trigger_rule, "message 1 is 'kickoff'"),
        (sleeps_backwards, "sleep of -1.0 is no time"),
        (unknown_material, "takes a Dispense or a Mix, not 'cyan'"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_nobody_can_know_is_not_analysable_and_refused(plan, why):
    verdict = DryBench().judge(plan)
    assert verdict.decision == "refused"
    assert verdict.dry_run is not None
    assert verdict.dry_run.startswith("not analysable: ")
    assert why in verdict.reasons[0]


def test_a_plan_that_takes_too_long_is_given_up():
    def plan(bench):
        for _ in range(1000):
            yield from bps.null()

    bench = DryBench(deadline_s=-1.0)
    assert "has not ended in time" in bench.run(plan).why


def test_a_device_that_says_nothing_is_not_analysable():
    def plan(bench):
        yield from bps.mv(bench["stage"].target, 5.0)

    assert "message 1" in DryBench().run(plan).why
