"""A refill: one line of the lab file changes, what was refilled is counted anew, and the record says who did it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.compose.options import RunOptions
from autolab.compose.refilling import Filling, refill
from autolab.compose.running import data_folder
from autolab.compose.stocktaking import stock_left
from autolab.config.lab import load_lab
from autolab.config.restocking import restocked
from autolab.core.clock import VirtualClock, real_clock
from autolab.core.errors import AutolabError
from autolab.core.operations import OperationId
from autolab.journal.access import accesses
from autolab.journal.journal import Journal
from tests.compose.files import example
from tests.journal.test_journal import ADA, START

TIPS = "consumables: {tips: {stock: 96, per: pour}, bin: {room: 1 mL}}\nlabware:"
CYAN = ("cyan:    {stock: 250 mL,", "cyan: {stock: 250 mL, bottle: B-1, lot: L1,")


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return example("colour", tmp_path, {"lab.yaml": ("labware:", TIPS)}).with_name("lab.yaml")


def poured(journal: Journal, material: str, volume_ul: float) -> None:
    operation = OperationId("c1", 1, 1, f"disp-{material}", 1)
    journal.intend(operation, "c-1", "dispenser", {"material": material, "volume_ul": volume_ul})


def test_a_refill_counts_one_bottle_anew_and_leaves_the_others(lab: Path, tmp_path: Path):
    before, data = load_lab(lab), tmp_path / "data"
    data.mkdir()
    with closing(Journal(data, VirtualClock())) as journal:
        journal.start_campaign(replace(START, lab=before.name, lab_file=before.source.text), ADA)
        poured(journal, "cyan", 100.0)
        poured(journal, "magenta", 40.0)
    assert refill(data, lab, Filling("cyan", "250 mL"), None).startswith("cyan: 250 mL from now on, by lab.yaml")
    with closing(Journal(data, real_clock())) as journal:
        left = stock_left(journal, load_lab(lab), "bench")
        (noted,) = accesses(journal.states)
    assert (left["cyan"], left["magenta"]) == (250_000.0, 249_960.0), "the same amount, and yet another bottle"
    assert (noted.what, noted.detail, noted.by.kind) == ("refill", "cyan: 250 mL (lab.yaml)", "person")
    old, new = before.source.text.splitlines(), lab.read_text(encoding="utf-8").splitlines()
    assert [line for line in new if line not in old] == [line for line in new if "filled" in line]
    assert len(old) == len(new)


def test_pieces_and_waste_are_refilled_too(lab: Path, tmp_path: Path):
    refill(tmp_path / "data", lab, Filling("tips", "960"), None)
    refill(tmp_path / "data", lab, Filling("bin", "5 L"), None)
    found = load_lab(lab).consumables
    assert (found["tips"].stock, found["bin"].stock) == (960.0, 5_000_000.0)


@pytest.mark.parametrize(
    ("filling", "said"),
    [
        (Filling("cyann", "1 mL"), "'cyann' is nothing that is used up in colour-bench: it declares cyan,"),
        (Filling("cyan", "250"), "without a unit it is a pure number, and a volume is wanted"),
        (Filling("cyan", "0 mL"), "cyan: 0 mL is nothing: write what is in the bottle now"),
        (Filling("cyan", "1 mL", expires="2027-13-01"), "'2027-13-01' is no day of the calendar"),
        (Filling("cyan", "1 mL", bottle="- B"), "cyan: bottle: "),
        (Filling("cyan", "1 mL", bottle="B-2"), "cyan: lot L1 is of the bottle before: give the lot of this one too"),
        (Filling("magenta", "1 mL", bottle="B-1"), "lab.yaml:.*bottle 'B-1' is that of .* already"),
        (Filling("tips", "some"), "tips: 'some' is no number of pieces"),
        (Filling("tips", "5", lot="L2"), "tips: bottle, lot and expiry are those of materials"),
    ],
    ids=lambda value: value.name if isinstance(value, Filling) else "",
)
def test_what_is_no_refill_is_refused_and_the_file_stays(lab: Path, tmp_path: Path, filling: Filling, said: str):
    lab.write_text(lab.read_text().replace(*CYAN))
    before = lab.read_text()
    with pytest.raises(AutolabError, match=said) as caught:
        refill(tmp_path / "data", lab, filling, None)
    assert "autolab-refill" not in str(caught.value)
    assert lab.read_text() == before


def test_nothing_is_refilled_while_something_runs(lab: Path, tmp_path: Path):
    with (
        data_folder(RunOptions(data=tmp_path / "data")),
        pytest.raises(AutolabError, match="cyan: something runs in colour-bench"),
    ):
        refill(tmp_path / "data", lab, Filling("cyan", "1 mL"), None)


def test_another_bottle_brings_its_lot_and_its_barcode(lab: Path, tmp_path: Path):
    lab.write_text(lab.read_text().replace(*CYAN))
    said = refill(tmp_path / "data", lab, Filling("cyan", "100 mL", "B-2", "no: 7", "2099-01-02"), None)
    found = load_lab(lab).materials["cyan"]
    assert (found.stock_ul, found.bottle, found.lot, str(found.expires)) == (100_000.0, "B-2", "no: 7", "2099-01-02")
    assert "lot no: 7, expires 2099-01-02" in said


def test_a_line_is_changed_where_it_stands_and_comments_stay():
    text = "materials:\n  dye:  # the red one\n    stock: 1 mL  # measured\n    lot: 'L 1'\nname: x\n"
    changed = restocked(text, "materials", "dye", {"stock": "2 mL", "lot": "L#2", "filled": "2027-01-02 03:04:05"})
    assert changed == (
        "materials:\n  dye:  # the red one\n    filled: '2027-01-02 03:04:05'\n    stock: 2 mL  # measured\n"
        "    lot: 'L#2'\nname: x\n"
    )
