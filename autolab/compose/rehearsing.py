"""Rehearsing a campaign: a few trials on the lab's simulators, in memory, to say what it will take."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from autolab.campaign.consumables import amount
from autolab.campaign.lab import OpenLab
from autolab.campaign.stock import volume
from autolab.campaign.stopping import StopSwitch
from autolab.compose.conducting import conduct
from autolab.compose.matching import Bound, bind_files
from autolab.compose.options import RunOptions
from autolab.compose.running import campaign_start, make_setup, open_all
from autolab.core.errors import AutolabError, ProposerError
from autolab.core.principals import local_person
from autolab.core.proposing import SuggestRequest
from autolab.core.trials import Suggestion, TrialState
from autolab.journal.reader import JournalReader
from autolab.journal.records import IntentRecord, TrialRecord
from autolab.report.numbers import duration_text
from devices.reconciling import Reconcilable

__all__ = ["rehearse"]

N_TRIALS = 3
"""Trials that are rehearsed, at points drawn at random."""


def rehearse(file: Path) -> list[str]:
    """What a campaign will take, in sentences: lab time, material, and what a crash would cost. No hardware is used.

    Args:
        file: The campaign file, which has been checked.

    Returns:
        Nothing where not all devices of the lab have simulators.
    """
    options = RunOptions(
        data=Path(), simulate=True, virtual=True, trials=N_TRIALS, seed=0, engine="random", lanes=1, in_memory=True
    )
    wanted = bind_files(file, RunOptions(data=Path()))
    if any(device.simulator is None for device in wanted.lab.devices.values()):
        return []
    try:
        return _rehearsed(file, options, wanted)
    except AutolabError as error:
        return [f"nothing can be said of its time and materials, since a rehearsal on the simulators failed: {error}"]


def _rehearsed(file: Path, options: RunOptions, wanted: Bound) -> list[str]:
    bound = bind_files(file, options)
    bound = replace(bound, campaign=replace(bound.campaign, confirm=None))
    bound = replace(bound, lab=replace(bound.lab, interlocks=()))  # they are not scanned on the virtual clock
    with ExitStack() as stack:
        journal, lab = open_all(stack, bound, options, None, 0, "check")
        setup = replace(make_setup(bound, lab, "check", 0, local_person(), "check", None), calibrations=())
        journal.start_campaign(campaign_start(bound, lab, setup, file, options), local_person())
        conduct(stack, bound, setup, lab, _AtRandom(), journal, (), StopSwitch())
        reader = JournalReader(journal.states, journal.documents)
        trials, intents = reader.trials("check"), reader.intents("check")
        n_trials = wanted.campaign.planned
        notes = [*_time(trials, n_trials), *_materials(wanted, intents, n_trials)]
        notes += [*_consumables(wanted, intents, n_trials), *_crash(lab, intents, trials)]
        if bound.needed:
            names = ", ".join(calibration.name for calibration in bound.needed)
            notes.append(f"the time, materials and wells of calibrations ({names}) come on top of that")
        if setup.uses_samples and len(lab.wells) < n_trials:
            notes.append(f"the lab has {len(lab.wells)} wells for {n_trials} trials: the campaign will pause for more")
        return notes


class _AtRandom:
    """Draws points of the space, in this process."""

    def suggest(self, request: SuggestRequest) -> Suggestion:
        from optimizer.engine import suggest

        return suggest(request)

    def recommend(self, *_: Any) -> Any:
        raise ProposerError("a rehearsal recommends nothing")


def _time(trials: Sequence[TrialRecord], n_trials: int) -> list[str]:
    failed = [trial.failure for trial in trials if trial.failure]
    spans = [
        (trial.lab_s(TrialState.ACQUIRED) or 0.0) - (trial.lab_s(TrialState.RUNNING) or 0.0)
        for trial in trials
        if trial.state is TrialState.INGESTED
    ]
    notes = [f"a trial that was tried on the simulators failed: {why}" for why in failed[:1]]
    if spans and any(trial.lab_s(TrialState.PREPARED) is not None for trial in trials):  # measured together
        begun = min(trial.begun_s or 0.0 for trial in trials)
        spans = [max(trial.lab_s(TrialState.ACQUIRED) or 0.0 for trial in trials) - begun, *([0.0] * (len(spans) - 1))]
    if spans:
        mean = sum(spans) / len(spans)
        whole = duration_text(mean * n_trials)
        notes.append(f"a trial takes about {duration_text(mean)} of lab time, and {n_trials} of them about {whole}")
    return notes


def _materials(bound: Bound, intents: Sequence[IntentRecord], n_trials: int) -> list[str]:
    used: dict[str, dict[int, float]] = {}
    for intent in intents:
        name, amount = str(intent.action.get("material")), intent.action.get("volume_ul")
        if name in bound.lab.materials and isinstance(amount, int | float):
            by_trial = used.setdefault(name, {})
            by_trial[intent.trial] = by_trial.get(intent.trial, 0.0) + amount
    enough: list[str] = []
    notes: list[str] = []
    for name, by_trial in used.items():
        mean, most = sum(by_trial.values()) / N_TRIALS, max(by_trial.values())
        stock = bound.lab.materials[name].stock_ul
        if most * n_trials > stock:
            notes.append(
                f"{name} may run dry: {n_trials} trials need about {volume(mean * n_trials)} or more, and "
                f"{volume(stock)} are in stock; the campaign pauses before a trial for which it is not enough"
            )
        else:
            enough.append(f"{volume(mean * n_trials)} of {name}")
    if enough:
        notes.append(f"{n_trials} trials use about {', '.join(enough)}; there is enough in stock")
    return notes


def _consumables(bound: Bound, intents: Sequence[IntentRecord], n_trials: int) -> list[str]:
    """How far the consumables reach, by the mean of the rehearsed trials."""
    volumes = [float(i.action.get("volume_ul") or 0.0) for i in intents if i.action.get("material") is not None]
    each = {"pour": len(volumes) / N_TRIALS, "volume": sum(volumes) / N_TRIALS, "trial": 1.0}
    notes: list[str] = []
    for name, spec in bound.lab.consumables.items():
        need = each[spec.per] * n_trials
        said = f"{n_trials} trials take about {amount(spec, need)} of {name}, and {amount(spec, spec.stock)} are there"
        notes.append(said if need <= spec.stock else f"{said}: the campaign pauses when there is no more")
    return notes


def _crash(lab: OpenLab, intents: Sequence[IntentRecord], trials: Sequence[TrialRecord]) -> list[str]:
    """What a crash would cost: what of the plan is an action, and which devices can say what became of one."""
    if all(trial.lab_s(TrialState.RUNNING) is None for trial in trials):
        return ["nothing can be said of its time and materials: no trial ran in the rehearsal, see the notes above"]
    if not intents:
        return [
            "the plan has no actions (plans.conventions.act): after a crash the whole trial is run again, with all "
            "that it moves"
        ]
    devices = list(dict.fromkeys(intent.device for intent in intents))
    asked = [name for name in devices if isinstance(lab.devices[name], Reconcilable)]
    silent = [name for name in devices if name not in asked]
    notes: list[str] = []
    if asked:
        notes.append(
            f"after a crash no action is repeated: {' and '.join(asked)} can say what became of it; moves and "
            "measurements of the trial under way are made again"
        )
    if silent:
        notes.append(
            f"{' and '.join(silent)} cannot say what became of an action: after a crash in the middle of one the "
            "campaign waits for a person ('autolab settle')"
        )
    return notes
