"""Readiness in the browser: the newest assessment with its gaps, and evidence that is added to the lab's file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from autolab.config.yamlfile import read_yaml
from autolab.core.errors import InputError
from autolab.core.roles import Role
from autolab.server.documents import LARGEST, keep
from autolab.server.doors import COOKIE
from autolab.server.sessions import csrf_of
from autolab.server.shield import LARGEST_DOCUMENT
from facility_review.instrument import load_instrument
from facility_review.review import outputs, review, write_outputs
from tests.compose.files import example
from tests.report.journals import write_journal
from tests.server.house import Answer, Client, House, house

FORM = {
    "subject": "m_asset_coverage", "answer": "0.9", "evidence_class": "documented", "realm": "simulated",
    "by": "Ada Lovelace", "date": "2026-10-01", "valid_until": "2027-10-01", "n": "40", "successes": "36",
    "document": "walk.csv", "back": "/readiness",
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("readiness")
    (folder / "data").mkdir()
    write_journal(folder / "data", trials=3)
    lab = example("colour", folder).with_name("lab.yaml")
    lab.with_name("walk.csv").write_text("stage,yes\n")
    with house(lab, folder / "data") as found:
        yield found


def multipart(fields: Mapping[str, str], name: str, data: bytes) -> dict[str, Any]:
    """What a browser sends of a form with a file."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{said}\r\n' for key, said in fields.items()]
    parts += [f'--b\r\nContent-Disposition: form-data; name="upload"; filename="{name}"\r\n\r\n']
    body = "".join(parts).encode() + data + b"\r\n--b--\r\n"
    return {"raw": body, "Content_Type": "multipart/form-data; boundary=b"}


def assess(home: House, day: date) -> None:
    """As 'autolab review' does, without the PDF."""
    for found in review([home.lab], [home.data], load_instrument(), day, None, {}, 1, then=lambda one: one):
        write_outputs(outputs(found, is_redacted=False), home.data / "reviews" / day.isoformat() / "colour-bench")


def test_evidence_from_the_form_stands_in_the_file_and_in_the_journal(home: House):
    manager = home.enter(Role.MANAGER)
    assert '<option value="m_asset_coverage">' in manager.get("/readiness").text
    assert "<option>walk.csv</option>" in manager.get("/readiness").text
    assert manager.post("/evidence", form=FORM).headers["location"] == "/readiness"
    (entry,) = read_yaml(home.lab.with_name("evidence.yaml")).values["evidence"]
    assert (entry["metric"], entry["value"], entry["n"], len(entry["files"]["walk.csv"])) == (
        "m_asset_coverage", 0.9, 40, 64,
    )  # fmt: skip
    (noted,) = [line for line in manager.get("/api/v1/audit").json if line["what"] == "state evidence"]
    assert noted["detail"].startswith("m_asset_coverage: 0.9 (")
    wish = {key: value for key, value in FORM.items() if key != "back"} | {"n": 40, "successes": 36}
    wrong = manager.post("/api/v1/evidence", {**wish, "by": "nobody"})
    assert (wrong.status, "is no named person" in wrong.json["detail"]) == (422, True)
    assert home.enter(Role.TECHNICIAN).post("/api/v1/evidence", wish).status == 403


