"""``autolab check``: what can be known of files before anything moves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from autolab.compose.challenges import check_challenge
from autolab.compose.earlier import notes_on_tables
from autolab.compose.names import Names
from autolab.config.campaign import load_campaign
from autolab.config.lab import load_lab
from autolab.config.specs import LabSpec
from autolab.config.yamlfile import read_yaml
from autolab.core.clock import real_clock
from autolab.core.errors import AutolabError, FileError, InputError, InputErrors
from autolab.screen.process import is_forkable

__all__ = ["CheckReport", "check_files", "check_names"]

CHILD_REAL_S = 120.0
"""Real seconds that resolving the names of one file may take; a first import of everything takes a few."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found to be good."""

    ok_files: tuple[Path, ...]
    notes: tuple[str, ...]
    """What a person should know, one sentence each."""


def check_files(files: Sequence[Path]) -> CheckReport:
    """Check campaign and lab files: keys, values, units, constraints, addresses; then names, plans and the envelope.

    Plans and classes are resolved in a child process that is thrown away: what they do when they are imported happens
    there.

    Raises:
        InputErrors: all refusals of all files.
        InputError: the only refusal.
    """
    problems: list[InputError] = []
    notes: list[str] = []
    good: list[Path] = []
    for file in files:
        try:
            kind = "campaign" if _is_campaign(file) else "lab"
            if kind == "campaign":
                campaign = load_campaign(file)
                check_challenge(campaign)
                notes += notes_on_tables(campaign)
                load_lab(campaign.lab)
            else:
                load_lab(file)
            notes += _in_child(kind, file)
            good.append(file)
        except InputError as error:
            problems.append(error)
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return CheckReport(tuple(good), tuple(dict.fromkeys(notes)))


def check_names(kind: str, file: Path) -> list[str]:
    """Resolve the names of one file and match what they stand for. Imports everything; called in a child process.

    Returns:
        Notes for the person.

    Raises:
        InputError: something does not fit.
    """
    if kind == "lab":
        lab = load_lab(file)
        return _check_lab(lab, Names(lab.source, lab.packages, file.parent), list)
    from autolab.compose.trying import host_to_try

    with host_to_try(file) as host:  # before anything imports ophyd
        from autolab.compose.calibrating import quality_notes
        from autolab.compose.matching import bind_files
        from autolab.compose.noting import goal_notes
        from autolab.compose.options import RunOptions
        from autolab.compose.rehearsing import rehearse
        from autolab.compose.trying import try_dry

        bound = bind_files(file, RunOptions(data=Path()))
        of_goal = goal_notes(bound.campaign) + quality_notes(bound)
        return of_goal + _check_lab(bound.lab, bound.names, lambda: try_dry(file, bound, host) + rehearse(file))


def _check_lab(lab: LabSpec, names: Names, try_campaign: Callable[[], list[str]]) -> list[str]:
    """Check what the names of a lab stand for, and then its campaign, where there is one."""
    from autolab.compose.calibrating import calibration_notes, match_calibrations
    from autolab.compose.devices import check_envelope, device_classes, foreign_signals
    from autolab.compose.interlocking import check_read
    from autolab.compose.power import without_power
    from autolab.compose.ruling import lab_rules, refuse_expired
    from autolab.compose.subscribers import check_subscribers

    classes = device_classes(lab, names)
    check_envelope(lab, classes)
    lab_rules(lab, classes)
    refuse_expired(lab, real_clock().date().date())
    for name, device in lab.devices.items():
        if device.simulator is not None:
            names.resolve(device.simulator.class_name, ("devices", name, "simulator", "class"), "simulator class")
    check_read(lab, names)
    match_calibrations(lab, names)
    check_subscribers(lab, names)
    notes = foreign_signals(lab, classes) + _judge_interlocks(lab) + try_campaign()
    if lab.power is None:
        notes.append(f"{lab.name}: nothing takes the power of its devices away: it declares no 'power'")
    notes += calibration_notes(lab)
    notes += [f"{name}: without power it {does}" for name, does in without_power(lab, names).items()]
    return notes


def _judge_interlocks(lab: LabSpec) -> list[str]:
    """What is weak in the interlocks of a lab, in sentences.

    Raises:
        FileError: a rule that can never or does always act, or rules that contradict each other.
        InputErrors: several of these.
    """
    if not (lab.interlocks or lab.hazards):
        return []
    from safety.consistency import check_consistency  # z3 takes a second to import

    findings = check_consistency(lab.interlocks, lab.signals, lab.hazards, lab.safe_state)
    wrong = [finding for finding in findings if finding.kind in ("never", "always", "contradiction")]
    problems = [FileError(lab.source.file, finding.line, str(finding)) for finding in wrong]
    if problems:
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return [f"interlocks: {finding}" for finding in findings]


def _is_campaign(file: Path) -> bool:
    """A file with devices is a lab; everything else is read as a campaign, whose refusals say what is missing."""
    return "devices" not in read_yaml(file).values


def _in_child(kind: str, file: Path) -> list[str]:
    """What `check_names` says, from a child: forked where this process has opened nothing yet, and else a new one.

    What the child has imported of ours and of libraries it need not import again where it is forked.

    Raises:
        InputError: what the names of the file stand for is refused, or the child hangs or dies.
    """
    run = _fork if is_forkable() else _spawn
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
        if not run((kind, str(file)), said.fileno(), errors.fileno()):
            raise InputError(f"{file}: resolving its names took more than {CHILD_REAL_S:g} s: a module hangs on import")
        lines, complaints = _lines(said), _lines(errors)
    try:
        answer = json.loads(lines[-1])
    except (IndexError, ValueError):
        last = (complaints or ["no message"])[-1]
        raise InputError(f"{file}: resolving its names ended without an answer: {last}") from None
    if answer["problems"]:
        problems = [InputError(text) for text in answer["problems"]]
        raise problems[0] if len(problems) == 1 else InputErrors(problems)
    return answer["notes"]


def _spawn(arguments: Sequence[str], said: int, errors: int) -> bool:
    """Whether a new process ended in time, with these files for what it says."""
    command = [sys.executable, "-m", "autolab.compose.checking", *arguments]
    try:
        subprocess.run(command, stdout=said, stderr=errors, timeout=CHILD_REAL_S, check=False)  # noqa: S603 (our own interpreter and module)
    except subprocess.TimeoutExpired:
        return False
    return True


def _fork(arguments: Sequence[str], said: int, errors: int) -> bool:
    """Whether a fork of this process ended in time, with these files for what it says."""
    from multiprocessing import get_context

    child = get_context("fork").Process(target=_forked, args=(arguments, said, errors))
    child.start()
    try:
        child.join(CHILD_REAL_S)
        return not child.is_alive()
    finally:
        child.kill()
        child.join()


def _forked(arguments: Sequence[str], said: int, errors: int) -> None:
    os.dup2(said, 1)
    os.dup2(errors, 2)
    _main(arguments)


def _lines(file: IO[bytes]) -> list[str]:
    file.seek(0)
    return file.read().decode(errors="replace").strip().splitlines()


def _main(arguments: Sequence[str]) -> int:
    kind, file = arguments
    answer: dict[str, list[str]] = {"problems": [], "notes": []}
    try:
        answer["notes"] = check_names(kind, Path(file))
    except InputErrors as errors:
        answer["problems"] = [str(error) for error in errors.errors]
    except AutolabError as error:
        answer["problems"] = [str(error)]
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
