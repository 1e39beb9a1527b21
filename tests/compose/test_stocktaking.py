"""What is left of a material: what the lab file says, less what was used since it said so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autolab.compose.stocktaking import consumables_left, note_materials, refuse_reused, stock_left
from autolab.config.lab import load_lab
from autolab.core.clock import VirtualClock
from autolab.core.errors import FileError
from autolab.core.operations import OperationId
from autolab.core.trials import Verdict
from autolab.journal.journal import Journal
from tests.compose.files import EXAMPLES, example
from tests.journal.test_journal import ADA, START, SUGGESTION

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


def test_consumables_are_counted_from_the_record_and_from_a_refill_on(tmp_path: Path):
    line = "consumables: {tips: {stock: 96, per: pour}, bin: {room: 1 mL}, plates: {stock: 9, per: trial}}\nlabware:"
    before = load_lab(example("colour", tmp_path, {"lab.yaml": ("labware:", line)}).with_name("lab.yaml"))
    clock = VirtualClock()
    journal = Journal(None, clock)
    journal.start_campaign(replace(START, lab=before.name, lab_file=before.source.text), ADA)
    journal.suggest("c-1", "simulated", SUGGESTION)
    journal.screen("c-1", SUGGESTION, Verdict("allowed"), ADA)
    journal.begin("c-1", SUGGESTION, 1, None, "bench")
    journal.begin_again("c-1", 1, 1, "resumed: what was done is not done again")
    poured(journal, 1, 100.0)
    poured(journal, 2, 30.0)
    journal.settle(OperationId("c1", 1, 1, "disp-cyan", 2), "void")
    assert consumables_left(journal, before, "bench") == {"tips": 95.0, "bin": 900.0, "plates": 8.0}
    clock.sleep(10.0)
    more = line.replace("96", "960")
    after = load_lab(example("colour", tmp_path / "b", {"lab.yaml": ("labware:", more)}).with_name("lab.yaml"))
    note_materials(journal, "c-1", before.source.text, after, ADA)
    assert consumables_left(journal, after, "bench") == {"tips": 960.0, "bin": 900.0, "plates": 8.0}
    poured(journal, 3, 100.0)
    assert consumables_left(journal, after, "bench") == {"tips": 959.0, "bin": 800.0, "plates": 8.0}
    journal.close()


def test_a_bottle_that_was_something_else_before_is_refused_with_its_line(tmp_path: Path):
    def lab(name: str, *changes: tuple[str, str]):
        file = example("colour", tmp_path / name).with_name("lab.yaml")
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
        return load_lab(file)

    cyan, yellow = "cyan:    {stock: 250 mL,", "yellow:  {stock: 250 mL,"
    before = lab("a", (cyan, "cyan: {stock: 250 mL, bottle: B-1, lot: L1,"))
    journal = Journal(None, VirtualClock())
    journal.start_campaign(replace(START, lab=before.name, lab_file=before.source.text), ADA)
    refuse_reused(journal, before, "bench")
    refuse_reused(journal, lab("b", (yellow, "yellow: {stock: 250 mL, bottle: B-2,")), "bench")
    others = {
        "c": ((yellow, "yellow: {stock: 250 mL, bottle: B-1,"), r"yellow: bottle 'B-1' held cyan before"),
        "d": ((cyan, "cyan: {stock: 1 L, bottle: B-1, lot: L2,"), r"cyan: bottle 'B-1' held lot 'L1' before"),
    }
    for name, (change, said) in others.items():
        with pytest.raises(FileError, match=said):
            refuse_reused(journal, lab(name, change), "bench")
    journal.close()
