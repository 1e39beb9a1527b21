"""Commands by which a person changes a campaign: ``correct``, ``repeat``, ``inject``, ``abandon``, ``budget``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from autolab.cli.options import ActingAs, CampaignId, DataFolder
from autolab.cli.output import say
from autolab.core.errors import InputError
from autolab.core.trials import Estimate

__all__ = ["abandon", "budget", "correct", "inject", "repeat"]

Trial = Annotated[int, typer.Argument(metavar="N", help="Number of the trial.")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="Why; it is kept with the change.")]
_PAIR = re.compile(r"(?P<name>[^=\s]+)=(?P<value>[^±]+?)(?:±(?P<sem>.+))?")


def correct(
    campaign: CampaignId,
    trial: Trial,
    outcome: Annotated[
        list[str],
        typer.Argument(metavar="METRIC=VALUE…", help="The new value of a metric; with its standard error: 3.2±0.4."),
    ],
    because: Because,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Correct a trial's outcome, for all that follows. The value before is kept."""
    values = dict(_estimate(text) for text in outcome)
    from autolab.compose.amending import correct_outcome
    from autolab.core.principals import local_person

    say(correct_outcome(data, campaign, trial, values, because, local_person()))


def repeat(
    campaign: CampaignId,
    trial: Trial,
    because: Because,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Have a trial run once more, as a new trial, when the campaign is resumed."""
    from autolab.compose.amending import repeat_trial
    from autolab.compose.approving import asking_as

    say(repeat_trial(data, campaign, trial, because, asking_as(data, campaign, person)))


def inject(
    campaign: CampaignId,
    values: Annotated[
        list[str],
        typer.Argument(metavar="NAME=VALUE…", help="A value for each parameter that is not fixed: 'cyan=20 uL'."),
    ],
    because: Because,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Hand a trial to a campaign: it takes the next number, and all checks that a suggestion goes through."""
    from autolab.compose.approving import asking_as
    from autolab.compose.injecting import inject_trial

    say(inject_trial(data, campaign, values, because, asking_as(data, campaign, person)))


def abandon(campaign: CampaignId, trial: Trial, because: Because, data: DataFolder = Path("autolab-data")) -> None:
    """Give up a trial that was interrupted or is in doubt, such as one whose sample was lost."""
    from autolab.compose.amending import abandon_trial
    from autolab.core.principals import local_person

    say(abandon_trial(data, campaign, trial, because, local_person()))


def budget(
    campaign: CampaignId,
    trials: Annotated[int, typer.Argument(metavar="N", help="Trials that it may run in all; repeats come on top.")],
    because: Because,
    person: ActingAs = None,
    data: DataFolder = Path("autolab-data"),
) -> None:
    """Give a paused campaign another budget of trials, from its next resume on."""
    from autolab.compose.amending import change_budget
    from autolab.compose.approving import asking_as

    say(change_budget(data, campaign, trials, because, asking_as(data, campaign, person)))


def _estimate(text: str) -> tuple[str, Estimate]:
    found = _PAIR.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        numbers = [float(number) for number in (found["value"], found["sem"]) if number is not None]
    except ValueError:
        raise InputError(f"{text!r} is no outcome: write METRIC=VALUE, such as colour_distance=3.2±0.4") from None
    return found["name"], Estimate(*numbers)
