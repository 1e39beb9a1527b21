"""The power of a lab's actuators: relay and watchdog beside its simulators, the controller's heartbeat, the reset."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from autolab.campaign.heartbeat import Heartbeat
from autolab.campaign.scanning import Scan, scanned
from autolab.campaign.stopping import StopSwitch
from autolab.compose.names import Names
from autolab.compose.options import RunOptions
from autolab.config.specs import LabSpec
from autolab.core.clock import Clock, real_clock
from autolab.core.errors import InputError, SafetyError
from autolab.core.principals import Principal
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from safety.channel import Channel
from safety.record import KeptEvent, latch_in, read_events
from safety.supply import EVENTS, Supply, keep_of, place_of, record_of, supplied

__all__ = [
    "beating",
    "check_power",
    "latched_power",
    "note_events",
    "powered",
    "reset_at",
    "reset_power",
    "without_power",
]

RESET_REAL_S = 3.0
"""Real seconds in which a relay that was just started answers, and a button counts as released."""


def without_power(lab: LabSpec, names: Names) -> Mapping[str, str]:
    """What each device that the relay switches does without power, by the word of its simulator.

    Raises:
        FileError: a simulator does not say so: what it would do is not known.
    """
    said: dict[str, str] = {}
    for index, name in enumerate(() if lab.power is None else lab.power.devices):
        simulator, path = lab.devices[name].simulator, ("devices", name, "simulator", "class")
        found = None if simulator is None else names.resolve(simulator.class_name, path, "simulator class")
        words = getattr(found, "without_power", None)
        if words is None:
            raise lab.source.error(
                ("power", "devices", index),
                f"{name}: its simulator does not say what it does without power ('without_power'): "
                "take it out of 'power', or give it a simulator that follows the power line",
            )
        said[name] = str(words)
    return said


def check_power(lab: LabSpec, options: RunOptions) -> None:
    """Refuse to start a lab whose power is latched off, or whose relay nobody drives.

    Raises:
        FileError: it declares a relay, and runs on hardware.
        SafetyError: a trip is latched.
    """
    if lab.power is None or options.virtual:
        return
    if options.uses_hardware:
        raise lab.source.error(
            ("power",),
            f"{lab.name}: 'power' works with --simulate of all devices only: this version drives no relay of hardware; "
            "see to it that something else takes the power away, and remove 'power'",
        )
    events = read_events(keep_of(options.data, lab.name) / EVENTS)
    if latch_in(events) is not None:
        raise SafetyError(_latched(lab, events))


@contextmanager
def powered(lab: LabSpec, names: Names, data: Path, clock: Clock) -> Generator[Supply | None]:
    """Relay and watchdog of a lab, until the block ends; None where it declares no power.

    Raises:
        FileError: what a device does without power is not known.
        InputError: they run already with this data folder.
    """
    if lab.power is None:
        yield None
        return
    without_power(lab, names)
    with supplied(keep_of(data, lab.name), lab.power.dead_man_s, clock) as supply:
        yield supply


@contextmanager
def beating(
    folder: Path | None, loops: Sequence[asyncio.AbstractEventLoop], clock: Clock, stop: StopSwitch, scan: Scan
) -> Generator[None]:
    """Scan and beat while the block runs, and wait for power before it. A trip stops the campaign.

    Args:
        folder: Folder of the watchdog's sockets; None where nothing takes the power away.
        loops: The event loop of each lane's RunEngine.
        clock: For real time.
        stop: The campaign's switch.
        scan: Evaluates the interlocks.

    Raises:
        SafetyError: there is no power.
    """
    if folder is None:
        with scanned(scan):
            yield
        return
    channel, asking = Channel(folder), Channel(folder)
    heart = Heartbeat(channel, clock, scan, loops, stop.trip)
    try:
        heart.start()
        stop.ask_power = lambda: heart.loss or _loss(asking)
        yield
    finally:
        heart.stop()
        channel.close()
        asking.close()


def note_events(journal: Journal, campaign: str, lab: str, folder: Path | None) -> None:
    """Copy what the watchdog has recorded, and the journal does not have yet, as interventions in a campaign.

    Args:
        journal: Takes them.
        campaign: Id of the campaign.
        lab: Name of the lab.
        folder: Folder of the watchdog's sockets, see `beating`.
    """
    events = [] if folder is None else read_events(record_of(folder))
    if not events:
        return
    reader = JournalReader(journal.states, journal.documents)
    known = {done.detail for record in reader.campaigns() for done in reader.interventions(record.id)}
    for event in events:
        detail = f"{event.cause} (event {event.number} of the watchdog of {lab}, {event.at})"
        if detail not in known:
            who = Principal(event.by or "watchdog", "person" if event.what == "reset" else "system")
            journal.intervene(campaign, None, who, f"power: {event.what}", detail)


def latched_power(lab: LabSpec, data: Path) -> str | None:
    """Why the power of a lab is latched off; None where it is not, or the lab declares none."""
    return None if lab.power is None else latch_in(read_events(keep_of(data, lab.name) / EVENTS))


def reset_power(lab: LabSpec, data: Path, because: str, who: Principal) -> str:
    """Clear the latch of a lab's power. The watchdog does it, and refuses while the cause is there.

    Args:
        lab: The lab file, which declares power.
        data: The data folder.
        because: What was seen to.
        who: Who says so.

    Returns:
        What was done, in one sentence.

    Raises:
        InputError: the lab declares no power.
        SafetyError: it is refused, and why.
    """
    clock, keep = real_clock(), keep_of(data, lab.name)
    if lab.power is None:
        raise InputError(f"{lab.name}: it declares no 'power': there is nothing to reset")
    place = place_of(keep)
    if place is not None and (place / "watchdog").exists() and _answers(place):
        reset_at(place, because, who, clock)
    else:
        with supplied(keep, lab.power.dead_man_s, clock) as supply:
            supply.await_ready(clock)
            reset_at(supply.folder, because, who, clock)
    return f"{lab.name}: the power is reset by {who.name}: it comes back when a campaign asks for it"


def reset_at(place: Path, because: str, who: Principal, clock: Clock) -> None:
    """Ask for the reset, again for a short while: relay and button need a moment to be known as they are.

    Args:
        place: Folder of the watchdog's sockets.
        because: What was seen to.
        who: Who says so.
        clock: For real time.

    Raises:
        SafetyError: it is refused, and why.
    """
    channel, end_s = Channel(place), clock.real() + RESET_REAL_S
    try:
        while True:
            try:
                channel.ask("reset", by=who.name, because=because)
                return
            except SafetyError as error:
                if clock.real() > end_s or ("nothing is latched" in str(error) and clock.real() > end_s - 2.0):
                    raise
            clock.sleep(0.1)
    finally:
        channel.close()


def _answers(place: Path) -> bool:
    channel = Channel(place)
    try:
        channel.ask("state")
    except SafetyError:
        return False
    finally:
        channel.close()
    return True


def _loss(channel: Channel) -> str | None:
    """Why there is no power, asked now."""
    try:
        latch = channel.ask("state")["latch"]
    except SafetyError as error:
        return str(error)
    return None if latch is None else str(latch)


def _latched(lab: LabSpec, events: list[KeptEvent]) -> str:
    since = next((event.at for event in reversed(events) if event.what == "trip"), "a time that cannot be read")
    return (
        f"{lab.name}: the power is latched off since {since[:19]}: {latch_in(events)}; see to the cause, then "
        f"'autolab reset {lab.source.file} --because TEXT'"
    )
