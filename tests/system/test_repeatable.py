"""The same seed is the same campaign, and each suggestion can be derived again from the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from autolab.core.proposing import Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from autolab.journal.reader import JournalReader
from optimizer.client import ProposerHost
from tests.compose.files import EXAMPLES
from tests.system.command import autolab

LABS = {"colour": ("ax", 10), "replay": ("ax", 8)}


def exported(lab: str, data: Path, seed: int, engine: str | None = None) -> bytes:
    usual, trials = LABS[lab]
    file = EXAMPLES / lab / "campaign.yaml"
    done = autolab(
        "run",
        file,
        "--simulate",
        "--virtual",
        "--seed",
        seed,
        "--trials",
        trials,
        "--engine",
        engine or usual,
        data=data,
    )
    assert done.returncode == 0, done.stderr
    out = data / "trials.csv"
    done = autolab("export", "--format", "csv", "--output", out, *_newest(data), data=data)
    assert done.returncode == 0, done.stderr
    return out.read_bytes()


def _newest(data: Path) -> tuple[str, ...]:
    reader = JournalReader.open(data)
    try:
        return (reader.campaign().id,)
    finally:
        reader.close()


@pytest.mark.parametrize("lab", LABS)
def test_under_the_virtual_clock_the_same_seed_gives_the_same_export_byte_for_byte(lab: str, tmp_path: Path):
    first = exported(lab, tmp_path / "first", seed=5)
    assert first == exported(lab, tmp_path / "second", seed=5)
    assert first != exported(lab, tmp_path / "third", seed=6, engine="sobol")
    assert len(first.splitlines()) == LABS[lab][1] + 1


def test_over_sockets_each_suggestion_can_be_derived_again_from_the_journal(tmp_path: Path):
    file = EXAMPLES / "colour" / "campaign.yaml"
    done = autolab("run", file, "--simulate", "--time-factor", 800, "--trials", 10, "--seed", 4, data=tmp_path)
    assert done.returncode == 0, done.stderr
    reader = JournalReader.open(tmp_path)
    campaign = reader.campaign()
    trials = {trial.number: trial for trial in reader.trials(campaign.id)}
    proposer = ProposerHost()
    try:
        for trial in trials.values():
            made = trial.suggestion
            request = SuggestRequest(
                problem=campaign.problem,
                engine=campaign.engine,
                trial=trial.number,
                seed=derive_seed(campaign.seed, "suggest", trial.number),
                design_seed=derive_seed(campaign.seed, "design"),
                observations=tuple(Observation(n, trials[n].suggestion.values, trials[n].outcome) for n in made.seen),
                pending=tuple(Pending(n, trials[n].suggestion.values) for n in made.pending),
            )
            assert made.seen == tuple(range(1, max(1, trial.number - 1)))
            assert proposer.suggest(request) == made
    finally:
        proposer.close()
        reader.close()
    assert trials[10].suggestion.engine == "ax"
