"""The commands that read the journal, on one that the journal's own methods wrote."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from autolab.cli.options import STATES_FILE, campaign_ids
from autolab.core.avoidances import Avoidance
from autolab.journal import journal
from tests.cli.running import COMMAND, autolab, clean_environment
from tests.report.journals import PROBLEM, write_journal

PARQUET = "Parquet is not text: name a file with --output FILE, or use --format csv"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_journal(folder, campaign="first-20260101T080000", key="k1", trials=12)
    write_journal(folder, campaign="second-20260102T080000", key="k2", ended=False)
    return folder


def test_list_names_each_campaign_with_its_realm(data: Path) -> None:
    done = autolab("list", cwd=data, AUTOLAB_DATA=str(data))
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, len(lines)) == (0, "", 3)
    assert lines[1].split()[:3] == ["first-20260101T080000", "SIMULATED", "finished"]
    assert lines[2].split()[:3] == ["second-20260102T080000", "SIMULATED", "running"]


def test_list_answers_a_program(data: Path) -> None:
    done = autolab("list", "--json", "--data", str(data), cwd=data)
    campaigns = json.loads(done.stdout)
    assert [c["campaign"] for c in campaigns] == ["first-20260101T080000", "second-20260102T080000"]
    assert "diagnosis" not in campaigns[0]["recommendation"]  # that is what explain is for
    assert campaigns[1]["trials_by_state"] == {"refused": 1, "ingested": 28, "failed": 1}


def test_status_is_about_the_newest_campaign(data: Path) -> None:
    done = autolab("status", "--data", str(data), cwd=data)
    assert done.returncode == 0
    assert done.stdout.startswith("second-20260102T080000 (SIMULATED): running\n")
    assert "(target at most 2: not met)" in done.stdout


def test_show_gives_the_recipe_with_units(data: Path) -> None:
    done = autolab("show", "first", "--data", str(data), cwd=data)
    assert done.returncode == 0
    assert "recommended recipe (trial " in done.stdout
    assert " µL" in done.stdout


def test_show_of_a_failed_trial_says_why_and_what_was_done(data: Path) -> None:
    done = autolab("show", "second", "--trial", "17", "--data", str(data), cwd=data)
    assert "failed: arm: the gripper closed and its read-back says open" in done.stdout
    assert "k2.t17.r1.load.a1" in done.stdout
    answer = json.loads(autolab("show", "second", "--trial", "17", "--json", "--data", str(data), cwd=data).stdout)
    assert answer["state"] == "failed"
    assert answer["actions"][-1]["state"] == "failed"


EXPLAINED = """\
  expected: colour_distance 3.21 ± 0.42 (one sd, noise 0.1); turbidity 0.150 ± 0.030 (one sd)
  chance to keep turbidity <= 0.4: 98.5 %
  expected gain over the best trial: 0.37, 62 % of it exploration
  nearest trials, in fractions of the ranges: trial 4 at 0.120, trial 7 at 0.300
  it lies on: lower bound of magenta, 0 uL
"""


EXPLANATION = """\
first-20260101T080000: checked with lean's Gaussian process with a squared exponential

