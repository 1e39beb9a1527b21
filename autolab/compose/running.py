"""Running a campaign from its file."""

from __future__ import annotations

import fcntl
import os
import platform
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from autolab.campaign.events import CampaignResult, Observer
from autolab.campaign.lab import OpenLab
from autolab.campaign.stopping import StopSwitch
from autolab.compose.claims import claim_devices
from autolab.compose.conducting import conduct
from autolab.compose.environment import environment
from autolab.compose.locks import holding
from autolab.compose.names import Names
from autolab.compose.opening import BenchPlan, bench_for, open_lab, plan_bench
from autolab.compose.options import RunOptions
from autolab.compose.permitting import check_level, permit_rules, running_as
from autolab.compose.planmaking import plan_maker, recovery_maker
from autolab.compose.sources import sources_hash
from autolab.compose.tripping import refuse_if_tripped
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import CampaignSpec, LabSpec
from autolab.core.addresses import NoAddress
from autolab.core.clock import Clock
from autolab.core.envelope import Limit
from autolab.core.errors import InputError, StorageError
from autolab.core.principals import Principal, local_person
from autolab.journal.database import check_whole
from autolab.journal.folder import CONTROLLER_LOCK, make_folder
from autolab.journal.journal import STATES_FILE, CampaignStart, Journal

__all__ = [
    "Bound",
    "StopSwitch",
    "bind",
    "bind_files",
    "campaign_id",
    "data_folder",
    "host_for",
    "make_setup",
    "match_plan",
    "open_all",
    "proposer_for",
    "run_campaign",
    "with_options",
]


@dataclass(frozen=True)
class Bound:
    """A campaign and its lab, read, resolved and matched; nothing has been started."""

    campaign: CampaignSpec
    lab: LabSpec
    names: Names
    binding: Any
    """A `autolab.compose.binding.Binding`."""
    recoveries: Mapping[str, Any]
    """A `autolab.compose.binding.RecoveryBinding` for each recovery plan, by its dotted name."""
    bench: BenchPlan
    signals: Mapping[str, Any]
    """Writable signals of each device of a class of ours."""
    limits: Mapping[str, Limit]
    """The envelope by ``device.signal``, in each device's own unit."""

    @property
    def used(self) -> frozenset[str]:
        """Names of the devices that the plan or a recovery plan takes."""
        return frozenset(self.binding.devices).union(*(recovery.devices for recovery in self.recoveries.values()))


def run_campaign(
    file: Path,
    options: RunOptions,
    *,
    observers: Sequence[Observer] = (),
    stop: StopSwitch | None = None,
    principal: Principal | None = None,
    person: str | None = None,
) -> CampaignResult:
    """Run a campaign to its end.

    Args:
        file: The campaign file.
        options: How to run it.
        observers: Told of what happens.
        stop: The switch by which a person stops it.
        principal: Who runs it, where that is known already.
        person: Who runs it, as the lab file names them; None for the account.

    Returns:
        How it ended, with the exit code.

    Raises:
        AutolabError: it is refused before anything moves; ``exit_code`` says what kind of refusal it is.
    """
    campaign = with_options(load_campaign(file), options)
    seed = _seed(campaign, options)
    key = secrets.token_hex(4)
    with ExitStack() as stack:
        proposer = stack.enter_context(proposer_for(campaign))  # first: it imports while the rest is made ready
        lab_spec = load_lab(campaign.lab)
        host = host_for(stack, campaign, lab_spec, options)
        bound = bind(campaign, options, lab_spec)
        who = principal or running_as(bound, options, person)
        data = stack.enter_context(data_folder(options))
        journal, lab = open_all(stack, bound, options, data, seed, key)
        permits = permit_rules(bound, lab.realm)
        setup = make_setup(bound, lab, key, seed, who, campaign_id(campaign, lab.clock, key), host, permits)
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), who)
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
        FileError: a material of the lab has expired.
        AutolabError: a device is held by another controller, or does not answer; the journal cannot be opened.
    """
    from autolab.compose.ruling import refuse_expired  # with the devices' classes behind it

    folder = options.data / "simulators" / key
    bench, clock = stack.enter_context(bench_for(bound.lab, bound.names, options, bound.bench, seed, folder))
    if not for_safety:
        refuse_expired(bound.lab, clock.date().date())
    holder = f"process {os.getpid()} of {local_person().name} on {platform.node()}, data in {options.data.absolute()}"
    if not options.virtual:
        where = "" if bench is None else f" on bench {bench.id}"
        addressed = {name: d.at for name, d in bound.lab.devices.items() if not isinstance(d.at, NoAddress)}
        stack.enter_context(holding({name: f"{at}{where}" for name, at in addressed.items()}, holder))
    lab = stack.enter_context(open_lab(bound.lab, bound.names, bench, clock))
    journal = stack.enter_context(_journal(data, clock))
    if not for_safety:
        refuse_if_tripped(journal, lab)
    if data is not None and not options.virtual:
        claim_devices(stack, lab, data, holder)
    journal.export_heads(bound.lab.heads)
    journal.take_lease(holder)
    return journal, lab


def bind_files(file: Path, options: RunOptions) -> Bound:
    """Read a campaign file and its lab file, resolve their names, and match one with the other. Nothing moves.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    return bind(with_options(load_campaign(file), options), options)


