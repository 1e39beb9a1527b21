"""A campaign whose lab fails three times in ten, in every way that has a name and in one that has none."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autolab.core.data import TrialData
from autolab.core.errors import (
    CommandRefusedError,
    DeviceError,
    DeviceTimeoutError,
    InputError,
    NotConnectedError,
    ReadbackError,
    WireError,
)
from autolab.core.faults import FaultKind, FaultPolicy
from autolab.core.proposing import EngineSpec, Observation, Recommendation, SuggestRequest
from autolab.core.trials import Estimate, Outcome, Suggestion, TrialState
from optimizer.client import ProposerHost
from tests.campaign.softlab import LineProposer, SoftLab

RATE, TRIALS, NOISE = 0.3, 22, 0.01
BEST_X = 0.37
OF_THE_PUMP: tuple[tuple[FaultKind, Callable[[], Exception]], ...] = (
    (FaultKind.TIMEOUT, lambda: DeviceTimeoutError("pump: did not finish in 2 s")),
    (FaultKind.REFUSED, lambda: CommandRefusedError("pump: refused the command: the lid is open")),
    (FaultKind.READBACK, lambda: ReadbackError("pump: says done, and its balance says otherwise")),
    (FaultKind.WIRE, lambda: WireError("pump: the checksum is wrong")),
    (FaultKind.DISCONNECTED, lambda: NotConnectedError("pump: does not answer")),
    (FaultKind.DEVICE, lambda: DeviceError("pump: a valve sticks")),
    (FaultKind.UNKNOWN, lambda: KeyError("a defect of the driver")),
)
KINDS = (*(kind for kind, _ in OF_THE_PUMP), FaultKind.BAD_OUTCOME)


class Learning(LineProposer):
    """The engine that a campaign would use, in the process that it would use."""

    def __init__(self, host: ProposerHost) -> None:
        super().__init__()
        self._host = host

    def suggest(self, request: SuggestRequest) -> Suggestion:
        return self._host.suggest(replace(request, engine=EngineSpec("botorch")))

    def recommend(self, problem, observations: tuple[Observation, ...], seed: int) -> Recommendation:
        made = self._host.recommend(problem, observations, seed)
        assert made is not None
        return made


@pytest.fixture(scope="module")
def host() -> Iterator[ProposerHost]:
    with ProposerHost(warm="botorch") as made:
        yield made


class Faults:
    """Fails three or none of ten actions, by chance which, each kind in its turn; counts what it did."""

    def __init__(self, rate: float, seed: int) -> None:
        self._chance, self._rate = random.Random(seed), rate
        self._coming: list[bool] = []
        self.seen: Counter[FaultKind] = Counter()

    def of_the_pump(self, amount: float) -> Exception | None:
        kind = self._next()
        return next((make() for one, make in OF_THE_PUMP if one is kind), None)

    def reduce(self, data: TrialData) -> Outcome:
        if self._is_bad:
            raise InputError("the spectrum is saturated")
        x = float(data.column("pump_amount").mean())
        noise = np.random.default_rng(int(x * 1e9)).normal(0.0, NOISE)
        return {"y": Estimate((x - BEST_X) ** 2 + noise)}

    def _next(self) -> FaultKind | None:
        if not self._coming:
            self._coming = self._chance.sample(
                [True] * round(10 * self._rate) + [False] * round(10 - 10 * self._rate), 10
            )
        kind = KINDS[sum(self.seen.values()) % len(KINDS)] if self._coming.pop() else None
        self._is_bad = kind is FaultKind.BAD_OUTCOME
        if kind is not None:
            self.seen[kind] += 1
        return kind


def campaign(host: ProposerHost, folder: Path, rate: float, seed: int) -> tuple[SoftLab, Faults, float]:
    """Run to the end, resumed by a person whenever it asks for one. Returns how far its recipe is from the best."""
    folder.mkdir()
    faults = Faults(rate, seed)
    known = {kind: FaultPolicy(retry=2) for kind in FaultKind if kind is not FaultKind.UNKNOWN}
    lab = SoftLab(
        trials=TRIALS, folder=folder, proposer=Learning(host), fails=faults.of_the_pump, reduce=faults.reduce,
        on_failure=known,
    )  # fmt: skip
    result = lab.run()
    while result.state == "paused":
        lab.journal.close()
        result = lab.resume()
    assert result.state == "finished", result.reason
    assert result.recommendation is not None
    return lab, faults, abs(float(result.recommendation.values["x"]) - BEST_X)


def test_with_faults_a_campaign_uses_its_budget_and_ends_within_noise_of_one_without(
    host: ProposerHost, tmp_path: Path
):
    lab, faults, off = campaign(host, tmp_path / "faulty", RATE, seed=1)
    _, none, off_without = campaign(host, tmp_path / "sound", 0.0, seed=1)
    assert (set(faults.seen), sum(none.seen.values())) == (set(KINDS), 0)
    trials = lab.trials_of()
    assert [trial.number for trial in trials] == list(range(1, TRIALS + 1))
    assert {trial.state for trial in trials} <= {TrialState.INGESTED, TrialState.FAILED}
    assert off**2 <= off_without**2 + 2 * NOISE
    assert len(lab.pump.poured) == len(set(lab.pump.poured)), "an action was done twice under one id"
    lab.journal.close()