colour_distance: each of 4 outcomes predicted from the others, the model explains 83 % of their variance; 3 of 4 lie \
inside the interval that should hold 90 %. Its noise is 0.31.
parameter  importance  lengthscale
magenta          80 %         0.25
cyan             12 %          1.4
Misfit: colour_distance: 1 outcome lies far from the model. Repeat trial 7.
"""


def test_explain_says_how_far_the_model_of_a_campaign_can_be_trusted(data: Path) -> None:
    done = autolab("explain", "first", "--data", str(data), cwd=data)
    assert (done.returncode, done.stdout, done.stderr) == (0, EXPLANATION, "")
    answer = json.loads(autolab("explain", "first", "--json", "--data", str(data), cwd=data).stdout)
    (metric,) = answer["diagnosis"]["metrics"]
    assert (metric["misfits"][0]["kind"], metric["misfits"][0]["trials"], answer["why_not"]) == ("outliers", [7], None)


def test_explain_fits_a_model_to_a_campaign_that_has_not_ended(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=8, ended=False, problem=replace(PROBLEM, outcome_constraints=()))
    answer = json.loads(autolab("explain", "--json", "--data", str(tmp_path), cwd=tmp_path).stdout)
    (metric,) = answer["diagnosis"]["metrics"]
    assert (metric["metric"], [out["trial"] for out in metric["left_out"]]) == ("colour_distance", list(range(1, 9)))
    assert {role["parameter"] for role in metric["roles"]} == set(PROBLEM.space.names)
    assert metric["misfits"] == []


def test_explain_says_why_there_is_no_model(tmp_path: Path) -> None:
    write_journal(tmp_path, trials=3, ended=False)
    done = autolab("explain", "--data", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0
    assert "there is no model to check; trial " in done.stdout
    assert "3 outcomes are too few for a model" in done.stdout


def test_show_names_the_rules_of_people_in_force_and_expired(tmp_path: Path) -> None:
    foams = Avoidance("cycles > 4", "cycles <= 4", "foams", "ana", "2026-12-31")
    drips = replace(foams, avoid="cyan < 5 uL", because="the pump drips")
    write_journal(tmp_path, trials=2, problem=replace(PROBLEM, avoided=(foams,), lapsed=(drips,)))
    said = autolab("show", "teal", "--data", str(tmp_path), cwd=tmp_path).stdout
    assert "rule: avoid cycles > 4 until 2026-12-31: foams (ana)\n" in said
    assert (
        "rule that had expired, and was not applied: avoid cyan < 5 uL until 2026-12-31: the pump drips (ana)" in said
    )


def test_show_says_of_a_trial_what_was_expected_of_it(data: Path) -> None:
    done = autolab("show", "second", "--trial", "20", "--data", str(data), cwd=data)
    assert EXPLAINED in done.stdout
    answer = json.loads(autolab("show", "second", "--trial", "20", "--json", "--data", str(data), cwd=data).stdout)
    assert answer["explanation"]["predictions"][0] == {
        "metric": "colour_distance",
        "mean": 3.21,
        "sd": 0.42,
        "noise": 0.1,
    }
    assert answer["explanation"]["nearest"][0] == {"trial": 4, "distance": 0.12}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "third"), "no campaign is 'third'; the newest are: first-20260101T080000, second-20260102T080000"),
        (("show", "first", "--trial", "99"), "campaign first-20260101T080000 has no trial 99; its trials are 1 to 12"),
        (
            ("export", "first", "--format", "parquet"),
            PARQUET,
        ),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(words: tuple[str, ...], message: str, data: Path) -> None:
    done = autolab(*words, "--data", str(data), cwd=data)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{message}\n")


def test_export_writes_one_row_a_trial_to_standard_output_or_a_file(data: Path, tmp_path: Path) -> None:
    to_pipe = autolab("export", "first", "--format", "csv", "--data", str(data), cwd=tmp_path)
    to_file = autolab("export", "first", "--output", "trials.csv", "--data", str(data), cwd=tmp_path)
    assert (to_pipe.returncode, to_file.returncode, to_file.stdout) == (0, 0, "")
    assert (tmp_path / "trials.csv").read_text() == to_pipe.stdout
    rows = list(csv.DictReader(io.StringIO(to_pipe.stdout)))
    assert [row["trial"] for row in rows] == [str(n) for n in range(1, 13)]


def test_export_to_a_folder_without_room_or_right_ends_with_6(data: Path, tmp_path: Path) -> None:
    done = autolab("export", "first", "--output", "no/such/folder.csv", "--data", str(data), cwd=tmp_path)
    assert done.returncode == 6
    assert (
        done.stderr
        == "no/such/folder.csv: cannot be written (No such file or directory); name another file with --output\n"
    )


def test_report_says_where_it_is(data: Path, tmp_path: Path) -> None:
    done = autolab("report", "second", "--output", "report.html", "--data", str(data), cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "report.html\n")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


def test_a_reader_that_goes_away_is_no_error(data: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = subprocess.run(
            [*COMMAND, "show", "second", "--data", str(data)],
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            cwd=data,
            env=clean_environment(),
            check=False,
        )
    finally:
        os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_data_folder_of_a_newer_version_ends_with_6(tmp_path: Path) -> None:
    import sqlite3

    write_journal(tmp_path, trials=2)
    connection = sqlite3.connect(tmp_path / STATES_FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    done = autolab("list", "--data", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 6
    assert "written by a newer autolab" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_internal_error_is_one_line_with_a_log_file(tmp_path: Path) -> None:
    import sqlite3

    write_journal(tmp_path, trials=2)
    connection = sqlite3.connect(tmp_path / STATES_FILE)
    with connection:
        connection.execute("UPDATE campaigns SET settings = '{}'")  # a record that no version of ours writes
    connection.close()
    done = autolab("list", "--data", str(tmp_path), cwd=tmp_path)
    log = next((tmp_path / "logs").iterdir())
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert str(log) in done.stderr
    assert "Traceback" in log.read_text()


def test_completion_knows_the_campaigns_newest_first(data: Path, tmp_path: Path) -> None:
    assert STATES_FILE == journal.STATES_FILE
    assert campaign_ids(data) == ["second-20260102T080000", "first-20260101T080000"]
    assert campaign_ids(tmp_path) == []
    done = autolab(
        cwd=data, AUTOLAB_DATA=str(data), _AUTOLAB_COMPLETE="complete_bash", COMP_WORDS="autolab show f", COMP_CWORD="2"
    )
    assert done.stdout.split() == ["first-20260101T080000"]


def test_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    done = autolab("doctor", "--json", "--data", str(tmp_path), cwd=tmp_path)
    findings = {finding["what"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert findings["EPICS library"]["state"] == findings["data folder"]["state"] == "ok"
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")
    assert list(tmp_path.iterdir()) == [], "nothing was left behind"
