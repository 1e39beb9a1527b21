"""What people do through the server: each act is the one behind a command, done by whoever is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from autolab.compose.acting import Caller, acting_as
from autolab.compose.detached import Order, Said, order, said_of
from autolab.compose.options import RunOptions
from autolab.compose.permitting import running_as
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.core.authority import Action
from autolab.core.errors import AutolabError, InputError, NotAuthorisedError
from autolab.core.principals import Principal
from autolab.core.trials import Estimate
from autolab.journal.folder import has_controller
from autolab.journal.inbox import Inbox
from autolab.journal.journal import Journal
from autolab.server.problems import NotFoundError
from autolab.server.settings import Context
from safety.supply import press_all

__all__ = [
    "await_end", "campaign_files", "correct", "emergency_stop", "move", "pause", "prove", "resume", "start", "start_of",
    "stop_all",
]  # fmt: skip

END_REAL_S = 20.0
"""Real seconds in which a controller has brought its lab to rest and let go of it, when its campaign is over."""
LOOK_REAL_S = 0.1
SIMULATED_ONLY = "this server was started with --simulate: campaigns run on simulators only here"


def campaign_files(context: Context) -> list[str]:
    """Campaign files of this lab, beside or below the lab file, as they are started."""
    folder, lab = context.settings.lab.resolve().parent, context.settings.lab.resolve()
    found: list[str] = []
    for path in sorted([*folder.glob("*.yaml"), *folder.glob("*/*.yaml")]):
        if path.resolve() == lab or not path.resolve().is_relative_to(folder):
            continue
        try:
            is_ours = load_campaign(path).lab.resolve() == lab
        except AutolabError:
            is_ours = "\nplan:" in path.read_text(encoding="utf-8", errors="replace")  # a campaign with a mistake
        if is_ours:
            found.append(path.relative_to(folder).as_posix())
    return found


def file_named(context: Context, name: str) -> Path:
    """A campaign file of this lab by its name.

    Raises:
        NotFoundError: there is none of that name.
    """
    if name not in campaign_files(context):
        raise NotFoundError(f"there is no campaign file {name!r} beside the lab file")
    return context.settings.lab.resolve().parent / name


def start(context: Context, caller: Caller, name: str, options: RunOptions) -> str:
    """Start a campaign from its file, in a controller of its own. Returns the id of the start.

    Raises:
        InputError: the file is refused, or a campaign runs already.
        NotAuthorisedError: they may not run it.
    """
    file = file_named(context, name)
    campaign = load_campaign(file)
    lab = load_lab(campaign.lab)
    if context.settings.simulate and options.uses_hardware:
        raise NotAuthorisedError(SIMULATED_ONLY)
    who = running_as(lab, campaign.name, campaign.approval, options, caller)
    _refuse_second(context)
    return order(context.data, Order("run", str(file), _said(options), who))


def move(context: Context, caller: Caller, name: str, texts: Sequence[str], options: RunOptions) -> str:
    """Move a device by hand, in a controller of its own. Returns the id of the start.

    Raises:
        InputError: a campaign runs.
        NotAuthorisedError: they may not move it.
        NotFoundError: there is no such device.
    """
    lab = load_lab(context.settings.lab)
    if name not in lab.devices:
        raise NotFoundError(f"there is no device {name!r} in {lab.name}")
    if context.settings.simulate and options.uses_hardware:
        raise NotAuthorisedError(SIMULATED_ONLY)
    who = running_as(lab, f"a move of {name} by hand", "routine", options, caller)
    _refuse_second(context)
    return order(context.data, Order("move", str(context.settings.lab.resolve()), _said(options), who, (name, *texts)))


def resume(context: Context, caller: Caller, campaign: str, *, accept_changes: bool) -> str:
    """Go on with a campaign, in a controller of its own. Returns the id of the start.

    Raises:
        InputError: it cannot be resumed, or a campaign runs already.
        NotAuthorisedError: they may not run it.
    """
    from autolab.compose.resuming import campaign_record, options_of

    record = campaign_record(context.data, campaign)
    options = options_of(record, context.data)
    file = Path(record.options["file"])
    if not file.is_file():
        raise InputError(f"{record.id}: its campaign file {file} is gone: put it back, then resume")
    wanted = load_campaign(file)
    who = running_as(load_lab(wanted.lab), wanted.name, wanted.approval, options, caller)
    _refuse_second(context)
    return order(context.data, Order("resume", record.id, {"accept_changes": accept_changes}, who))


def prove(context: Context, caller: Caller) -> str:
    """Begin a proof test of the lab, in a process of its own. Returns the id of the start.

    Raises:
        InputError: a campaign or a proof test runs.
        NotAuthorisedError: they may not.
    """
    from autolab.compose.proving import is_proving

    lab = load_lab(context.settings.lab)
    who = acting_as(lab.authority, caller, Action.RUN, f"a proof test of {lab.name}")
    _refuse_second(context)
    if is_proving(context.data):
        raise InputError("a proof test runs already: wait for its end")
    return order(context.data, Order("prove", str(context.settings.lab.resolve()), {}, who))


def start_of(context: Context, number: str) -> Said:
    """What has become of a start.

    Raises:
        NotFoundError: there is none of that id.
    """
    try:
        return said_of(context.data, number)
    except InputError as error:
        raise NotFoundError(str(error)) from None


def pause(context: Context, who: Principal, campaign: str) -> str:
    """Pause a running campaign before its next action.

    Raises:
        InputError: it is not running, or nobody answers.
    """
    from autolab.compose.settling import ask

    return ask(context.data, campaign, "pause", now=False, by=who)


def end(context: Context, who: Principal, campaign: str) -> str:
    """End a campaign for good, also one that no controller runs. Returns at once.

    Raises:
        InputError: it has ended already.
    """
    from autolab.compose.resuming import RESUMABLE, campaign_record

    record = campaign_record(context.data, campaign)
    if record.state not in RESUMABLE:
        raise InputError(f"{record.id} has {record.state} already ({record.reason})")
    if record.state == "running" and has_controller(context.data):
        _post(context, who, [record.id], now=False)
        return f"{record.id} stops before its next action"
    order(context.data, Order("end", record.id, {}, who))
    return f"{record.id} is being ended; its lab goes into its safe state"


def correct(
    context: Context,
    who: Principal,
    campaign: str,
    trial: int,
    values: Sequence[tuple[str, float, float | None]],
    because: str,
) -> str:
    """Give a trial another outcome.

    Raises:
        InputError: there is no such trial or metric, or a controller runs the campaign.
    """
    from autolab.compose.amending import correct_outcome

    estimates = {name: Estimate(value, sem) for name, value, sem in values}
    return correct_outcome(context.data, campaign, trial, estimates, because, who)


def stop_all(context: Context, who: Principal) -> None:
    """End every campaign that runs, in its safe state. What cannot be done is tried by other ways, and noted."""
    found = running(context)
    _post(context, who, found, now=False)
    context.note(who, "stop", ", ".join(found) or "no campaign was running")
    context.stopping.see_to(found, who)


def emergency_stop(context: Context, who: Principal, where: str) -> Literal["relay", "controller"]:
    """Take the power away; in a lab without a relay, have the controller stop the devices in the middle of things.

    The relay is reached first, by its own channel: neither the controller nor the journal stands in the way.
    """
    by_relay = press_all(context.data, where)
    if not by_relay:
        _post(context, who, running(context), now=True)
    context.note(who, "emergency stop", "by the relay" if by_relay else "no relay: the controller was told")
    return "relay" if by_relay else "controller"


def running(context: Context) -> list[str]:
    """Ids of the campaigns that run, the newest first."""
    with context.reading() as reader:
        rows = reader.states.rows("SELECT id FROM campaigns WHERE state = 'running' ORDER BY rowid DESC")
    return [row["id"] for row in rows]


def _post(context: Context, who: Principal, campaigns: Sequence[str], *, now: bool) -> list[int]:
    """Put a stop into the inbox of each campaign. Nobody is waited for."""
    with closing(Journal(context.data, context.clock)) as journal:
        inbox, date = Inbox(journal.states), context.clock.date().isoformat()
        return [inbox.post(campaign, "stop", {"now": now}, who, date) for campaign in campaigns]


def _said(options: RunOptions) -> dict[str, Any]:
    return {key: value for key, value in asdict(options).items() if key not in ("data", "in_memory")}


def await_end(context: Context) -> None:
    """Wait while a controller ends whose campaign has paused or ended already: the pages say so a little earlier."""
    clock = context.clock
    end_s = clock.real() + END_REAL_S
    while has_controller(context.data) and not running(context) and clock.real() < end_s:
        clock.sleep(LOOK_REAL_S)


def _refuse_second(context: Context) -> None:
    await_end(context)
    if has_controller(context.data):
        raise InputError("a campaign runs in this lab already: wait for its end, or stop it first")
