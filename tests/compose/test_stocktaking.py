"""What is left of a material: what the lab file says, less what was used since it said so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autolab.compose.stocktaking import note_materials, stock_left
from autolab.config.lab import load_lab
from autolab.core.clock import VirtualClock
from autolab.core.operations import OperationId
from autolab.journal.journal import Journal
from tests.compose.files import EXAMPLES, example
from tests.journal.test_journal import ADA, START

BEFORE = load_lab(EXAMPLES / "colour" / "lab.yaml")


def poured(journal: Journal, attempt: int, volume_ul: float) -> None:
    operation = OperationId("c1", 1, 1, "disp-cyan", attempt)
    journal.intend(operation, "c-1", "dispenser", {"material": "cyan", "volume_ul": volume_ul})


def test_what_was_used_after_a_refill_is_counted_from_the_refill_on(tmp_path: Path):
    clock = VirtualClock()
    journal = Journal(None, clock)
    journal.start_campaign(replace(START, lab=BEFORE.name, lab_file=BEFORE.source.text), ADA)
    poured(journal, 1, 100.0)
    assert stock_left(journal, BEFORE, "bench")["cyan"] == 250_000.0 - 100.0
    assert stock_left(journal, BEFORE, "another bench")["cyan"] == 250_000.0
    changed = example("colour", tmp_path, {"lab.yaml": ("cyan:    {stock: 250 mL,", "cyan: {stock: 1 mL,")})
    after = load_lab(changed.with_name("lab.yaml"))
    clock.sleep(10.0)
    note_materials(journal, "c-1", BEFORE.source.text, after, ADA)
    assert stock_left(journal, after, "bench")["cyan"] == 1000.0
    clock.sleep(10.0)
    note_materials(journal, "c-1", BEFORE.source.text, after, ADA)
    poured(journal, 2, 30.0)
    assert stock_left(journal, after, "bench")["cyan"] == 970.0, "resumed again: what was used since the refill is used"
    journal.settle(OperationId("c1", 1, 1, "disp-cyan", 2), "void")
    assert stock_left(journal, after, "bench")["cyan"] == 1000.0
    journal.close()


def test_what_may_be_mixed_is_no_refill_and_another_date_is_one(tmp_path: Path):
    clock = VirtualClock()
    journal = Journal(None, clock)
    journal.start_campaign(replace(START, lab=BEFORE.name, lab_file=BEFORE.source.text), ADA)
    poured(journal, 1, 100.0)
    clock.sleep(10.0)
    changes = (("mixed", ", clear]", "]", 249_900.0), ("fresh", "250 mL,", "250 mL, expires: 2099-12-31,", 250_000.0))
    for name, old, new, left_ul in changes:
        changed = example("colour", tmp_path / name, {"lab.yaml": (old, new)})
        after = load_lab(changed.with_name("lab.yaml"))
        note_materials(journal, "c-1", BEFORE.source.text, after, ADA)
        assert stock_left(journal, after, "bench")["cyan"] == left_ul
    journal.close()


def test_what_is_known_to_have_been_used_counts_instead_of_what_was_intended():
    journal = Journal(None, VirtualClock())
    journal.start_campaign(replace(START, lab=BEFORE.name, lab_file=BEFORE.source.text), ADA)
    poured(journal, 1, 100.0)
    poured(journal, 2, 100.0)
    journal.settle(OperationId("c1", 1, 1, "disp-cyan", 1), "failed", "half of it is in the well", by=ADA, used_ul=40.0)
    journal.settle(OperationId("c1", 1, 1, "disp-cyan", 2), "failed", "it was cut off")
    assert stock_left(journal, BEFORE, "bench")["cyan"] == 250_000.0 - 140.0
    journal.used("c1.t1.r1.disp-cyan.a2", 0.0)
    assert stock_left(journal, BEFORE, "bench")["cyan"] == 250_000.0 - 40.0
    journal.close()
