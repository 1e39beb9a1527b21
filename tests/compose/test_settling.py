"""What a person says of an action that is in doubt is kept, with what it really used."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autolab.compose.settling import settle_action
from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError
from autolab.core.operations import OperationId
from autolab.journal.journal import Journal
from autolab.journal.reader import JournalReader
from tests.journal.test_journal import ADA, START

POUR, MIX = OperationId("c1", 1, 1, "disp-cyan"), OperationId("c1", 1, 1, "mix")


@pytest.fixture
def in_doubt(tmp_path: Path) -> Path:
    journal = Journal(tmp_path, VirtualClock())
    journal.start_campaign(replace(START), ADA)
    journal.intend(POUR, "c-1", "dispenser", {"material": "cyan", "volume_ul": 60.0})
    journal.intend(MIX, "c-1", "dispenser", {"duration_s": 5.0})
    journal.close()
    return tmp_path


def test_the_volume_is_kept_in_microlitres(in_doubt: Path):
    settle_action(in_doubt, str(POUR), "failed", "half of it is beside the well", ADA, "0.04 mL")
    reader = JournalReader.open(in_doubt)
    intent = reader.intents("c-1")[0]
    reader.close()
    assert (intent.state, intent.used_ul, intent.settled_by) == ("failed", 40.0, ADA.name)


@pytest.mark.parametrize(
    ("operation", "used", "message"),
    [
        (POUR, "40", "--used: '40': without a unit it is a pure number, and a volume is wanted"),
        (POUR, "4 s", "--used: '4 s': 's' is a time, and a volume is wanted"),
        (POUR, "-4 uL", "--used: '-4 uL' is below zero: say what was used, such as '40 uL'"),
        (MIX, "4 uL", "--used: c1.t1.r1.mix.a1 uses no material"),
    ],
)
def test_what_cannot_have_been_used_is_refused(in_doubt: Path, operation: OperationId, used: str, message: str):
    with pytest.raises(InputError) as caught:
        settle_action(in_doubt, str(operation), "done", "seen", ADA, used)
    assert str(caught.value).startswith(message)
    reader = JournalReader.open(in_doubt)
    assert {intent.state for intent in reader.intents("c-1")} == {"intended"}
    reader.close()
