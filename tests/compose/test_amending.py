"""Another budget for a campaign that does not run: what is resumed has it, and what makes no sense is refused."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from autolab.compose.amending import change_budget
from autolab.compose.matching import with_options
from autolab.compose.options import RunOptions
from autolab.compose.resuming import campaign_record, options_of
from autolab.compose.running import data_folder
from autolab.config.campaign import load_campaign
from autolab.core.clock import real_clock
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from autolab.journal.journal import Journal
from tests.compose.files import example
from tests.report.journals import write_journal

ADA = Principal("ada", "person")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A campaign of four trials that was interrupted."""
    folder, file = tmp_path / "data", example("colour", tmp_path)
    folder.mkdir()
    write_journal(folder, trials=4, campaign="teal-1", ended=False)
    options = {"file": str(file), "simulate": True, "virtual": False, "time_factor": 1.0, "trials": None}
    with closing(Journal(folder, real_clock())) as journal:
        journal.states.write("UPDATE campaigns SET options = ?", (json.dumps(options),))
    return folder


def test_a_campaign_goes_on_with_the_budget_that_it_was_given(data: Path):
    said = change_budget(data, "teal", 9, "the gain is worth it", ADA)
    assert said == "teal-1 may run 9 trials, and not 4; 'autolab resume teal-1' goes on"
    record = campaign_record(data, "teal-1")
    options = options_of(record, data)
    campaign = with_options(load_campaign(Path(record.options["file"])), options)
    assert (record.budget_trials, options.trials, campaign.budget.trials) == (9, 9, 9)


@pytest.mark.parametrize(
    ("trials", "because", "message"),
    [
        (3, "why not", "teal-1 has begun 4 trials already: its budget cannot be 3"),
        (0, "why not", "--trials 0 is outside 1 to 99999"),
        (9, " ", "--because: say why"),
    ],
)
def test_a_budget_that_makes_no_sense_changes_nothing(trials: int, because: str, message: str, data: Path):
    with pytest.raises(InputError, match=message):
        change_budget(data, "teal", trials, because, ADA)
    assert campaign_record(data, "teal-1").budget_trials == 4


def test_a_campaign_that_a_controller_runs_keeps_its_budget(data: Path):
    with data_folder(RunOptions(data=data)), pytest.raises(InputError, match="another controller runs a campaign"):
        change_budget(data, "teal", 9, "the gain is worth it", ADA)
