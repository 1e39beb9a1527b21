"""Proof of one interlock: its cause arises at the simulated sensor, and what must follow is looked for."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from autolab.campaign.lab import OpenLab
from autolab.campaign.stopping import StopSwitch
from autolab.compose.benches import Bench
from autolab.compose.forcing import Forcing, NotForcedError
from autolab.compose.interlocking import await_ready, in_device_unit, scanning, take_safe_state
from autolab.compose.names import Names
from autolab.compose.opening import open_lab
from autolab.compose.power import beating, reset_at
from autolab.compose.proofs import ProofPath
from autolab.config.specs import LabSpec
from autolab.core.addresses import ZmqAddress
from autolab.core.clock import Clock, ScaledClock, real_clock
from autolab.core.envelope import RangeLimit
from autolab.core.errors import AutolabError, EnvelopeError, InputError, InterlockError, SafetyError, TripError
from autolab.core.interlocks import Rule, measures_in, signal_of
from autolab.core.parameters import Value
from autolab.core.principals import Principal
from safety.channel import Channel
from safety.courses import acts_without, course_of, longest_window_s
from safety.interlocking import Interlocks, Onset
from safety.powerline import PowerLine

__all__ = ["Rig", "prove_rule", "prove_silence"]

FOLLOW_REAL_S = 8.0
"""Real seconds in which what must follow a cause has followed, beyond the ages and windows of the rule."""
LOOK_REAL_S = 0.002
"""Real seconds between two looks."""
TESTER = Principal("proof test", "person")


class Rig:
    """A bench of simulators on which paths are exercised, one after the other.

    Args:
        lab: The lab file.
        names: Resolves its names.
        bench: The simulators, which take forced readings.
    """

    def __init__(self, lab: LabSpec, names: Names, bench: Bench) -> None:
        from autolab.compose.devices import device_classes, writable_signals  # with the control systems behind it

        self.lab, self.names, self.bench = lab, names, bench
        self.clock: Clock = real_clock()
        self.forcing = Forcing(bench.addresses, self.clock)
        classes = device_classes(lab, names)
        self.signals = {name: writable_signals(classes[name], spec) or () for name, spec in lab.devices.items()}
        self.read = tuple(
            dict.fromkeys(signal_of(measure) for rule in lab.interlocks for measure in measures_in(rule.when))
        )
        """The signals that the rules read."""

    @contextmanager
    def watched(self) -> Generator[_Watched]:
        """The lab open and at rest, its interlocks evaluated, its power on; reset when the block ends.

        Raises:
            AutolabError: it cannot be opened, or trips at rest.
        """
        with ExitStack() as stack:
            if self.bench.power is not None:
                stack.callback(_reset_quietly, self.bench, self.clock)
            stack.callback(self.forcing.let_go)
            clock = ScaledClock(self.bench.factor)
            lab = stack.enter_context(open_lab(self.lab, self.names, self.bench, clock))
            onsets: list[tuple[Onset, float]] = []
            scan = stack.enter_context(scanning(self.lab, lab, lambda onset: onsets.append((onset, self.clock.real()))))
            line = None if lab.power is None else PowerLine(lab.power, self.clock)
            if line is not None:
                stack.callback(line.close)
            stop = StopSwitch()
            stack.enter_context(beating(lab.power, [], clock, stop, scan))
            await_ready(scan, lab, stop)
            if scan.interlocks is None:
                raise SafetyError(f"{lab.name} has no interlocks")
            yield _Watched(self, lab, scan.interlocks, onsets, line)


class _Watched:
    """One opening of the lab. A trip is for good: each path has one of its own."""

    def __init__(
        self,
        rig: Rig,
        lab: OpenLab,
        interlocks: Interlocks,
        onsets: list[tuple[Onset, float]],
        line: PowerLine | None,
    ) -> None:
        self.rig, self.lab, self.interlocks, self.onsets, self.line = rig, lab, interlocks, onsets, line
        self.begun_s = 0.0

    def force(self, readings: Mapping[str, Value | None]) -> None:
        """Force readings, in the units of the rules; None for one that is no value."""
        self.begun_s = self.rig.clock.real()
        for name, value in readings.items():
            self.rig.forcing.force(self.lab, name, self._as_read(name, value))

    def _as_read(self, name: str, value: Value | None) -> Value | None:
        """A reading as the instrument says it."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return in_device_unit(self.rig.lab, self.lab, name, value)
        return value

    def until(self, done: Callable[[], bool], real_s: float) -> bool:
        """Wait until something is so; False where it is not in time."""
        end_s = self.rig.clock.real() + real_s
        while not done():
            if self.rig.clock.real() > end_s:
                return False
            self.rig.clock.sleep(LOOK_REAL_S)
        return True

    def since_ms(self, rule: str) -> float | None:
        """Milliseconds from the cause until a rule was told to act; None where it was not."""
        return next((1000.0 * (at - self.begun_s) for onset, at in self.onsets if onset.rule == rule), None)

    def refusal(self, signal: str) -> str | None:
        """Why a write is refused that the envelope allows; None where it was not refused."""
        device, _, name = signal.partition(".")
        guard = self.lab.guards[device]
        limit = guard.limit(name)
        if limit is None:
            return f"{signal} is not declared"
        value = limit.lower if isinstance(limit, RangeLimit) else (limit.values or ("",))[0]
        thing = self.lab.devices[device]
        try:
            if name in getattr(thing, "component_names", ()):
                getattr(thing, name).put(value)
            else:
                guard.check(name, value)
        except (TripError, InterlockError) as error:
            return str(error)
        except EnvelopeError:
            return None
        return None

    def powerless_ms(self) -> float | None:
        """Milliseconds from the cause until there was no power; None where there still is, or nothing takes it."""
        since = None if self.line is None else self.line.wait(is_on=False, timeout_s=FOLLOW_REAL_S)
        return None if since is None else 1000.0 * (since - self.begun_s)