def test_a_document_that_is_brought_along_is_kept_beside_the_lab_file(home: House):
    manager, folder = home.enter(Role.MANAGER), home.lab.parent
    assert 'type="file"' in manager.get("/readiness").text
    sent = multipart({**FORM, "document": "", "n": "41"}, "../../Walk\u202e #1.PDF", b"%PDF-1.7 walked")
    assert manager.send("POST", "/evidence", **sent).headers["location"] == "/readiness"
    entry = read_yaml(home.lab.with_name("evidence.yaml")).values["evidence"][-1]
    digest = hashlib.sha256(b"%PDF-1.7 walked").hexdigest()
    assert (entry["n"], entry["files"]) == (41, {"evidence/Walk_ _1.pdf": digest})
    assert (folder / "evidence/Walk_ _1.pdf").read_bytes() == b"%PDF-1.7 walked"
    lines = manager.get("/api/v1/audit").json
    assert [line["detail"].endswith(digest) for line in lines if line["what"] == "bring document"] == [True]
    assert "<option>evidence/Walk_ _1.pdf</option>" in manager.get("/readiness").text
    refused = multipart({**FORM, "document": "", "by": "nobody"}, "other.pdf", b"%PDF-1.7 other")
    assert "is%20no%20named%20person" in manager.send("POST", "/evidence", **refused).headers["set-cookie"]
    assert [path.name for path in (folder / "evidence").iterdir()] == ["Walk_ _1.pdf"], "no entry, no document"
    page = Client(home.address, headers={"Cookie": f"{COOKIE}={manager.cookie}"})  # a browser without scripts
    for secret, status in (("0" * 64, 403), (csrf_of(manager.cookie or ""), 303)):
        fields = {**FORM, "csrf": secret, "document": "", "n": "42"}
        assert page.send("POST", "/evidence", **multipart(fields, "walk.md", b"walked")).status == status


def test_a_program_brings_a_document_once_and_nothing_is_written_over(home: House):
    manager, place = home.enter(Role.MANAGER), "/api/v1/evidence/documents"

    def bring(name: str, data: bytes) -> Answer:
        return manager.send("PUT", f"{place}/{quote(name)}", raw=data)

    first = bring("plan.csv", b"a,b\n")
    assert (first.status, first.json["name"], first.json["is_new"]) == (201, "evidence/plan.csv", True)
    again, other = bring("plan.csv", b"a,b\n"), bring("plan.csv", b"c,d\n")
    assert (again.status, again.json["is_new"]) == (201, False)
    assert (other.status, "nothing is written over" in other.json["detail"]) == (409, True)
    assert (home.lab.parent / "evidence/plan.csv").read_bytes() == b"a,b\n"
    for name, data, status, said in (
        ("run.exe", b"MZ", 422, "'run.exe' is no document that is taken"),
        (".csv", b"x", 422, "is no document that is taken"),
        ("empty.csv", b"", 422, "is empty (0 bytes)"),
        ("large.csv", b"x" * (LARGEST + 1), 422, "has more than the 20 MiB"),
        ("huge.csv", b"x" * (LARGEST_DOCUMENT + 1), 413, "bytes: send less at once"),
    ):
        answer = bring(name, data)
        assert (answer.status, said in answer.json["detail"]) == (status, True), answer.text
    unending: Any = iter([b"x" * LARGEST_DOCUMENT, b"x"])  # sent without saying how long it is
    assert "has more than the 20 MiB" in bring("long.csv", unending).json["detail"]
    assert home.enter(Role.TECHNICIAN).send("PUT", f"{place}/late.csv", raw=b"x").status == 403
    assert bring("most.csv", b"x" * LARGEST).status == 201
    assert sorted(path.name for path in (home.lab.parent / "evidence").glob("*.csv")) == ["most.csv", "plan.csv"]


def test_a_folder_of_evidence_that_leads_elsewhere_is_refused(tmp_path: Path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/evidence").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leads elsewhere: make it a plain folder first"):
        keep(tmp_path / "lab", "walk.csv", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["lab"]


def test_the_newest_assessment_is_shown_with_what_blocks_the_next_level(home: House):
    observer = home.enter(Role.OBSERVER)
    assert "'autolab review' makes one" in observer.get("/readiness").text
    for day in (date(2026, 10, 2), date(2026, 11, 1)):
        assess(home, day)
    page = observer.get("/readiness").text
    assert "As of 2026-11-01" in page
    assert "What blocks the next level" in page
    assert page.index("/readiness/2026-11-01/report") < page.index("/readiness/2026-10-02/report")
    report = observer.get("/readiness/2026-10-02/report")
    assert (report.status, "2026-10-02" in report.text) == (200, True)
    assert observer.get("/readiness/2026-10-03/report").status == 404
    assert "State evidence" not in page
