"""The command ``review``, on a journal that the journal's own methods wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facility_review.document import read_document
from tests.cli.running import autolab
from tests.facility_review.journals import bench, write_unit

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "examples" / "colour-bench" / "lab.yaml")
LAB = "files/lab.yaml"
AS_OF = "2026-11-22"
FILES = {
    "report.html", "assessment.json", "criteria.csv", "gaps.csv", "evidence.csv", "standards.csv",
    "oscal-assessment-results.json", "oscal-poam.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder, in which one simulated campaign has run, and its lab file."""
    folder = tmp_path_factory.mktemp("unit")
    with bench(folder / "data", realm="simulated") as made:
        run = made.begin()
        run.trials([9.0, 8.0, 7.0], engine="sobol", informed=False, seconds=120.0)
        run.trials([6.0] * 27, seconds=120.0)
        run.end()
    write_unit(folder / "files")
    return folder


def test_it_says_gates_level_and_what_to_do_next_and_writes_every_file(data: Path) -> None:
    done = autolab("review", LAB, "--data", "data", "--as-of", AS_OF, "--no-pdf", cwd=data)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"bench, Example National Laboratory, as of {AS_OF}  SIMULATED PROFILE"
    assert lines[1].startswith("  gates     ")
    assert lines[1].endswith("hold gates open: G01 G02 G03 G04 G05 G06 G07")
    assert lines[2].startswith("  level     R0 Hold; assured R0; probability of R1 or more 0%")
    assert lines[4].startswith("  blocks R1 1. G01 Emergency stop proven: not demonstrated")
    assert lines[-1].startswith("  next      autolab ")
    folder = data / "data" / "reviews" / AS_OF / "bench"
    assert {path.name for path in folder.iterdir()} == FILES
    found = read_document(folder / "assessment.json")
    assert found.as_of.isoformat() == AS_OF
    assert found.level.is_simulated_profile
    measured = [each for each in found.criteria if each.evidence_class == "measured"]
    known = {each.id: each for each in found.evidence_index}
    assert len(measured) > 5
    assert any("bench-001" in run for each in measured for name in each.evidence for run in known[name].runs)


def test_the_same_day_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        out = str(tmp_path / name)
        done = autolab("review", LAB, "--data", "data", "--as-of", AS_OF, "--no-pdf", "--out", out, cwd=data)
        assert done.returncode == 0
    for name in FILES:
        first, second = (tmp_path / each / "bench" / name for each in ("one", "two"))
        assert first.read_bytes() == second.read_bytes(), name


def test_json_answers_a_program(data: Path, tmp_path: Path) -> None:
    words = ("--as-of", AS_OF, "--no-pdf", "--out", str(tmp_path), "--seed", "3", "--json")
    done = autolab("review", LAB, "--data", "data", *words, cwd=data)
    (answer,) = json.loads(done.stdout)
    assert (answer["unit"], answer["level"], answer["instrument"], answer["pdf"]) == (
        "bench",
        "R0",
        "0.1.0",
        None,
    )
    assert read_document(tmp_path / "bench" / "assessment.json").provenance.seed == 3


def test_the_redacted_view_is_written_alone(data: Path, tmp_path: Path) -> None:
    words = ("--as-of", AS_OF, "--no-pdf", "--out", str(tmp_path), "--redacted")
    done = autolab("review", LAB, "--data", "data", *words, cwd=data)
    assert done.returncode == 0
    folder = tmp_path / "bench"
    assert {path.name for path in folder.iterdir()} == {"report-redacted.html", "assessment-redacted.json"}
    assert read_document(folder / "assessment-redacted.json").marking.is_redacted
    assert "bench-001" not in (folder / "report-redacted.html").read_text()


def test_diff_says_what_changed_and_why(data: Path, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    common = ("--data", "data", "--no-pdf")
    autolab("review", LAB, *common, "--as-of", AS_OF, "--out", str(old), cwd=data)
    earlier = str(old / "bench" / "assessment.json")
    done = autolab("review", LAB, *common, "--as-of", "2028-02-01", "--out", str(new), "--diff", earlier, cwd=data)
    assert done.returncode == 0
    assert "  changed   " in done.stdout
    page = (new / "bench" / "report.html").read_text()
    assert "10 What changed" in page
    assert "its evidence was measured and is " in page


def test_a_lab_without_a_journal_is_assessed_and_told_so(tmp_path: Path) -> None:
    done = autolab("review", EXAMPLE, "--as-of", AS_OF, "--no-pdf", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0
    assert "R0 Hold" in done.stdout
    assert (tmp_path / "out" / "colour-bench" / "report.html").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.yaml",), "missing.yaml: "),
        (
            (EXAMPLE, "--as-of", "tomorrow"),
            "--as-of tomorrow: is no day; write year, month and day, such as 2026-11-22",
        ),
        ((EXAMPLE, "--instrument", "9.9.9"), "instrument version '9.9.9': there is none"),
        ((EXAMPLE, "--diff", "broken.json"), "broken.json: is no assessment: the whole file: Invalid JSON"),
        ((EXAMPLE, EXAMPLE), f"{EXAMPLE}:2: the lab is named 'colour-bench', and so is that of {EXAMPLE}: "),
        (("broken.yaml",), "broken.yaml:2: "),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_bad_input_is_refused_with_file_and_line(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("nothing")
    (tmp_path / "broken.yaml").write_text("name: bench\nlaboratory: [1]\n")
    done = autolab("review", *words, "--no-pdf", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "autolab-data").exists()


def test_where_no_browser_is_installed_a_sentence_says_so(data: Path, tmp_path: Path) -> None:
    words = ("review", LAB, "--data", "data", "--as-of", AS_OF, "--out", str(tmp_path))
    done = autolab(*words, cwd=data, PATH=str(tmp_path))
    assert done.returncode == 0
    assert done.stderr.startswith("No PDF was made: Chromium is not installed here.")
    assert not list(tmp_path.rglob("*.pdf"))


def test_an_out_that_is_a_file_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    words = ("--as-of", AS_OF, "--no-pdf", "--out", str(tmp_path / "taken"))
    done = autolab("review", LAB, "--data", "data", *words, cwd=data)
    assert done.returncode in (2, 6)
    assert "taken" in done.stderr
    assert "Traceback" not in done.stderr
