"""Runs a campaign or simulators for a face: signals, progress, and what is said at the end."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from autolab.campaign.events import CampaignResult, Observer
from autolab.cli.answering import hear_lines
from autolab.cli.interrupts import Interrupts
from autolab.cli.output import columns, say, say_json, tell
from autolab.cli.progress import Progress
from autolab.cli.views import LineView, LiveView, SilentView
from autolab.compose.logs import log_to
from autolab.compose.options import RunOptions
from autolab.compose.running import StopSwitch, run_campaign
from autolab.core.errors import DeviceError, SafetyError
from autolab.core.parameters import FixedParameter
from autolab.core.trials import TrialState
from autolab.journal.reader import JournalReader
from autolab.journal.records import CampaignRecord, TrialRecord

__all__ = ["execute", "execute_calibrate", "execute_move", "execute_resume", "execute_try", "serve_simulators"]


def execute(file: Path, options: RunOptions, *, person: str | None = None, json: bool) -> int:
    """Run a campaign with live progress, write its report, and say what came of it. Returns the exit code.

    Raises:
        AutolabError: the campaign was refused before it started, or its record could not be written.
    """

    def start(view: Observer, stop: StopSwitch) -> CampaignResult:
        return run_campaign(file, options, observers=(view,), stop=stop, person=person)

    return _execute(options.data, start, person, json=json)


def execute_try(
    lab: Path,
    plan: str,
    values: Sequence[str],
    options: RunOptions,
    *,
    reducer: str | None,
    person: str | None = None,
    json: bool,
) -> int:
    """Run one trial by hand with live progress, as `execute` does. Returns the exit code.

    Raises:
        AutolabError: it was refused before it started, or its record could not be written.
    """
    from autolab.compose.byhand import try_by_hand

    def start(view: Observer, stop: StopSwitch) -> CampaignResult:
        return try_by_hand(lab, plan, values, options, reducer=reducer, observers=(view,), stop=stop, person=person)

    return _execute(options.data, start, person, json=json)


def execute_move(
    lab: Path, device: str, values: Sequence[str], options: RunOptions, *, person: str | None = None, json: bool
) -> int:
    """Move a device by hand with live progress, as `execute` does. Returns the exit code.

    Raises:
        AutolabError: it was refused before it started, or its record could not be written.
    """
    from autolab.compose.moving import move_by_hand

    def start(view: Observer, stop: StopSwitch) -> CampaignResult:
        return move_by_hand(lab, device, values, options, observers=(view,), stop=stop, person=person)

    return _execute(options.data, start, person, json=json)


def execute_calibrate(
    lab: Path, names: Sequence[str], options: RunOptions, *, person: str | None = None, json: bool
) -> int:
    """Perform calibrations with live progress, as `execute` does. Returns the exit code.

    Raises:
        AutolabError: it was refused before it started, or its record could not be written.
    """
    from autolab.compose.calibratebyhand import calibrate_by_hand

    def start(view: Observer, stop: StopSwitch) -> CampaignResult:
        return calibrate_by_hand(lab, names, options, observers=(view,), stop=stop, person=person)

    return _execute(options.data, start, person, json=json)


def execute_resume(
    data: Path,
    campaign: str,
    *,
    accept_changes: bool,
    person: str | None = None,
    calibrate: Sequence[str] = (),
    json: bool,
) -> int:
    """Go on with a campaign with live progress, as `execute` does. Returns the exit code.

    Raises:
        AutolabError: it cannot be resumed, or its record could not be written.
    """
    from autolab.compose.resuming import resume_campaign

    def go_on(view: Observer, stop: StopSwitch) -> CampaignResult:
        return resume_campaign(
            data, campaign, accept_changes=accept_changes, observers=(view,), stop=stop, person=person,
            calibrate=calibrate,
        )  # fmt: skip

    return _execute(data, go_on, person, json=json)


def _execute(data: Path, run: Callable[[Any, StopSwitch], CampaignResult], person: str | None, *, json: bool) -> int:
    switch = StopSwitch()
    progress = Progress()
    view = SilentView(progress) if json else LiveView(progress) if sys.stderr.isatty() else LineView(progress)

    def stop(reason: str, at_once: bool) -> None:
        switch.request(reason, at_once)
        view.stopping(at_once)

    if sys.stdin is not None and sys.stdin.isatty() and not json:
        hear_lines(sys.stdin, lambda: progress.start and progress.start.campaign, data, person)
    with log_to(data), Interrupts(stop) as interrupts, view:
        result = run(view, switch)
    reader = JournalReader.open(data)
    try:
        campaign = reader.campaign(result.campaign)
        trials = [] if _is_searched(campaign) else reader.trials(campaign.id)
        code = interrupts.exit_code(result.exit_code or _unmet(trials))
        tried = [line for trial in trials for line in _tried(reader, trial, campaign)]
        report = _write_report(reader, campaign, data)
    finally:
        reader.close()
    if json:
        say_json(_summary(result, campaign, report, code))
    else:
        say(_ending(result, campaign, report, data, tried))
    return code


def serve_simulators(lab: Path, data: Path, *, seed: int, time_factor: float, fresh: bool) -> int:
    """Run a lab's simulators until a person stops them. Returns the exit code.

    Raises:
        AutolabError: the lab file is refused, or a simulator does not start.
    """
    from autolab.compose.simulating import simulate

    stop = threading.Event()

    def ready(places: Mapping[str, str]) -> None:
        say(columns([(name, place) for name, place in places.items()]))
        tell("SIMULATED devices are ready. Press Ctrl-C to end them.")

    with log_to(data), Interrupts(lambda *_: stop.set()):
        simulate(lab, data, seed=seed, time_factor=time_factor, fresh=fresh, ready=ready, stop=stop)
    return 0


def _write_report(reader: JournalReader, campaign: CampaignRecord, data: Path) -> Path:
    from autolab.report.page import write_report

    return write_report(reader, campaign, data / "reports" / f"{campaign.id}.html")


def _summary(result: CampaignResult, campaign: CampaignRecord, report: Path, code: int) -> dict[str, Any]:
    from autolab.cli.describing import recommendation_json

    return {
        "campaign": result.campaign,
        "state": result.state,
        "reason": result.reason,
        "exit_code": code,
        "realm": campaign.realm,
        "trials": result.trials,
        "target_met": result.target_met,
        "recommendation": recommendation_json(result.recommendation),
        "report": str(report),
    }


def _is_searched(campaign: CampaignRecord) -> bool:
    """Whether there was anything to choose: a trial by hand has fixed parameters only."""
    return not all(isinstance(parameter, FixedParameter) for parameter in campaign.problem.space.parameters)


def _ending(result: CampaignResult, campaign: CampaignRecord, report: Path, data: Path, tried: Sequence[str]) -> str:
    """What is said at the end: outcome, recipe, report, and what to do next.

    Args:
        result: How it ended.
        campaign: Its record.
        report: Where its report is.
        data: The data folder.
        tried: What its trials yielded, where they were tried by hand; else nothing.
    """
    from autolab.report.numbers import claim_text, recipe, target_text

    objective, best = campaign.problem.ranking, result.recommendation
    trials = f"{result.trials} trial{'s' if result.trials != 1 else ''} with an outcome"
    lines = [f"{campaign.id} ({campaign.realm.upper()}): {result.state}, {trials}: {result.reason}"]
    if tried:
        lines += tried
    elif best is None:
        lines.append("No recipe can be recommended: no trial has an outcome.")
    else:
        value = claim_text(best, objective.unit)
        met = {True: "met", False: "not met", None: ""}[result.target_met]
        target = f" (target {target_text(objective)}: {met})" if met else ""
        if best.front:
            lines.append(
                f"Front of {len(best.front)} trials: {', '.join(map(str, best.front))}; the report shows them."
            )
        lines += [f"{'Recipe of its middle' if best.front else 'Best recipe'}, of trial {best.trial}:"]
        lines.append(
            columns([(f"  {name}", text) for name, text in recipe(campaign.problem.space, best.values)], right=(1,))
        )
        lines.append(f"{objective.metric}: {value}{target}")
    folder = "" if data == Path("autolab-data") else f" --data {data}"
    lines.append(f"Report: {report}")
    if result.state in ("paused", "failed"):
        lines.append(f"Go on: autolab resume {campaign.id}{_as_whom(campaign)}{folder}")
    if best is not None:
        lines.append(f"Next: autolab show {campaign.id} --trial {best.trial}{folder}")
    lines.append(f"      autolab export {campaign.id} --format csv{folder}")
    return "\n".join(lines)


def _unmet(tried: Sequence[TrialRecord]) -> int:
    """The exit code of trials by hand that were refused, or that failed."""
    codes = {TrialState.REFUSED: SafetyError.exit_code, TrialState.FAILED: DeviceError.exit_code}
    return max((codes.get(trial.state, 0) for trial in tried), default=0)


def _tried(reader: JournalReader, trial: TrialRecord, campaign: CampaignRecord) -> list[str]:
    """What a trial by hand yielded, one metric a line; what was performed before one that only calibrates, or moved."""
    if campaign.options.get("calibrate") and trial.outcome:
        from autolab.report.calibrations import calibration_states, state_text

        return [state_text(state) for state in calibration_states(reader, campaign)]
    from autolab.report.numbers import estimate_text, number_text, with_unit

    moved = campaign.options.get("move")
    if moved and trial.outcome:
        settings = {parameter.name: parameter for parameter in campaign.problem.space.parameters}
        said = [
            with_unit(f"{name} {number_text(value) if isinstance(value, float) else value}", settings[name].unit)
            for name, value in trial.suggestion.values.items()
            if name != "device"
        ]
        return [f"{moved} has moved, as it reads itself: {', '.join(said)}"]
    if not trial.outcome:
        refused = trial.verdict is not None and trial.verdict.decision == "refused"
        why = f"refused: {'; '.join(trial.verdict.reasons)}" if trial.verdict and refused else trial.failure
        return [f"Trial {trial.number} has no outcome: {why or trial.state}"]
    units = {objective.metric: objective.unit for objective in campaign.problem.objectives}
    rows = [
        (f"  {metric}", with_unit(estimate_text(each.value, each.sem), units.get(metric, "")))
        for metric, each in trial.outcome.items()
    ]
    return [f"Trial {trial.number}:", columns(rows)]


def _as_whom(campaign: CampaignRecord) -> str:
    """The option that says who goes on, where the lab names its people."""
    import yaml

    people = yaml.safe_load(campaign.lab_file).get("people") or {}
    return f" --as {campaign.principal}" if campaign.principal in people else ""