def prove_rule(rig: Rig, rule: Rule) -> Iterator[ProofPath]:
    """Exercise a rule: by readings on which it acts, and by each reading that is no value."""
    course = course_of(rule, rig.lab.interlocks, rig.lab.signals)
    if course is None:
        seen = "no readings were found on which it acts: give its signals a range, and test it by hand"
        yield ProofPath(rule.name, "its condition", passed=False, seen=seen)
    else:
        words = ", then ".join(_said(rig, readings) for readings in course)
        yield _attempt(rig, rule, words, list(course))
    rest = _at_rest(rig, rule)
    for name in dict.fromkeys(signal_of(measure) for measure in measures_in(rule.when)):
        if _can_be_no_value(rig, name) and acts_without(rule, rig.lab.signals, [name], rest):
            yield _attempt(rig, rule, f"{name} reads what is no value", [{name: None}])


def prove_silence(rig: Rig, device: str, let_run: Callable[[bool], None]) -> Iterator[ProofPath]:
    """Exercise that a device falls silent: its readings grow old, and every rule acts that depends on them."""
    names = [name for name in rig.read if name.partition(".")[0] == device]
    rules = [rule for rule in rig.lab.interlocks if any(signal_of(m) in names for m in measures_in(rule.when))]
    rules = [rule for rule in rules if acts_without(rule, rig.lab.signals, names, _at_rest(rig, rule))]
    for rule in rules[:1]:
        others = "" if len(rules) == 1 else f" ({', '.join(each.name for each in rules[1:])} too)"
        yield _attempt(
            rig, rule, f"{device} does not answer{others}", [], lambda: let_run(False), lambda: let_run(True)
        )


def _attempt(
    rig: Rig,
    rule: Rule,
    cause: str,
    course: list[Mapping[str, Value | None]],
    begin: Callable[[], object] = lambda: None,
    end: Callable[[], object] = lambda: None,
) -> ProofPath:
    """Exercise a path; whatever goes wrong is a path that did not pass."""
    try:
        with rig.watched() as watched:
            for number, readings in enumerate(course):
                if number:
                    rig.clock.sleep(1.2 * longest_window_s([rule]) / rig.bench.factor)
                watched.force(readings)
            if not course:
                watched.begun_s = rig.clock.real()
            begin()
            try:
                return _judged(watched, rule, cause)
            finally:
                end()
    except NotForcedError as error:
        return ProofPath(rule.name, cause, passed=False, seen=f"not exercised: {error}")
    except AutolabError as error:
        return ProofPath(rule.name, cause, passed=False, seen=f"could not be exercised: {error}")


