"""Devices of classes that are not ours: declared signals work inside their limits, all others are closed."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from bluesky import RunEngine
from bluesky import plan_stubs as bps
from ophyd import Component, Device, EpicsMotor, EpicsSignal, EpicsSignalRO, Signal, SoftPositioner
from ophyd.sim import SynAxis, SynGauss
from ophyd_async.core import Device as AsyncDevice
from ophyd_async.core import (
    MovableLogic,
    SoftCommandBackend,
    StandardMovable,
    StandardReadable,
    TriggerableCommand,
    soft_signal_r_and_setter,
    soft_signal_rw,
)

from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.errors import EnvelopeError
from safety.foreign import close_for_writing, guard_foreign
from safety.guard import Guard


@pytest.fixture(scope="module")
def engine() -> RunEngine:
    return RunEngine(context_managers=[], call_returns_result=True)


def _range(name: str, **options: Any) -> dict[str, Limit]:
    return {name: RangeLimit(f"motor.{name}", -10.0, 10.0, "mm", **options)}


def _cause(error: BaseException) -> BaseException:
    """What lies at the bottom of a chain of exceptions."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


@dataclass
class InstantLogic(MovableLogic[float]):
    readback_set: Callable[[float], None]

    async def move(self, new_position: float, timeout: Any) -> None:
        await self.setpoint.set(new_position)
        self.readback_set(new_position)

    async def stop(self) -> None:
        await self.setpoint.set(await self.readback.get_value())


class AsyncMotor(StandardReadable, StandardMovable[float]):
    """A motor as ophyd-async builds them."""

    def __init__(self, name: str = "") -> None:
        self.user_readback, self._arrive = soft_signal_r_and_setter(float, 0.0, units="mm")
        self.user_setpoint = soft_signal_rw(float, 0.0, units="mm")
        self.velocity = soft_signal_rw(float, 1.0)
        super().__init__(name=name)

    @cached_property
    def movable_logic(self) -> MovableLogic[float]:
        return InstantLogic(self.user_setpoint, self.user_readback, self._arrive)


class Heater(Device):
    """A classic device as others write them: its ``set`` writes its own signals."""

    target = Component(Signal, value=20.0)
    heat = Component(Signal, value=20.0)

    def set(self, value: float) -> Any:
        self.heat.put(value)
        return self.target.set(value)

    def trigger(self) -> Any:
        return self.target.set(999.0)

    def stop(self, *, success: bool = False) -> None:
        self.heat.put(0.0)


class Oven(Device):
    inner = Component(Heater)


CLASSIC_WRITES: dict[str, Callable[[Heater], Any]] = {
    "put": lambda heater: heater.target.put(5.0),
    "forced put": lambda heater: heater.target.put(5.0, force=True),
    "set": lambda heater: heater.target.set(5.0),
    "internal": lambda heater: heater.heat.put(5.0),
    "device": lambda heater: heater.set(5.0),
    "trigger": lambda heater: heater.trigger(),
    "value": lambda heater: setattr(heater.target, "value", 5.0),
}


