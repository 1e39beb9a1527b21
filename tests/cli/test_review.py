"""The command ``review``, on a journal that the journal's own methods wrote."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autolab.cli.days import FIRST, day_of
from autolab.cli.entry import main
from autolab.core.clock import VirtualClock
from autolab.core.errors import InputError
from facility_review.document import read_document
from facility_review.instrument import load_instrument
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
    autolab("review", LAB, *common, "--as-of", "2026-10-31", "--out", str(old), cwd=data)
    earlier = str(old / "bench" / "assessment.json")
    done = autolab("review", LAB, *common, "--as-of", AS_OF, "--out", str(new), "--diff", earlier, cwd=data)
    assert done.returncode == 0
    assert "  changed   " in done.stdout
    page = (new / "bench" / "report.html").read_text()
    assert "10 What changed" in page
    assert "its evidence was none and is measured" in page


def test_a_lab_without_a_journal_is_assessed_twice_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AUTOLAB_DATA", raising=False)
    folder = tmp_path / "autolab-data" / "reviews" / AS_OF / "colour-bench"
    runs: list[tuple[str, dict[str, bytes]]] = []
    for _ in range(2):
        assert main(["review", EXAMPLE, "--as-of", AS_OF, "--no-pdf"]) == 0
        runs.append((capsys.readouterr().out, {path.name: path.read_bytes() for path in folder.iterdir()}))
    assert "R0 Hold" in runs[0][0]
    assert "to mend" not in runs[0][0]
    assert runs[0] == runs[1]


MISTAKEN = """\
unit: hand-cell
laboratory: Example National Laboratory
tables: [trials.csv, /etc/hostname]
evidence:
  - {criterion: SAF-99, class: attested, realm: physical, by: Ada, date: 2026-11-01, valid_until: 2027-01-01, step: 1}
"""


def test_a_persons_mistakes_come_first_and_advice_fits_a_unit_without_autolab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evidence.yaml").write_text(MISTAKEN)
    (tmp_path / "trials.csv").write_text(
        "trial,begun,ended,status,chosen_by,realm,person\nx,1066-10-14,,valid,ai,physical,A\n"
    )
    words = ["review", "evidence.yaml", "--as-of", AS_OF, "--no-pdf", "--out", "out"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("  to mend   evidence.yaml:3: /etc/hostname: lies outside the unit's folder")
    assert any("evidence.yaml:5: SAF-99-1: the instrument" in line for line in lines[2:4])
    assert any("trials.csv:2: begun '1066-10-14' is no date" in line for line in lines[2:4])
    assert (lines[4], lines[5][:9]) == ("", "  gates  ")
    notes = next(place for place, line in enumerate(lines) if line.startswith("  notes "))
    assert lines[notes + 1].startswith("  report ")
    assert not any("autolab " in line for line in lines), "it does not run autolab"
    assert "an entry 'metric: " in lines[-1] or "an entry 'criterion: " in lines[-1]
    found = read_document(tmp_path / "out" / "hand-cell" / "assessment.json")
    assert all(gap.command is None and gap.entry for gap in found.gaps.items)
    assert "autolab safety" not in (tmp_path / "out" / "hand-cell" / "report.html").read_text()
    assert main([*words, "--redacted"]) == 0
    said = capsys.readouterr().out
    assert "redacted, with assessment-redacted.json: may leave" in said
    assert "report.html in the same folder: full and INTERNAL" in said


def test_a_challenge_that_nobody_has_published_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(ROOT / "examples" / "colour", tmp_path / "colour")
    file = tmp_path / "colour" / "campaign.yaml"
    n = len(file.read_text().splitlines())
    with file.open("a") as written:
        written.write("challenge: autonomous-laboratories\n")
    for words in (["check", str(file)], ["run", str(file), "--simulate", "--data", str(tmp_path / "data")]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert (
            f"{file}:{n + 1}: 'autonomous-laboratories' is no published challenge: did you mean 'achieving-ai-" in said
        )
        assert "achieving-ai-driven-autonomous-laboratories, " in said
    assert not (tmp_path / "data").exists()


def test_the_first_day_is_that_of_the_order_and_tomorrow_is_today_somewhere() -> None:
    assert load_instrument().file.order.signed == FIRST
    clock = VirtualClock(datetime(2026, 11, 22, 23, tzinfo=UTC))
    assert [day_of(text, clock).day for text in (None, "2026-11-23", "2025-11-24")] == [22, 23, 24]
    with pytest.raises(InputError, match="is a day to come"):
        day_of("2026-11-24", clock)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("missing.yaml",), "missing.yaml: "),
        (
            (EXAMPLE, "--as-of", "tomorrow"),
            "--as-of tomorrow: is no day; write year, month and day, such as 2026-11-22",
        ),
        ((EXAMPLE, "--as-of", "2025-11-23"), "2025-11-23: is before the order, which was signed on 2025-11-24"),
        ((EXAMPLE, "--as-of", "2100-01-01"), "--as-of 2100-01-01: is a day to come, and nobody knows"),
        ((EXAMPLE, "--data", "nowhere"), "--data nowhere: there is no such folder"),
        ((EXAMPLE, "--diff", "gone.json"), "gone.json: cannot be read (No such file or directory)"),
        ((EXAMPLE, "--instrument", "9.9.9"), "instrument version '9.9.9': there is none"),
        ((EXAMPLE, "--diff", "broken.json"), "broken.json: is no assessment: the whole file: Invalid JSON"),
        ((EXAMPLE, EXAMPLE), f"{EXAMPLE}:2: the lab is named 'colour-bench', and so is that of {EXAMPLE}: "),
        (("broken.yaml",), "broken.yaml:2: "),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_bad_input_is_refused_with_file_and_line(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "broken.json").write_text("nothing")
    (tmp_path / "broken.yaml").write_text("name: bench\nlaboratory: [1]\n")
    monkeypatch.chdir(tmp_path)
    assert main(["review", *words, "--no-pdf"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
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
