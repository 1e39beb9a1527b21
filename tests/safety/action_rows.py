"""Rows of the bypass matrix: our devices that take actions, on their simulators' cores in memory."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from bluesky import RunEngine

from autolab.core.addresses import MemoryAddress
from autolab.core.clock import VirtualClock
from autolab.core.envelope import AllowedValues, Limit, RangeLimit
from autolab.core.operations import OperationId
from autolab.core.people import Question, Reply
from devices.dispensers import Dispense, Mix, SerialDispenser
from devices.measuring import Measure, ZmqInstrument
from devices.people import Do, Person
from devices.robots import Grip, Place, Transfer, ZmqArm
from safety.guard import Guard
from simulators.base import MemoryStore, Settings
from simulators.dispensers import DispenserServer
from simulators.replay import ReplayServer
from simulators.robots import ArmServer
from tests.rigs import PATIENCE_S
from tests.safety.benches import Bench, Subject, bad_numbers, bad_texts
from tests.safety.wiretaps import Arrival, LineTap, MessageTap

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples/hotplate"))  # as its owner's own package
from hotplate.device import HotPlate
from hotplate.simulator import HotPlateServer

_number = count(1)


def _id() -> OperationId:
    return OperationId("bypass", next(_number), 1, "phase")


def _connected(device_class: Any, name: str, limits: Any, tap: Any, clock: VirtualClock, **options: Any) -> Any:
    device = device_class(name=name, at=MemoryAddress(tap), clock=clock, guard=Guard(name, limits), **options)
    device.connect(PATIENCE_S)
    return device


def _settings(name: str, clock: VirtualClock, **options: Any) -> Settings:
    store = MemoryStore()
    store.save("stage", {"position": 20.0, "moving": False})
    if name != "arm":
        store.save("arm", {"places": {"stage": "strip-1"}})
    return Settings(name, clock, store, seed=1, **options)


LIQUIDS = ("cyan", "magenta", "ink")


@contextmanager
def dispenser(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    limits: dict[str, Limit] = {
        "channel": AllowedValues("dispenser.channel", LIQUIDS[:2]),
        "volume": RangeLimit("dispenser.volume", 1.0, 2.3456, "uL"),
        "mix_time": RangeLimit("dispenser.mix_time", 1.0, 2.3456, "s"),
    }
    settings = _settings("dispenser", clock, materials=dict.fromkeys(LIQUIDS, 1e9), labware={"strip": (("rack",), 24)})
    disp = lambda words: [("channel", LIQUIDS[int(words[0]) - 1]), ("volume", int(words[1]) / 1000)]  # noqa: E731
    meaning = {"DISP": disp, "MIX": lambda words: [("mix_time", int(words[0]) / 1000)], "STOP": lambda _: []}
    core = DispenserServer(settings, channels=LIQUIDS).core
    tap = LineTap(core, meaning, ("LIM?", "COUNT?", "OPID?", "STAT?"))
    device = _connected(SerialDispenser, "dispenser", limits, tap, clock, channels=LIQUIDS)

    def subject(name: str, bad: Any, good: Any, wrap: Callable[[Any], Any], frame: Callable[[Any], str]) -> Subject:
        ways = {
            "lowest write": lambda value: device._write(wrap(value)),
            "line": lambda value: device._line.tell(frame(value)),
            "query on the line": lambda value: device._line.ask(frame(value)),
        }
        return Subject(name, device, bad, good, wrap, ways=ways)

    yield Bench(
        device,
        limits,
        tap,
        (
            subject(
                "channel",
                bad_texts("cyan") | {"ink": "ink", "none of its": "water"},
                ("cyan", "magenta"),
                lambda value: Dispense(value, 2.0, _id()),
                lambda value: f"DISP {LIQUIDS.index(value) + 1} 2000 {_id()}",
            ),
            subject(
                "volume",
                bad_numbers(2.0, 2.4, 0.9) | {"above by less than it counts": 2.3457},
                (2.0, 2.1),
                lambda value: Dispense("cyan", value, _id()),
                lambda value: f"DISP 1 {round(value * 1000)} {_id()}",
            ),
            subject(
                "mix_time",
                bad_numbers(2.0, 2.4, 0.9) | {"inside, and rounded to outside": 2.3456},
                (2.0, 2.1),
                lambda value: Mix(value, _id()),
                lambda value: f"MIX {round(value * 1000)} {_id()}",
            ),
        ),
        engine,
        clock,
    )


@contextmanager
def hotplate(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    limits: dict[str, Limit] = {"temperature": RangeLimit("plate.temperature", 20.0, 90.00004, "degC", tolerance=100.0)}
    meaning = {"SET": lambda words: [("temperature", int(words[0]) / 1000)], "OFF": lambda _: []}
    tap = LineTap(HotPlateServer(_settings("plate", clock)).core, meaning, ("STAT?",))
    device = _connected(HotPlate, "plate", limits, tap, clock)
    ways = {
        "lowest write": lambda value: device._write(value),
        "line": lambda value: device._line.tell(f"SET {round(value * 1000)}"),
        "query on the line": lambda value: device._line.ask(f"SET {round(value * 1000)}"),
    }
    bad = bad_numbers(50.0, 90.1, 19.9)
    present = lambda: device.read()["plate_temperature"]["value"]  # noqa: E731
    subject = Subject("temperature", device, bad, (50.0, 60.0), present=present, ways=ways)
    yield Bench(device, limits, tap, (subject,), engine, clock)


PLACES = ("rack", "stage", "spare", "moon")


@contextmanager
def arm(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    limits: dict[str, Limit] = {
        "place": AllowedValues("arm.place", PLACES[:3]),
        "gripper": AllowedValues("arm.gripper", ("open",)),
    }
    meaning = {
        "transfer": lambda args: [("place", args.get("source")), ("place", args.get("target"))],
        "place": lambda args: [("place", args.get("target"))],
        "grip": lambda args: [("gripper", args.get("state"))],
    }
    tap = MessageTap(ArmServer(_settings("arm", clock), places=PLACES).core, meaning)
    device = _connected(ZmqArm, "arm", limits, tap, clock)

    def subject(name: str, bad: Any, good: Any, wrap: Callable[[Any], Any], op: str, **args: Any) -> Subject:
        (key,) = (key for key, value in args.items() if value is None)
        ways = {
            "lowest write": lambda value: device._write(wrap(value)),
            "client": lambda value: device._client.act(_id(), op, **(args | {key: value})),
            "query of the client": lambda value: device._client.ask(op, **(args | {key: value})),
        }
        return Subject(name, device, bad, good, wrap, ways=ways)

    places = bad_texts("rack") | {"moon": "moon"}
    carry = {"labware": "strip-1"}
    yield Bench(
        device,
        limits,
        tap,
        (
            subject("place", places, ("stage", "spare"), lambda value: Place(value, _id()), "place", target=None),
            subject(
                "gripper",
                bad_texts("open") | {"closed": "closed"},
                ("open", "open"),
                lambda value: Grip(value, _id()),
                "grip",
                state=None,
            ),
            Subject("place", device, places, None, lambda value: Transfer("strip-1", value, "stage", _id())),
            Subject(
                "place",
                device,
                places,
                None,
                lambda value: Transfer("strip-1", "rack", value, _id()),
                ways={
                    "client": lambda value: device._client.act(_id(), "transfer", source="rack", target=value, **carry),
                },
            ),
        ),
        engine,
        clock,
    )


TABLE = "x,solvent,yield\n0.0,water,1.0\n1.0,ethanol,4.0\n"


@contextmanager
def instrument(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    limits: dict[str, Limit] = {
        "x": RangeLimit("instrument.x", 0.2, 0.8, ""),
        "solvent": AllowedValues("instrument.solvent", ("water",)),
    }
    table = folder / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    core = ReplayServer(_settings("instrument", clock), table=str(table), metrics=["yield"]).core
    tap = MessageTap(core, {"measure": lambda args: list(args["values"].items())})
    options = {"parameters": {"x": "", "solvent": None}, "metrics": {"yield": "percent"}}
    device = _connected(ZmqInstrument, "instrument", limits, tap, clock, **options)

    def subject(name: str, bad: Any, good: Any) -> Subject:
        def values(value: Any) -> dict[str, Any]:
            return {"x": 0.5, "solvent": "water", name: value}

        ways = {
            "lowest write": lambda value: device._write(Measure(values(value), _id())),
            "client": lambda value: device._client.act(_id(), "measure", values=values(value)),
            "query of the client": lambda value: device._client.ask("measure", values=values(value)),
        }
        return Subject(name, device, bad, good, lambda value: Measure(values(value), _id()), ways=ways)

    x = subject("x", bad_numbers(0.5, 0.9, 0.1), (0.4, 0.6))
    solvent = subject("solvent", bad_texts("water") | {"ethanol": "ethanol"}, ("water", "water"))
    yield Bench(device, limits, tap, (x, solvent), engine, clock)


class PeopleTap:
    """People who are told something, and say at once that it is done."""

    is_pausing = False

    def __init__(self) -> None:
        self._arrived: list[Arrival] = []
        self._told: set[OperationId] = set()

    def ask(self, device: str, question: Question) -> None:
        self._arrived += question.told.items()
        self._told.add(question.operation)

    def withdraw(self, operation: OperationId) -> None:
        pass

    def reply(self, operation: OperationId) -> Reply | None:
        return Reply("ada", "2026-01-01") if operation in self._told else None

    def received(self) -> list[Arrival]:
        arrived, self._arrived = self._arrived, []
        return arrived


@contextmanager
def person(engine: RunEngine, folder: Path) -> Iterator[Bench]:
    clock = VirtualClock()
    limits: dict[str, Limit] = {
        "heat": RangeLimit("person.heat", 0.2, 0.8, "degC"),
        "solvent": AllowedValues("person.solvent", ("water",)),
    }
    tap = PeopleTap()
    options = {"parameters": {"heat": "degC", "solvent": None}, "instruction": "Heat {solvent} to {heat}"}
    device = _connected(Person, "person", limits, None, clock, **options)
    device.answered_by(tap)

    def subject(name: str, bad: Any, good: Any) -> Subject:
        def do(value: Any) -> Do:
            return Do(_id(), values={"heat": 0.5, "solvent": "water", name: value})

        ways = {"lowest write": lambda value: device._tell(tap, device._question(do(value)))}
        return Subject(name, device, bad, good, do, ways=ways)

    heat = subject("heat", bad_numbers(0.5, 0.9, 0.1), (0.4, 0.6))
    solvent = subject("solvent", bad_texts("water") | {"ethanol": "ethanol"}, ("water", "water"))
    yield Bench(device, limits, tap, (heat, solvent), engine, clock)
