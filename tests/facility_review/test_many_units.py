"""What is done many at a time gives what one at a time gives, to the byte."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from autolab.core.errors import InputError, InputErrors
from autolab.core.seeds import derive_seed
from facility_review.collectors import benchmarks
from facility_review.document import json_text
from facility_review.factors import median
from facility_review.instrument import load_instrument
from facility_review.review import Review, review
from facility_review.statistics import Floats
from facility_review.units import load_units
from tests.facility_review.journals import IDENTITY, bench, write_unit

AS_OF = date(2026, 11, 22)


def one_by_one(learned: list[float], reference: list[float]) -> tuple[float, float]:
    """The bootstrap as a textbook writes it: one resample after the other."""
    rng = np.random.default_rng(derive_seed(0, "m_af"))
    drawn: list[float] = []
    for _ in range(benchmarks.RESAMPLES):
        ours = [learned[place] for place in rng.integers(0, len(learned), len(learned))]
        theirs = [reference[place] for place in rng.integers(0, len(reference), len(reference))]
        drawn.append(float(np.median(theirs) / np.median(ours)))
    low, high = np.quantile(drawn, [0.05, 0.95])
    return float(low), float(high)


@pytest.mark.parametrize("at_a_time", [100, 1_000_000])
@pytest.mark.parametrize(
    ("learned", "reference"),
    [([3.0, 5.0, 4.0], [20.0, 31.0]), ([7.0, 7.5], [9.0]), ([4.0], [8.0, 6.0, 5.0]), ([2.0] * 9 + [3.0], [6.0] * 64)],
)
def test_resamples_drawn_in_blocks_are_those_drawn_one_by_one(
    learned: list[float], reference: list[float], at_a_time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def factor(ours: Floats, theirs: Floats) -> Floats:
        return median(theirs) / median(ours)

    monkeypatch.setattr(benchmarks, "MOST_DRAWN", at_a_time)
    found = benchmarks._interval(np.asarray(learned), np.asarray(reference), factor, "m_af")
    assert found == one_by_one(learned, reference)


def test_units_that_are_reviewed_side_by_side_come_out_as_one_after_the_other(tmp_path: Path) -> None:
    files, folders = list[Path](), list[Path]()
    for name in ("alpha", "beta"):
        files.append(write_unit(tmp_path / name, name, IDENTITY.format(name=name)))
        folders.append(tmp_path / name / "data")
        with bench(folders[-1], lab=name) as made:
            for engine in ("ax", "random", "ax", "random"):
                run = made.begin(engine, budget=4)
                run.trials([5.0, None, 1.5, 3.0], engine=engine)
                run.end()
    apart = review(files, folders, load_instrument(), AS_OF, then=told)
    together = review(files, folders, load_instrument(), AS_OF, processes=2, then=told)
    assert [name for name, _ in together] == ["alpha", "beta"]
    assert together == apart


def told(one: Review) -> tuple[str, str]:
    return one.document.unit.id, json_text(one.document)


def test_an_earlier_assessment_of_another_unit_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    alpha, beta = (write_unit(tmp_path / name, name) for name in ("alpha", "beta"))
    instrument = load_instrument()
    (earlier,) = review([alpha], [], instrument, AS_OF, then=lambda one: one.document)
    with pytest.raises(InputError, match="the earlier assessment is of alpha, which is none of those under review"):
        review([beta], [], instrument, AS_OF, earlier={"alpha": earlier}, then=told)


@pytest.mark.parametrize("processes", [1, 2])
def test_all_lab_files_that_are_refused_are_named_in_their_order(tmp_path: Path, processes: int) -> None:
    good = write_unit(tmp_path / "good", "good")
    bad = [tmp_path / f"{name}.yaml" for name in ("first", "second")]
    for path in bad:
        path.write_text("name: 7\n", encoding="utf-8")
    with pytest.raises(InputErrors) as refused:
        load_units([bad[0], good, bad[1]], processes)
    places = [str(error).partition(":")[0] for error in refused.value.errors]
    assert list(dict.fromkeys(places)) == [str(path) for path in bad]
