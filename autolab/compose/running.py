"""Running a campaign from its file."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.lab import OpenLab
from autolab.campaign.stopping import StopSwitch
from autolab.compose.calibrating import calibration_plans
from autolab.compose.challenges import check_challenge
from autolab.compose.claims import claim_devices
from autolab.compose.conducting import conduct
from autolab.compose.earlier import with_earlier
from autolab.compose.environment import environment
from autolab.compose.locks import holding
from autolab.compose.matching import Bound, bind, with_options
from autolab.compose.opening import bench_for, open_lab
from autolab.compose.options import RunOptions
from autolab.compose.permitting import permit_rules, running_as
from autolab.compose.planmaking import measure_maker, plan_maker, prelude_maker
from autolab.compose.sources import plans_of, sources_hash
from autolab.compose.stocktaking import refuse_reused
from autolab.compose.tripping import refuse_if_tripped
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.addresses import NoAddress
from autolab.core.clock import Clock
from autolab.core.errors import InputError, StorageError
from autolab.core.principals import Principal, local_person
from autolab.core.proposing import Proposer
from autolab.journal.database import check_whole
from autolab.journal.folder import CONTROLLER_LOCK, make_folder
from autolab.journal.journal import STATES_FILE, CampaignStart, Journal

__all__ = [
    "Begun",
    "StopSwitch",
    "campaign_id",
    "data_folder",
    "host_for",
    "make_setup",
    "open_all",
    "proposer_for",
    "run_campaign",
]

Begun = Callable[[Journal, str, Principal], None]
"""Told of the journal, the id of a campaign, and who runs it."""


def run_campaign(
    file: Path,
    options: RunOptions,
    *,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    principal: Principal | None = None,
    person: str | None = None,
    proposer: Proposer | None = None,
    begun: Begun = lambda *_: None,
) -> CampaignResult:
    """Run a campaign to its end.

    Args:
        file: The campaign file.
        options: How to run it.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        principal: Who runs it, where that is known already.
        person: Who runs it, as the lab file names them; None for the account.
        proposer: Suggests the trials; None for the engine that the file names.
        begun: Called once its start is recorded, before anything is suggested.

    Returns:
        How it ended, with the exit code.

    Raises:
        AutolabError: it is refused before anything moves; ``exit_code`` says what kind of refusal it is.
    """
    campaign = with_earlier(with_options(load_campaign(file), options), options.data)
    check_challenge(campaign)
    seed = _seed(campaign, options)
    key = secrets.token_hex(4)
    with ExitStack() as stack:
        if proposer is None:
            proposer = stack.enter_context(proposer_for(campaign))  # first: it imports while the rest is made ready
        lab_spec = load_lab(campaign.lab)
        host = host_for(stack, campaign, lab_spec, options)
        bound = bind(campaign, options, lab_spec)
        who = principal or running_as(bound.lab, bound.campaign.name, bound.campaign.approval, options, person)
        data = stack.enter_context(data_folder(options))
        journal, lab = open_all(stack, bound, options, data, seed, key)
        permits = permit_rules(bound, lab.strongest, lab.simulated)
        setup = make_setup(bound, lab, key, seed, who, campaign_id(campaign, lab.clock, key), host, permits)
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), who)
        begun(journal, setup.id, who)
        return conduct(stack, bound, setup, lab, proposer, journal, observers, stop or StopSwitch())


def open_all(
    stack: ExitStack,
    bound: Bound,
    options: RunOptions,
    data: Path | None,
    seed: int,
    key: str,
    *,
    for_safety: bool = False,
) -> tuple[Journal, OpenLab]:
    """Open the bench, the lab and the journal of a campaign, each device locked; the stack closes them.

    ``for_safety`` opens it to take it into its safe state: also where it has tripped, or a material has expired.

    Raises:
        SafetyError: the lab has tripped.
        FileError: a material of the lab has expired, or the barcode of a bottle was that of something else.
        AutolabError: a device is held by another controller, or does not answer; the journal cannot be opened.
    """
    from autolab.compose.ruling import refuse_expired  # with the devices' classes behind it

    folder = options.data / "simulators" / key
    bench, clock = stack.enter_context(bench_for(bound.lab, bound.names, options, bound.bench, seed, folder))
    if not for_safety:
        refuse_expired(bound.lab, clock.date().date())
    holder = f"process {os.getpid()} of {local_person().name} on {platform.node()}, data in {options.data.absolute()}"
    if not options.virtual:
        addressed = {name: str(d.at) for name, d in bound.lab.devices.items() if not isinstance(d.at, NoAddress)}
        if bench is not None:
            addressed |= {name: f"{addressed[name]} on bench {bench.id}" for name in addressed.keys() & bench.addresses}
        stack.enter_context(holding(addressed, holder))
    lab = stack.enter_context(open_lab(bound.lab, bound.names, bench, clock))
    journal = stack.enter_context(_journal(data, clock))
    if not for_safety:
        refuse_if_tripped(journal, lab)
        refuse_reused(journal, bound.lab, lab.bench)
    if data is not None and not options.virtual:
        claim_devices(stack, lab, data, holder)
    journal.export_heads(bound.lab.heads)
    journal.take_lease(holder)
    return journal, lab


def _seed(campaign: CampaignSpec, options: RunOptions) -> int:
    if options.seed is not None:
        return options.seed
    return campaign.seed if campaign.seed is not None else secrets.randbelow(2**31)


@contextmanager
def data_folder(options: RunOptions) -> Iterator[Path | None]:
    """The data folder, for this controller alone; None for a journal in memory."""
    if options.in_memory:
        yield None
        return
    try:
        make_folder(options.data)
        descriptor = os.open(options.data / CONTROLLER_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise StorageError(
            f"{options.data}: {os.strerror(error.errno or 0)}: choose a folder of yours with --data"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(
                f"{options.data}: another controller runs a campaign with this data folder: "
                "wait for it, or name another folder with --data"
            ) from None
        yield options.data
    finally:
        os.close(descriptor)


@contextmanager
def _journal(data: Path | None, clock: Clock) -> Iterator[Journal]:
    if data is not None and (data / STATES_FILE).exists():
        check_whole(data / STATES_FILE)
    journal = Journal(data, clock)
    try:
        yield journal
    finally:
        journal.close()


@contextmanager
def proposer_for(campaign: CampaignSpec) -> Iterator[Any]:
    """The proposer of a campaign, in a process of its own; it ends with the block."""
    from optimizer.client import ProposerHost
    from optimizer.routing import choose, needs_model

    problem, engine = campaign.problem, campaign.engine
    is_ahead = needs_model(problem, engine, campaign.budget.trials)
    folder = campaign.lab.parent if engine.make is not None else None
    proposer = ProposerHost(warm=choose(problem, engine).name, is_ahead=is_ahead, folder=folder)
    try:
        yield proposer
    finally:
        proposer.close()


def campaign_id(campaign: CampaignSpec, clock: Clock, key: str) -> str:
    """An id for a new campaign: its name, the date, and a part of its key."""
    name = re.sub(r"[^a-z0-9]+", "-", campaign.name.lower()).strip("-")
    return f"{name}-{clock.date():%Y%m%d-%H%M%S}-{key[:4]}"


def host_for(stack: ExitStack, campaign: CampaignSpec, lab: LabSpec, options: RunOptions) -> Any:
    """The process that makes the dry runs of a campaign, until the stack closes; None under the virtual clock."""
    from autolab.compose.screening import dry_run_host

    return None if options.virtual else stack.enter_context(dry_run_host(campaign, lab))


def make_setup(
    bound: Bound, lab: OpenLab, key: str, seed: int, principal: Principal, identity: str, host: Any, permits: Any = None
) -> Any:
    """What a campaign is made of, with the devices of an open lab.

    Args:
        bound: The campaign, bound to its lab.
        lab: The lab, open.
        key: The campaign's key.
        seed: The campaign's seed.
        principal: Who runs it.
        identity: The campaign's id.
        host: Makes the dry runs (a `autolab.screen.client.DryRunHost`); None to make them in this process.
        permits: Who has to approve what; None to ask nobody.
    """
    from autolab.campaign.setup import CampaignSetup, PermitRules
    from autolab.compose.screening import in_process, plan_screen

    campaign, binding = bound.campaign, bound.binding
    if host is not None:
        host.expect(sources_hash(plans_of(binding, bound.preludes), bound.lab.packages))
    return CampaignSetup(
        id=identity,
        key=key,
        name=campaign.name,
        problem=campaign.problem,
        budget=campaign.budget,
        stopping=campaign.stopping,
        on_failure=campaign.on_failure,
        engine=campaign.engine,
        lanes=campaign.lanes,
        seed=seed,
        plan_name=campaign.plan,
        make_plan=plan_maker(binding, lab),
        make_recovery={name: prelude_maker(recovery, lab) for name, recovery in bound.recoveries.items()},
        reduce=binding.reducer,
        uses_samples=binding.uses_samples,
        stations=frozenset(bound.lab.stations) & bound.used,
        principal=principal,
        permits=permits or PermitRules(),
        calibrations=calibration_plans(bound, lab),
        calibrate=bound.asked,
        quality=(*bound.quality, *binding.reducer.quality),
        confirm=campaign.confirm,
        plate=campaign.plate,
        make_measure=binding.measuring and measure_maker(binding.measuring, lab),
        plan_screen=plan_screen(bound, lab, host or in_process(bound)),
    )


def campaign_start(bound: Bound, lab: OpenLab, setup: Any, file: Path, options: RunOptions) -> CampaignStart:
    """What is recorded of a campaign when it starts."""
    wanted = asdict(options)
    del wanted["data"], wanted["in_memory"]
    return CampaignStart(
        id=setup.id,
        key=setup.key,
        name=setup.name,
        lab=lab.name,
        laboratory=lab.laboratory,
        realm=str(lab.realm),
        bench=lab.bench,
        seed=setup.seed,
        engine=setup.engine,
        lanes=setup.lanes,
        budget_trials=setup.budget.trials,
        problem=setup.problem,
        campaign_file=bound.campaign.source.text,
        campaign_hash=bound.campaign.content_hash,
        lab_file=bound.lab.source.text,
        lab_hash=bound.lab.content_hash,
        environment=environment(),
        devices=lab.records,
        options={"file": str(file.absolute()), **wanted},
        envelope_hash=bound.lab.envelope_hash,
        envelope_version=bound.lab.envelope_version,
        confirm=setup.confirm,
    )