def bind(campaign: CampaignSpec, options: RunOptions, lab: LabSpec | None = None) -> Bound:
    """Resolve the names of a campaign and its lab, and match one with the other. Nothing moves.

    Args:
        campaign: The campaign file.
        options: How it is to be run.
        lab: The lab file; None to read it here.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    lab = lab or load_lab(campaign.lab)
    bench = plan_bench(lab, options)  # before plans are imported: they bring EPICS along
    binding, signals = match_plan(campaign, lab)
    from autolab.compose.binding import bind_recovery
    from autolab.compose.devices import check_envelope, device_classes
    from autolab.compose.ruling import lab_rules

    names = Names(campaign.source, lab.packages, campaign.lab.parent)
    lab_names = Names(lab.source, lab.packages, campaign.lab.parent)
    recoveries = {
        policy.recover: bind_recovery(
            campaign, lab, kind, policy.recover, names.resolve(policy.recover, ("on_failure", kind, "recover"), "plan")
        )
        for kind, policy in campaign.on_failure.items()
        if policy.recover is not None
    }
    classes = device_classes(lab, lab_names)
    limits = {f"{name}.{s}": limit for name, own in check_envelope(lab, classes).items() for s, limit in own.items()}
    lab_rules(lab, classes)
    bound = Bound(campaign, lab, lab_names, binding, recoveries, bench, signals, limits)
    _check_lanes(campaign, lab, sorted(bound.used))
    check_level(campaign, limits, bound.used)
    return bound


def match_plan(campaign: CampaignSpec, lab: LabSpec) -> tuple[Any, Mapping[str, Any]]:
    """Resolve the names of a campaign's plan, its reducer and the lab's devices, and match them.

    Returns:
        The `autolab.compose.binding.Binding`, and the writable signals of each device of a class of ours.

    Raises:
        InputError: something in the files is refused; all that was found is reported together.
    """
    names = Names(campaign.source, lab.packages, campaign.lab.parent)
    from autolab.compose.binding import bind as match
    from autolab.compose.devices import device_classes, writable_signals

    plan = names.resolve(campaign.plan, ("plan",), "plan")
    reducer = names.resolve(campaign.reduce, ("reduce",), "reducer")
    classes = device_classes(lab, Names(lab.source, lab.packages, campaign.lab.parent))
    signals = {name: writable_signals(classes[name], spec) or () for name, spec in lab.devices.items()}
    return match(campaign, lab, plan, reducer, signals), signals


def _check_lanes(campaign: CampaignSpec, lab: LabSpec, devices: Sequence[str]) -> None:
    """Refuse lanes that would move one device at the same time."""
    shared = [name for name in devices if name not in lab.stations]
    if campaign.lanes > 1 and shared:
        raise campaign.source.error(
            ("lanes",),
            f"{campaign.lanes} lanes would use {', '.join(shared)} at the same time: "
            "list them under 'stations' in the lab file, so that one trial holds them at a time",
        )


def with_options(campaign: CampaignSpec, options: RunOptions) -> CampaignSpec:
    """A campaign as the options want it.

    Raises:
        InputError: they do not go together.
    """
    budget = campaign.budget if options.trials is None else replace(campaign.budget, trials=options.trials)
    engine = campaign.engine if options.engine is None else replace(campaign.engine, name=options.engine)
    lanes = options.lanes or campaign.lanes
    if options.virtual and lanes > 1:
        raise InputError("--virtual runs one lane: leave --lanes out, or run without --virtual")
    return replace(campaign, budget=budget, engine=engine, lanes=lanes)


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

    proposer = ProposerHost(warm=campaign.engine.name)
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
        host.expect(sources_hash(binding.plan, bound.lab.packages))
    return CampaignSetup(
        id=identity,
        key=key,
        name=campaign.name,
        problem=campaign.problem,
        budget=campaign.budget,
        no_improvement=campaign.no_improvement,
        on_failure=campaign.on_failure,
        engine=campaign.engine,
        lanes=campaign.lanes,
        seed=seed,
        plan_name=campaign.plan,
        make_plan=plan_maker(binding, lab),
        make_recovery={name: recovery_maker(recovery, lab) for name, recovery in bound.recoveries.items()},
        reduce=binding.reducer,
        uses_samples=binding.uses_samples,
        stations=frozenset(bound.lab.stations) & bound.used,
        principal=principal,
        permits=permits or PermitRules(),
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
    )
