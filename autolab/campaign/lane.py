"""A lane: one RunEngine on a worker thread, and the trial that it is running."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg, RunEngineInterrupted
from ophyd.status import StatusBase
from ophyd.utils.errors import WaitTimeoutError

from autolab.campaign.engine import LaneEngine
from autolab.campaign.meter import DeviceMeter
from autolab.campaign.plated import ALONE, Plated
from autolab.campaign.prelude import Prelude
from autolab.campaign.sink import Sink
from autolab.core.canonical import plain
from autolab.core.clock import Clock, VirtualClock
from autolab.core.errors import (
    AutolabError,
    DeviceError,
    DeviceTimeoutError,
    InterruptedByPerson,
    NotConnectedError,
    PlanError,
    WireError,
)
from autolab.core.operations import OperationId
from autolab.core.phases import PhaseBegins, PhaseDone, PhaseEnds
from autolab.journal.journal import Journal
from autolab.journal.records import MovementRecord, Past, PhaseRecord
from devices.reconciling import Recallable, counts

__all__ = ["Lane"]

Plan = Generator[Msg, Any, Any]
SETTLE_REAL_S = 2.0
"""Real seconds that a stopped device has to end the status of its action."""
_SILENT = (NotConnectedError, DeviceTimeoutError, WireError, TimeoutError, InterruptedByPerson)
"""Errors of a device that did not say what became of an action, or of a question that nobody has answered."""


@dataclass(frozen=True, slots=True)
class _Movement:
    """A movement that has begun."""

    trial: int
    device: str
    what: str
    begun_lab_s: float


class Lane:
    """Runs plans one after the other on a RunEngine of its own, and keeps their documents and actions.

    Args:
        number: Number of the lane, from 1.
        clock: The lab's clock.
        journal: Keeps the actions and documents.
        campaign: Id of the campaign.
        loop: Event loop that all lanes of the controller share, so that asynchronous devices work in each of them;
            None for a loop of its own.
        counts: Each device's own count of operations, which all lanes keep up to date.
        on_phase: Told what runs now, as (trial, phase).
        on_action: Told of each action when it is intended, as (trial, action).
    """

    def __init__(
        self,
        number: int,
        clock: Clock,
        journal: Journal,
        campaign: str,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        counts: dict[str, int],
        on_phase: Callable[[int, str], None],
        on_action: Callable[[int, Any], None],
    ) -> None:
        self.number = number
        self.trial: int | None = None
        self._open: list[tuple[OperationId, str, Any]] = []
        self._moving: list[tuple[_Movement, Any]] = []
        self._clock = clock
        self._journal = journal
        self._campaign = campaign
        self._counts = counts
        self._on_phase = on_phase
        self._on_action = on_action
        self._sink = Sink(journal, campaign, number)
        self._meter = DeviceMeter(clock, journal)
        self._stopping, self._pausing = threading.Event(), threading.Event()
        self._past = Past({}, {})
        self._attempt, self._plate = 1, ALONE
        self._watch: Callable[[Msg, str], None] | None = None
        """Told what the plan of the trial does; None while that has not begun."""
        self._phases: dict[str, int] = {}
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"autolab-lane-{number}")
        self._has_shared_loop = loop is not None
        self._engine: LaneEngine = self._worker.submit(self._make_engine, loop).result()

    def submit(
        self,
        trial: int,
        attempt: int,
        plan: Callable[[], Plan],
        md: Mapping[str, Any],
        prelude: Prelude | None = None,
        plate: Plated = ALONE,
    ) -> Future[None]:
        """Run a plan for an attempt at a trial, or for its plate, on the lane's thread, after its prelude.

        The future ends with one of our errors where the plan failed: a `DeviceError` with the cause that the device
        gave, an `InterruptedByPerson` after `abort`, or what the plan itself raised.
        """
        self.trial, self._attempt, self._plate = trial, attempt, plate
        return self._worker.submit(self._run, trial, plan, md, prelude)

    def abort(self, reason: str) -> None:
        """Stop the devices that the plan has moved, run its clean-up, and end it.

        Callable from any thread, and again while the plan has not ended: a plan that is just beginning is not seen.
        """
        self._stopping.set()
        if self._engine.state in ("running", "paused"):
            with (
                redirect_stdout(io.StringIO()),
                suppress(RuntimeError),
            ):  # it prints what it does; it may be idle by now
                self._engine.abort(reason)

    def pause(self) -> None:
        """End the plan before its next action or phase; where it has none left, it ends by itself.

        Callable from any thread.
        """
        self._pausing.set()

    @property
    def is_pausing(self) -> bool:
        """Whether the plan is to end before its next action."""
        return self._pausing.is_set()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """Event loop of the lane's RunEngine."""
        return self._engine.loop

    @property
    def documents(self) -> list[tuple[str, dict[str, Any]]]:
        """Documents of the last trial, as (name, document)."""
        return self._sink.documents

    @property
    def device_seconds(self) -> float:
        """Real seconds that the last plan spent with its devices."""
        return self._meter.seconds

    def close(self) -> None:
        """Let the plan end before its next action, and let go of the threads."""
        self._pausing.set()
        self._worker.shutdown(wait=True)
        if not self._has_shared_loop:
            self._engine.close()

    def _make_engine(self, loop: asyncio.AbstractEventLoop | None) -> LaneEngine:
        engine = LaneEngine(context_managers=[], loop=loop)
        engine.subscribe(self._sink)
        engine.preprocessors.append(self._journalled)
        engine.msg_hook = self._meter  # pyright: ignore[reportAttributeAccessIssue] (declared as None only)
        engine.waiting_hook = self._waiting  # pyright: ignore[reportAttributeAccessIssue] (declared as None only)
        engine.register_command("sleep", self._sleep)
        engine.register_command("answer", _answer)
        return engine

    def _run(self, trial: int, plan: Callable[[], Plan], md: Mapping[str, Any], prelude: Prelude | None) -> None:
        self._meter.begin()
        self._past = self._journal.past(self._campaign, trial, self._attempt, self._plate.trials)
        self._phases.clear()
        try:
            if self._stopping.is_set() or self._pausing.is_set():
                raise InterruptedByPerson("stopped before the plan began")
            prelude = prelude or Prelude()
            self._before(trial, prelude, {**md, "trials": []})
            self._sink.begin(trial)
            self._watch = prelude.watch
            self._engine(plan(), **md)
            self._sink.keep_assets()
        except RunEngineInterrupted as error:
            if self._engine.state == "paused":  # in the middle of an action it has ended the plan by itself
                self._engine.abort("a pause in the middle of an action cannot be resumed without repeating it")
            raise InterruptedByPerson("stopped while the plan was running") from error
        except AutolabError:
            raise
        except Exception as error:
            raise _cause(error) from error
        finally:
            self._meter.end()
            self._settle_rest()
            self.trial = self._watch = None

    def _before(self, trial: int, prelude: Prelude, md: Mapping[str, Any]) -> None:
        """Do what comes before the plan of the trial."""
        if prelude.wait_s:
            self._on_phase(trial, f"wait {prelude.wait_s:g} s")
            self._engine(self._wait_for(prelude.wait_s), **md)
        for step in prelude.steps():
            self._heed_pause()
            self._on_phase(trial, step.name)
            self._sink.begin(0)
            self._engine(step.plan(), **{**md, "plan_name": step.name, **step.md})
            step.done(self._sink.documents)

    def _wait_for(self, seconds: float) -> Plan:
        """Wait for so many lab seconds; a pause ends it."""
        left = seconds
        while left > 0.0:
            self._heed_pause()
            yield Msg("sleep", None, min(left, 1.0))
            left -= 1.0

    def _journalled(self, plan: Plan) -> Plan:
        """Write each action as intended before the device hears of it, and as done or failed when it ends.

        Actions and phases that an earlier run of the plan has completed are not done again.
        """

        def process(msg: Msg) -> tuple[Plan | None, Plan | None]:
            if self._watch is not None:
                self._watch(msg, self._sink.run)
            operation = getattr(msg.args[0], "operation", None) if msg.command == "set" and msg.args else None
            if isinstance(operation, OperationId):
                return self._act(msg, operation), None
            mark = msg.args[0] if msg.command == "null" and msg.args else None
            if isinstance(mark, PhaseBegins) and self._watch is not None and self.trial is not None:
                return self._begin_phase(mark.name, self.trial), None
            if isinstance(mark, PhaseEnds) and self._watch is not None and self.trial is not None:
                return None, self._end_phase(mark, self.trial)
            if msg.command == "wait":
                return None, self._settle_done()
            if msg.command in ("set", "trigger") and msg.obj is not None and self.trial is not None:
                return self._move(msg, self.trial), None
            return None, None

        return bpp.plan_mutator(plan, process)

    def _act(self, msg: Msg, operation: OperationId) -> Plan:
        self._on_phase(operation.trial, operation.phase)
        self._plate.refuse_spent(str(operation))
        known = self._past.actions.get(str(operation), "void")
        if known == "done":
            yield from self._done_before(msg.obj, operation)
            return
        if known != "void":
            raise DeviceError(f"{operation} is {known} by the journal: it is not done again before it has been settled")
        self._heed_pause()
        action = {"type": type(msg.args[0]).__name__, **plain(msg.args[0]), "operation": str(operation)}
        self._journal.intend(operation, self._campaign, msg.obj.name, action, self._count(msg.obj))
        self._on_action(operation.trial, msg.args[0])
        status = yield msg
        self._open.append((operation, msg.obj.name, status))

    def _count(self, device: Any) -> int | None:
        """The device's count of operations; asked again after an error, which leaves it uncertain."""
        if device.name not in self._counts:
            self._counts.update(counts({device.name: device}))
        return self._counts.get(device.name)

    def _done_before(self, device: Any, operation: OperationId) -> Plan:
        """Answer for an action that is done: with its result where the device's readings come from it."""
        if isinstance(device, Recallable):
            device.recall(operation)
        status = StatusBase()
        status.set_finished()
        yield Msg("answer", None, status)

    def _begin_phase(self, name: str, trial: int) -> Plan:
        self._on_phase(trial, name)
        self._plate.refuse_spent(name)
        done = self._past.phases.get(name)
        if done is None:
            self._heed_pause()
            self._phases[name] = self._sink.last + 1
            yield Msg("null")
        else:
            self._sink.recall(self._journal.documents_of(self._campaign, trial, done))
            yield Msg("answer", None, PhaseDone(done.result))

    def _end_phase(self, mark: PhaseEnds, trial: int) -> Plan:
        record = PhaseRecord(mark.result, self._phases.pop(mark.name), self._sink.last)
        self._journal.phase_done(self._campaign, trial, self._attempt, mark.name, record)
        return
        yield  # a plan that sends no message

    def _heed_pause(self) -> None:
        if self._pausing.is_set():
            raise InterruptedByPerson("paused before the next action")

    def _move(self, msg: Msg, trial: int) -> Plan:
        device = getattr(msg.obj, "root", msg.obj).name
        what = "move" if msg.command == "set" else "measure"
        self._on_phase(trial, f"{what} {device}")
        begun_lab_s = self._journal.lab_s()
        status = yield msg
        self._moving.append((_Movement(trial, device, what, begun_lab_s), status))
        return status

    def _settle_done(self) -> Plan:
        """After a wait: write how the actions ended that are over."""
        self._settle([item for item in self._open if item[2].done])
        self._note_movements([pair for pair in self._moving if pair[1].done])
        return
        yield  # a plan that sends no message

    def _settle(self, ended: list[tuple[OperationId, str, Any]]) -> None:
        for operation, device, status in ended:
            error = _error_of(status)
            if not isinstance(error, _SILENT):
                self._journal.settle(
                    operation, "done" if error is None else "failed", None if error is None else str(error)
                )
            if error is not None:
                self._counts.pop(device, None)  # nobody knows whether it was counted
            elif device in self._counts:
                self._counts[device] += 1
            self._open.remove((operation, device, status))

    def _note_movements(self, ended: list[tuple[_Movement, Any]]) -> None:
        for movement, status in ended:
            error = _error_of(status)
            failure = None if error is None else str(error)
            record = MovementRecord(
                movement.trial, movement.device, movement.what, movement.begun_lab_s, self._journal.lab_s(), failure
            )
            self._journal.moved(self._campaign, record)
            self._moving.remove((movement, status))

    def _settle_rest(self) -> None:
        """When the plan is over: an action whose status does not end stays *intended*, which is in doubt."""
        for pair in tuple(self._open):
            with suppress(WaitTimeoutError):
                self._settle([pair])
        self._note_movements([pair for pair in self._moving if pair[1].done])
        self._open.clear()
        self._moving.clear()

    def _waiting(self, statuses: Any) -> None:
        """Called by the RunEngine with what it is about to wait for, and with None when the wait is over."""
        if statuses is not None and isinstance(self._clock, VirtualClock):
            self._clock.run_until(lambda: all(status.done for status in statuses))

    async def _sleep(self, msg: Msg) -> None:
        seconds = msg.args[0]
        if isinstance(self._clock, VirtualClock):
            self._clock.sleep(seconds)
        else:
            await asyncio.sleep(seconds / self._clock.factor)


async def _answer(msg: Msg) -> Any:
    """What `Lane` answers a message of the plan with: a preprocessor can do so by a message of its own only."""
    return msg.args[0]


def _error_of(status: Any) -> Any:
    """Why a status failed; None where it did not. One that has not ended is waited for, for a short while.

    Raises:
        WaitTimeoutError: it has still not ended; an asynchronous status is not waited for.
    """
    if status.done:
        return status.exception(0)
    if not isinstance(status, StatusBase):
        raise WaitTimeoutError
    return status.exception(SETTLE_REAL_S)


def _cause(error: Exception) -> AutolabError:
    """The error of ours that stands behind what the RunEngine raised."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, AutolabError):
            return seen
        if isinstance(seen, TimeoutError):
            return DeviceTimeoutError(f"a device did not finish in time ({seen})")
        seen = seen.__cause__ or seen.__context__
    return PlanError(f"the plan failed with {type(error).__name__}: {error}")
