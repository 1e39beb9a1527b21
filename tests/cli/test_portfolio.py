"""The commands ``portfolio`` and ``deliverables``: what they write, say and refuse."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from facility_review.crate import verify_pack
from facility_review.document import json_text
from tests.cli.running import autolab
from tests.facility_review.deliverables import CHALLENGE, REGISTERS, SECOND, write_campaigns, write_files
from tests.facility_review.documents import document
from tests.facility_review.fleet import fleet, write_fleet

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fleet")
    write_fleet(folder, fleet(criteria=5))
    return folder


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "examples/colour/lab.yaml", folder / "lab.yaml")
    write_campaigns(folder)
    write_files(folder)
    (folder / "assessment.json").write_text(json_text(document(as_of=date(2026, 11, 20))))
    return folder


def deliver(lab: Path, out: Path, *more: str) -> tuple[int, str, str]:
    done = autolab(
        *("deliverables", str(lab / "lab.yaml"), "--data", str(lab), "--as-of", "2026-11-22", "--out", str(out), *more),
        cwd=lab,
    )
    return done.returncode, done.stdout, done.stderr


def test_the_portfolio_is_written_and_said_in_a_table(given: Path, tmp_path: Path) -> None:
    done = autolab("portfolio", str(given), "--as-of", "2026-11-22", "--out", str(tmp_path / "new"), cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].split()[:2] == ["laboratory", "units"]
    assert len(lines) == 1 + 18 + 2
    assert "36 units" in lines[-2]
    assert Path(lines[-1]).read_text().startswith("<!doctype html>")
    assert len(list((tmp_path / "new").iterdir())) == 6


def test_the_portfolio_answers_a_program(given: Path, tmp_path: Path) -> None:
    done = autolab("portfolio", str(given), "--as-of", "2026-11-22", "--json", cwd=tmp_path)
    answer = json.loads(done.stdout)
    assert sum(answer["by_level"].values()) == answer["units"] == 36
    assert all(Path(tmp_path / path).exists() for path in answer["files"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: there is no such folder"),
        (["."], "run 'autolab review' for a lab first"),
        ([".", "--as-of", "tomorrow"], "--as-of tomorrow: is no day"),
    ],
)
def test_a_portfolio_of_nothing_is_refused(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "assessment.json").write_text(json_text(document())) if "--as-of" in words else None
    done = autolab("portfolio", *words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "portfolio").exists()


def test_what_cannot_be_read_is_left_out_and_said(given: Path, tmp_path: Path) -> None:
    (tmp_path / "assessment.json").write_text("{")
    done = autolab("portfolio", str(given), str(tmp_path), "--as-of", "2026-11-22", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr.startswith(f"left out: {tmp_path}/assessment.json: is no assessment")


def test_the_deliverables_of_a_facility_are_written(lab: Path, tmp_path: Path) -> None:
    code, out, err = deliver(lab, tmp_path, "--challenge", CHALLENGE, "--assessment", str(lab / "assessment.json"))
    assert code == 0
    assert "day 363; 4 overdue and unconfirmed; yearly report due in 2 days" in out
    assert f"{SECOND} (SIMULATED), 16 files, read back" in out
    assert "missing: agreements.yaml#agreements.visitors: ended on 2026-09-30" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "agreements.csv",
        "annual-chapter.md",
        "data-sets.csv",
        "deliverables.html",
        "deliverables.json",
        f"evidence-{SECOND}",
        f"evidence-{SECOND}.zip",
        "milestones.csv",
        "models.csv",
        "resources.csv",
    ]
    assert verify_pack(tmp_path / f"evidence-{SECOND}.zip") == ()
    assert "On 2026-11-20 the unit was at level R2" in (tmp_path / "annual-chapter.md").read_text()
    said = json.loads((tmp_path / "deliverables.json").read_text())
    assert {row["id"]: row["status"] for row in said["timeline"]["rows"]}["T240"] == "overdue_unconfirmed"


def test_the_deliverables_answer_a_program(lab: Path, tmp_path: Path) -> None:
    code, out, _ = deliver(lab, tmp_path, "--json")
    answer = json.loads(out)
    assert (code, answer["report_due"], answer["milestones"]["T365"]) == (0, "2026-11-24", "in_progress")
    assert "pack" not in answer


def test_without_a_journal_the_rest_is_written_and_the_lack_is_said(lab: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(lab / "lab.yaml", here / "lab.yaml")
    code, out, err = deliver(here, tmp_path / "out")
    assert code == 0
    assert "holds no campaigns" in err
    assert "0 on record" in out


REFUSED = {
    "challenge": (
        ["--challenge", "autonomous-laboratories"],
        "did you mean 'achieving-ai-driven-autonomous-laboratories'",
    ),
    "another challenge": (
        ["--challenge", "predicting-living-systems"],
        "no campaign is for 'predicting-living-systems'",
    ),
    "campaign alone": (["--campaign", "teal"], "has no effect without --challenge"),
    "no assessment": (["--assessment", "lab.yaml"], "is no assessment"),
    "no such assessment": (["--assessment", "gone.json"], "gone.json: cannot be read"),
    "no such data": (["--data", "nowhere"], "--data nowhere: there is no such folder"),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_wish_is_refused_before_anything_is_written(
    lab: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    code, out, err = deliver(lab, tmp_path / "out", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "out").exists()


def test_a_bad_line_is_refused_with_file_and_line(lab: Path, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    shutil.copy(lab / "lab.yaml", here / "lab.yaml")
    write_files(here, registers=REGISTERS.replace("campaigns: [teal-2026]", "campaigns: []"))
    (here / "agreements.yaml").unlink()
    (here / "annual.yaml").write_text("needs: {x: {kind: standard, what: 3}}\n")
    code, _, err = deliver(here, tmp_path / "out")
    assert code == 2
    assert "annual.yaml:1: needs.x.what: 3 is a whole number, and text is wanted: put it in quotes" in err
