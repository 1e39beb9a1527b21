"""The paths of the bypass matrix: from where a program may try to write, above the device's own verbs."""

from __future__ import annotations

import asyncio
import code
import threading
from collections.abc import Callable, Generator
from typing import Any

from bluesky import Msg
from bluesky import plan_stubs as bps
from bluesky import preprocessors as bpp
from ophyd import Component, Device
from ophyd.status import Status

from tests.safety.benches import Bench, Subject

__all__ = ["PATHS", "reaches"]

Path = Callable[[Bench, Subject, Any], Any]


class Carrier(Device):
    """A device of somebody else's whose verbs write to another one."""

    act: Callable[[], Any] = staticmethod(lambda: None)

    def _carry(self) -> Status:
        self.act()
        done = Status()
        done.set_finished()
        return done

    def trigger(self) -> Status:
        return self._carry()

    def stage(self) -> list[Any]:
        self._carry()
        return super().stage()

    def unstage(self) -> list[Any]:
        self._carry()
        return super().unstage()

    def configure(self, d: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        self._carry()
        return super().configure(d)

    def stop(self, *, success: bool = False) -> None:
        self._carry()


class Crate(Device):
    """A device with another in it."""

    inner = Component(Carrier, "")


def _carrier(bench: Bench, subject: Subject, value: Any) -> Carrier:
    carrier = Carrier(name="carrier")
    carrier.act = lambda: bench.write(subject, value)
    return carrier


def _set(subject: Subject, value: Any) -> Msg:
    return Msg("set", subject.thing, subject.wrap(value), group="g")


def _plan(subject: Subject, value: Any) -> Generator[Msg, Any, None]:
    yield _set(subject, value)
    yield from bps.wait("g")


def by_rel_set(bench: Bench, subject: Subject, value: Any) -> None:
    if subject.present is not None:
        bench.engine(bps.rel_set(subject.thing, value - subject.present(), wait=True))


def by_callback(bench: Bench, subject: Subject, value: Any) -> None:
    token = bench.engine.subscribe(lambda name, document: bench.write(subject, value), "start")
    try:
        bench.engine([Msg("open_run"), Msg("close_run")])
    finally:
        bench.engine.unsubscribe(token)


def by_preprocessor(bench: Bench, subject: Subject, value: Any) -> None:
    def sneak(plan: Any) -> Any:
        yield from _plan(subject, value)
        return (yield from plan)

    bench.engine.preprocessors.append(sneak)
    try:
        bench.engine([Msg("null")])
    finally:
        bench.engine.preprocessors.pop()


def by_suspender(bench: Bench, subject: Subject, value: Any) -> None:
    is_over = threading.Event()

    async def over() -> None:
        is_over.set()

    def plan() -> Generator[Msg, Any, None]:
        yield Msg("checkpoint")
        bench.engine.request_suspend(over, pre_plan=[_set(subject, value), Msg("wait", group="g")])
        while not is_over.is_set():  # it begins when the loop comes to it, which takes as long as it takes
            yield Msg("sleep", None, 0.001)

    bench.engine(plan())


def by_custom_message(bench: Bench, subject: Subject, value: Any) -> None:
    async def pour(message: Msg) -> None:
        bench.write(subject, message.args[0])

    bench.engine.register_command("pour", pour)
    try:
        bench.engine([Msg("pour", None, value)])
    finally:
        bench.engine.unregister_command("pour")


def by_thread(bench: Bench, subject: Subject, value: Any) -> None:
    thread = threading.Thread(target=lambda: bench.attempt(lambda: bench.write(subject, value)))
    thread.start()
    thread.join(10)


def by_task(bench: Bench, subject: Subject, value: Any) -> None:
    async def task() -> None:
        result = bench.write(subject, value)
        if isinstance(result, asyncio.Future):
            await result

    asyncio.run_coroutine_threadsafe(task(), bench.engine.loop).result(10)


def by_notebook(bench: Bench, subject: Subject, value: Any) -> None:
    cell = code.InteractiveInterpreter({"write": lambda: bench.write(subject, value)})
    cell.showtraceback = lambda *_: None
    cell.runsource("write()")


def by_crate(bench: Bench, subject: Subject, value: Any) -> None:
    crate = Crate(name="crate")
    crate.inner.act = lambda: bench.write(subject, value)
    bench.engine(bps.trigger(crate.inner, wait=True))


def by_clean_up(bench: Bench, subject: Subject, value: Any) -> None:
    def fails() -> Generator[Msg, Any, None]:
        yield Msg("null")
        raise RuntimeError("the plan fails")

    bench.engine(bpp.finalize_wrapper(fails(), _plan(subject, value)))


PATHS: dict[str, Path] = {
    "plan message": lambda bench, subject, value: bench.engine([_set(subject, value), Msg("wait", group="g")]),
    "mv": lambda bench, subject, value: bench.engine(bps.mv(subject.thing, subject.wrap(value))),
    "abs_set": lambda bench, subject, value: bench.engine(
        bps.abs_set(subject.thing, subject.wrap(value), wait=True, group="g")
    ),
    "rel_set": by_rel_set,
    "set": lambda bench, subject, value: bench.write(subject, value),
    "callback of documents": by_callback,
    "trigger": lambda bench, subject, value: bench.engine(bps.trigger(_carrier(bench, subject, value), wait=True)),
    "stage": lambda bench, subject, value: bench.engine(bps.stage(_carrier(bench, subject, value))),
    "unstage": lambda bench, subject, value: bench.engine(bps.unstage(_carrier(bench, subject, value))),
    "configure": lambda bench, subject, value: bench.engine(bps.configure(_carrier(bench, subject, value), {})),
    "stop": lambda bench, subject, value: bench.engine(bps.stop(_carrier(bench, subject, value))),
    "custom message": by_custom_message,
    "suspender": by_suspender,
    "preprocessor": by_preprocessor,
    "clean-up of a plan": by_clean_up,
    "component of a component": by_crate,
    "thread": by_thread,
    "asyncio task": by_task,
    "notebook": by_notebook,
}
"""By name: each tries to write a value to a subject."""


def reaches(path: str, subject: Subject) -> bool:
    """Whether a path applies: nothing is moved by so much that says of no place where it is."""
    return path != "rel_set" or subject.present is not None
