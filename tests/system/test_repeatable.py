"""The same seed is the same campaign, and each suggestion can be derived again from the journal."""

from __future__ import annotations

import warnings
from pathlib import Path

from autolab.core.proposing import Observation, Pending, SuggestRequest
from autolab.core.seeds import derive_seed
from autolab.journal.reader import JournalReader
from optimizer.engine import suggest
from tests.compose.files import EXAMPLES
from tests.system.command import autolab


def exported(lab: str, data: Path, engine: str, trials: int, seed: int) -> bytes:
    file = EXAMPLES / lab / "campaign.yaml"
    how = ("--simulate", "--virtual", "--engine", engine, "--trials", trials, "--seed", seed)
    done = autolab("run", file, *how, data=data)
    assert done.returncode == 0, done.stderr
    out = data / "trials.csv"
    done = autolab("export", "--format", "csv", "--output", out, *_newest(data), data=data)
    assert done.returncode == 0, done.stderr
    assert len(out.read_bytes().splitlines()) == trials + 1
    return out.read_bytes()


def _newest(data: Path) -> tuple[str, ...]:
    reader = JournalReader.open(data)
    try:
        return (reader.campaign().id,)
    finally:
        reader.close()


def test_under_the_virtual_clock_the_same_seed_gives_the_same_export_byte_for_byte(tmp_path: Path):
    """The model suggests from trial 9 on, after its design; one suggestion of it shows as much as ten."""
    first = exported("colour", tmp_path / "first", "botorch", trials=9, seed=5)
    assert first == exported("colour", tmp_path / "second", "botorch", trials=9, seed=5)
    other = exported("colour", tmp_path / "third", "sobol", trials=1, seed=6)
    assert first.splitlines()[:1] == other.splitlines()[:1]
    assert first.splitlines()[1] != other.splitlines()[1]


def test_over_sockets_each_suggestion_can_be_derived_again_from_the_journal(tmp_path: Path):
    file = EXAMPLES / "colour" / "campaign.yaml"
    done = autolab("run", file, "--simulate", "--time-factor", 800, "--trials", 9, "--seed", 4, data=tmp_path)
    assert done.returncode == 0, done.stderr
    reader = JournalReader.open(tmp_path)
    campaign = reader.campaign()
    trials = {trial.number: trial for trial in reader.trials(campaign.id)}
    with warnings.catch_warnings():  # BoTorch's libraries warn about each other when they are imported
        warnings.simplefilter("ignore")
        import optimizer.botorch_learner  # noqa: F401
    try:
        for trial in trials.values():
            made = trial.suggestion
            request = SuggestRequest(
                problem=campaign.problem,
                engine=campaign.engine,
                trial=trial.number,
                seed=derive_seed(campaign.seed, "suggest", trial.number),
                design_seed=derive_seed(campaign.seed, "design"),
                observations=tuple(
                    Observation(n, trials[n].suggestion.values, trials[n].outcome, trials[n].closes) for n in made.seen
                ),
                pending=tuple(Pending(n, trials[n].suggestion.values) for n in made.pending),
            )
            assert made.seen == tuple(range(1, max(1, trial.number - 1)))
            assert suggest(request) == made
    finally:
        reader.close()
    assert trials[9].suggestion.engine == "botorch"
