"""A trial that was interrupted in its middle goes on only by the rules that it was screened by."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.compose.rulechanges import note_rules, refuse_other_rules
from autolab.config.lab import load_lab
from autolab.core.errors import InputError
from autolab.core.principals import Principal
from tests.campaign.softlab import SoftLab
from tests.compose.files import EXAMPLES, example

ADA = Principal("ada", "person")
BEFORE = (EXAMPLES / "colour" / "lab.yaml").read_text(encoding="utf-8")
CHANGES = [
    ("compatible: [magenta, yellow, clear]", "compatible: [yellow, clear], incompatible: [magenta]"),
    ("capacity: 360 uL", "capacity: 390 uL"),
    ("moves: [stage.position]", "ranges: {stage.position: {min: 0 mm, max: 10 mm}}"),
    ("dwell: {stage: 1 h}", "dwell: {stage: 2 h}"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_other_rules_are_refused_for_a_trial_in_its_middle_until_a_campaign_went_on_by_them(
    change: tuple[str, str], tmp_path: Path
):
    campaign = SoftLab(trials=1, folder=tmp_path)
    campaign.run()
    journal = campaign.journal
    lab = load_lab(example("colour", tmp_path, {"lab.yaml": change}).with_name("lab.yaml"))
    refuse_other_rules(journal, "soft-1", BEFORE, lab, [])
    with pytest.raises(InputError, match=r"trial 3 was interrupted in its middle, .* give the trial up first"):
        refuse_other_rules(journal, "soft-1", BEFORE, lab, [3])
    note_rules(journal, "soft-1", BEFORE, lab, ADA)
    refuse_other_rules(journal, "soft-1", BEFORE, lab, [4])
    journal.close()


def test_a_refill_is_no_other_rule(tmp_path: Path):
    campaign = SoftLab(trials=1, folder=tmp_path)
    campaign.run()
    refill = {"lab.yaml": ("cyan:    {stock: 250 mL", "cyan:    {stock: 100 mL")}
    lab = load_lab(example("colour", tmp_path, refill).with_name("lab.yaml"))
    refuse_other_rules(campaign.journal, "soft-1", BEFORE, lab, [3])
    campaign.journal.close()