@pytest.mark.parametrize("way", CLASSIC_WRITES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_closed_classic_device_keeps_its_values(way: str) -> None:
    heater = Heater(name="heater")
    assert close_for_writing(heater) == ["value", "target", "heat"]
    with pytest.raises(EnvelopeError, match="declares no limit"):
        CLASSIC_WRITES[way](heater)
    assert (heater.target.get(), heater.heat.get()) == (20.0, 20.0)


def test_the_stop_of_a_closed_device_still_works() -> None:
    heater = Heater(name="heater")
    close_for_writing(heater)
    heater.stop()
    assert heater.heat.get() == 0.0
    with pytest.raises(EnvelopeError):
        heater.heat.put(1.0)


def test_parts_of_a_device_are_closed_under_their_dotted_names() -> None:
    oven = Oven(name="oven")
    assert close_for_writing(oven) == ["inner.value", "inner.target", "inner.heat"]
    with pytest.raises(EnvelopeError, match=r"^oven.inner.target"):
        oven.inner.target.put(5.0)


def test_a_declared_signal_is_checked_at_its_lowest_write_and_others_stay_closed() -> None:
    heater = Heater(name="heater")
    assert guard_foreign(heater, Guard("heater", _range("target"))) == ["value", "heat"]
    heater.target.set(5.0).wait(timeout=5)
    for value in (11.0, math.nan, "5", True):
        for write in (heater.target.put, heater.target.set):
            with pytest.raises(EnvelopeError):
                write(value)
    with pytest.raises(EnvelopeError, match="refused to write 999"):
        heater.trigger()
    assert (heater.target.get(), heater.heat.get()) == (5.0, 20.0)


def test_a_device_that_is_one_signal_goes_by_the_name_value() -> None:
    signal = Signal(name="valve", value=0.0)
    assert guard_foreign(signal, Guard("valve", _range("value"))) == []
    signal.put(3.0)
    with pytest.raises(EnvelopeError, match=r"^valve.value: refused to write 30"):
        signal.put(30.0)
    assert signal.get() == 3.0


def test_a_synthetic_axis_works_inside_the_limits_of_its_setpoint(engine: RunEngine) -> None:
    motor = SynAxis(name="motor")
    closed = guard_foreign(motor, Guard("motor", _range("setpoint", max_step=6.0)))
    assert closed == ["readback", "velocity", "acceleration", "unused"]
    engine(bps.mv(motor, 5.0))
    assert motor.position == 5.0
    for write in (motor.set, motor.setpoint.put, motor.setpoint.set):
        for value in (11.0, math.nan, -2.0):  # the last is too large a step
            with pytest.raises(EnvelopeError):
                write(value)
    with pytest.raises(EnvelopeError):
        engine(bps.mv(motor, 11.0))
    assert motor.position == 5.0


def test_a_closed_synthetic_axis_does_not_move_by_its_own_set(engine: RunEngine) -> None:
    motor = SynAxis(name="motor")
    assert "value" in close_for_writing(motor)
    for write in (motor.set, motor.setpoint.put, motor.setpoint.set):
        with pytest.raises(EnvelopeError):
            write(1.0)
    assert (motor.position, motor.sim_state["setpoint"]) == (0.0, 0.0)


def test_a_detector_can_still_be_triggered_and_read(engine: RunEngine) -> None:
    motor = SynAxis(name="motor")
    detector = SynGauss("detector", motor, "motor", center=0, Imax=1)
    close_for_writing(detector)
    engine(bps.trigger(detector, wait=True))
    assert detector.read()["detector"]["value"] == 1.0
    with pytest.raises(EnvelopeError):
        detector.val.put(5.0)


def test_signals_over_channel_access_are_closed_below_put(tmp_path: Any) -> None:
    motor = EpicsMotor("NOBODY:m1", name="motor")
    closed = close_for_writing(motor)
    assert "user_setpoint" in closed
    assert "user_readback" not in closed
    for write in (motor.user_setpoint.put, motor.user_setpoint._write_pv.put, motor.velocity.set, motor.set):
        with pytest.raises(EnvelopeError):
            write(1.0)
    motor.destroy()


def test_assigning_the_value_of_a_process_variable_is_a_write_as_well() -> None:
    motor = EpicsMotor("NOBODY:m1", name="motor")
    guard_foreign(motor, Guard("motor", _range("user_setpoint")))
    pv = motor.user_setpoint._write_pv
    with pytest.raises(EnvelopeError, match="refused to write 999"):
        pv.value = 999.0
    with pytest.raises(EnvelopeError, match="refused to write 999"):
        pv.__setval__(999.0)
    motor.destroy()


def test_nothing_is_written_to_a_process_variable_that_is_only_read() -> None:
    signal, read_back = EpicsSignalRO("NOBODY:x", name="x"), EpicsSignal("NOBODY:y_RBV", "NOBODY:y", name="y")
    for one in (signal, read_back):
        guard_foreign(one, Guard(one.name, _range("value")))
        with pytest.raises(EnvelopeError, match="only read"):
            one._read_pv.put(3.0)
        one.destroy()


class Turntable(SoftPositioner):
    """A positioner as others write them around a driver of their own."""

    angle = 0.0

    def _setup_move(self, position: float, status: Any) -> None:
        self.angle = position
        super()._setup_move(position, status)


def test_a_positioner_is_guarded_in_every_verb_that_moves_it() -> None:
    turntable = Turntable(name="turntable", init_pos=0.0)
    guard_foreign(turntable, Guard("turntable", _range("value")))
    for write in (turntable.set, turntable.move, lambda value: turntable._setup_move(value, None)):
        with pytest.raises(EnvelopeError):
            write(11.0)
    turntable.move(5.0, wait=True)
    assert turntable.angle == 5.0


def test_a_read_only_signal_is_left_alone() -> None:
    signal = EpicsSignalRO("NOBODY:x", name="x")
    assert close_for_writing(signal) == []
    signal.destroy()


def _connected(engine: RunEngine, device: AsyncDevice) -> Any:
    asyncio.run_coroutine_threadsafe(device.connect(), engine.loop).result(5)
    return device


def _value(engine: RunEngine, signal: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(signal.get_value(), engine.loop).result(5)


def test_an_async_motor_works_inside_the_limits_of_its_setpoint(engine: RunEngine) -> None:
    motor = _connected(engine, AsyncMotor(name="motor"))
    closed = guard_foreign(motor, Guard("motor", _range("user_setpoint", max_step=6.0)))
    assert closed == ["velocity"]
    engine(bps.mv(motor, 5.0))
    assert _value(engine, motor.user_readback) == 5.0
    for target, value in ((motor, 11.0), (motor, math.nan), (motor, -2.0), (motor.user_setpoint, 11.0)):
        with pytest.raises(Exception) as refusal:  # noqa: PT011 (the engine wraps it; the cause is looked at)
            engine(bps.mv(target, value))
        assert isinstance(_cause(refusal.value), EnvelopeError)
    assert _value(engine, motor.user_setpoint) == 5.0
    assert _value(engine, motor.user_readback) == 5.0


def test_nothing_is_put_by_an_async_signal_that_only_reads(engine: RunEngine) -> None:
    motor = _connected(engine, AsyncMotor(name="motor"))
    guard_foreign(motor, Guard("motor", _range("user_setpoint")))
    with pytest.raises(EnvelopeError, match="only read"):
        asyncio.run_coroutine_threadsafe(motor.user_readback._connector.backend.put(3.0), engine.loop).result(5)
    assert _value(engine, motor.user_readback) == 0.0


def test_a_closed_async_motor_keeps_its_values(engine: RunEngine) -> None:
    motor = _connected(engine, AsyncMotor(name="motor"))
    assert set(close_for_writing(motor)) == {"value", "user_setpoint", "velocity"}
    for target in (motor, motor.user_setpoint, motor.velocity):
        with pytest.raises(Exception) as refusal:  # noqa: PT011 (the engine wraps it; the cause is looked at)
            engine(bps.mv(target, 3.0))
        assert isinstance(_cause(refusal.value), EnvelopeError)
    assert (_value(engine, motor.user_setpoint), _value(engine, motor.user_readback)) == (0.0, 0.0)
    engine(bps.stop(motor))


def test_an_async_device_stays_guarded_when_it_connects_again(engine: RunEngine) -> None:
    motor = AsyncMotor(name="motor")
    close_for_writing(motor)
    _connected(engine, motor)
    asyncio.run_coroutine_threadsafe(motor.connect(force_reconnect=True), engine.loop).result(5)
    with pytest.raises(Exception) as refusal:  # noqa: PT011 (the engine wraps it; the cause is looked at)
        engine(bps.mv(motor.velocity, 3.0))
    assert isinstance(_cause(refusal.value), EnvelopeError)


class Shutter(AsyncDevice):
    def __init__(self, name: str = "") -> None:
        self.n_opened = 0
        self.open_ = TriggerableCommand(SoftCommandBackend(self._open, inspect.signature(self._open, eval_str=True)))
        self.mode = soft_signal_rw(str, "slow")
        super().__init__(name)

    def _open(self) -> None:
        self.n_opened += 1


def test_async_commands_and_choices_are_declared_by_allowed_values(engine: RunEngine) -> None:
    shutter = _connected(engine, Shutter(name="shutter"))
    limits: dict[str, Limit] = {"mode": AllowedValues("shutter.mode", ("slow", "fast"))}
    assert guard_foreign(shutter, Guard("shutter", limits)) == ["open_"]
    engine(bps.mv(shutter.mode, "fast"))
    assert _value(engine, shutter.mode) == "fast"
    for plan in (lambda: bps.mv(shutter.mode, "quick"), lambda: bps.trigger(shutter.open_, wait=True)):
        with pytest.raises(Exception) as refusal:  # noqa: PT011 (the engine wraps it; the cause is looked at)
            engine(plan())
        assert isinstance(_cause(refusal.value), EnvelopeError)
    open_shutter = _connected(engine, Shutter(name="shutter"))
    guard_foreign(open_shutter, Guard("shutter", {"open_": AllowedValues("shutter.open_", (1,))}))
    engine(bps.trigger(open_shutter.open_, wait=True))
    assert (shutter.n_opened, open_shutter.n_opened) == (0, 1)


class Pump:
    """A movable without any signal."""

    name = "pump"
    parent = None
    rate = 0.0

    def set(self, value: float) -> None:
        self.rate = value


def test_a_movable_without_signals_is_closed_unless_its_value_is_declared() -> None:
    pump = Pump()
    assert close_for_writing(pump) == ["value"]
    with pytest.raises(EnvelopeError, match=r"^pump.value"):
        pump.set(1.0)
    assert pump.rate == 0.0
    declared = Pump()
    assert guard_foreign(declared, Guard("pump", _range("value"))) == []
    declared.set(1.0)
    with pytest.raises(EnvelopeError):
        declared.set(11.0)
    assert declared.rate == 1.0


class Sealed:
    """An object whose methods cannot be replaced."""

    __slots__ = ()
    name = "sealed"

    def set(self, value: float) -> None: ...


def test_an_object_that_cannot_be_guarded_is_refused() -> None:
    with pytest.raises(EnvelopeError, match=r"^sealed: Sealed.set cannot be guarded, so the device is refused"):
        close_for_writing(Sealed())