def _judged(watched: _Watched, rule: Rule, cause: str) -> ProofPath:
    patience_s = FOLLOW_REAL_S + rule.stale_after_s + longest_window_s([rule]) / watched.rig.bench.factor
    if rule.effect == "permissive":
        return _judged_permissive(watched, rule, cause, patience_s)
    watched.until(lambda: watched.since_ms(rule.name) is not None, patience_s)
    ms = watched.since_ms(rule.name)
    if ms is None:
        return ProofPath(rule.name, cause, passed=False, seen=f"no {rule.effect} within {patience_s:.0f} s")
    if rule.effect == "alarm":
        return ProofPath(rule.name, cause, passed=True, seen="it was told", latch_ms=ms)
    return _judged_trip(watched, rule, cause, ms)


def _judged_trip(watched: _Watched, rule: Rule, cause: str, ms: float) -> ProofPath:
    """What must follow a trip: the latch, no write, no power, the safe state, and no reset."""
    lab = watched.lab
    watched.until(lambda: lab.trip.cause is not None, FOLLOW_REAL_S)
    power_ms = watched.powerless_ms()
    taken = [signal for signal in watched.rig.lab.envelope if watched.refusal(signal) is None]
    missing = [f"{', '.join(taken)} could still be written"] if taken else []
    if lab.power is not None and power_ms is None:
        missing.append("the power stayed on")
    steps = take_safe_state(watched.rig.lab, lab, watched.rig.signals)
    powerless = () if watched.rig.lab.power is None else watched.rig.lab.power.devices
    failed = [step for step in steps if ": failed (" in step]
    missing += [step for step in failed if step.partition(".")[0] not in powerless]
    try:
        watched.interlocks.check_reset(rule.name, TESTER)
        missing.append("a reset was not refused while the cause was there")
    except InputError:
        pass
    done = f"safe state: {len(steps) - len(failed)} of {len(steps)} steps"
    without = f" ({len(failed)} without power)" if failed else ""
    seen = f"latched; writes and reset refused; {done}{without}"
    return ProofPath(rule.name, cause, not missing, "; ".join(missing) or seen, ms, power_ms)


def _judged_permissive(watched: _Watched, rule: Rule, cause: str, patience_s: float) -> ProofPath:
    """What must follow a permissive that does not hold: nothing that it is about is written."""
    covered = [signal for signal in watched.rig.lab.envelope if rule.covers(signal)]
    name = f"interlock {rule.name}:"
    watched.until(lambda: all(name in (watched.interlocks.forbids(each) or "") for each in covered), patience_s)
    ms = 1000.0 * (watched.rig.clock.real() - watched.begun_s)
    taken = [signal for signal in covered if watched.refusal(signal) is None]
    if taken:
        return ProofPath(rule.name, cause, passed=False, seen=f"{', '.join(taken)} could still be written")
    return ProofPath(rule.name, cause, passed=True, seen=f"no write to {', '.join(rule.of)}", latch_ms=ms)


def _at_rest(rig: Rig, rule: Rule) -> Mapping[str, Value]:
    """Readings on which a rule does not act, so that only what is missing makes it act."""
    quiet = Rule(rule.name, rule.when, "alarm" if rule.effect == "permissive" else "permissive", _of(rule))
    course = course_of(quiet, [quiet], rig.lab.signals)
    return course[-1] if course is not None else {}


def _of(rule: Rule) -> tuple[str, ...]:
    return () if rule.effect == "permissive" else ("nothing",)


def _can_be_no_value(rig: Rig, signal: str) -> bool:
    """Whether the wire can carry something that is no value of a signal."""
    spec = rig.lab.signals[signal]
    return spec.is_number or (spec.values is not None and _is_zmq(rig, signal))


def _is_zmq(rig: Rig, signal: str) -> bool:
    return isinstance(rig.bench.addresses[signal.partition(".")[0]], ZmqAddress)


def _said(rig: Rig, readings: Mapping[str, Value]) -> str:
    units = {name: rig.lab.signals[name].unit for name in readings}
    return ", ".join(f"{name} reads {_text(value)} {units[name]}".rstrip() for name, value in readings.items())


def _text(value: Value) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _reset_quietly(bench: Bench, clock: Clock) -> None:
    """Let the next path have power; a relay that was not latched has nothing to reset."""
    if bench.power is None:
        return
    channel = Channel(bench.power)
    try:
        if channel.ask("state")["latch"] is not None:
            reset_at(bench.power, "the next path of the proof test", TESTER, clock)
    except SafetyError:
        return  # the next path says that there is no power
    finally:
        channel.close()
