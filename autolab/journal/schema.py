"""The journal's schema, by version. A version that has been released never changes; a new one is added below it."""

from __future__ import annotations

import sqlite3

from autolab.core.errors import StorageError
from autolab.journal.histories import fold_transitions
from autolab.journal.log import adopt

__all__ = ["check_version", "is_older", "prepare"]

_STATES_1 = """
CREATE TABLE principals (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, UNIQUE (name, kind));
CREATE TABLE campaigns (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, lab TEXT NOT NULL, laboratory TEXT NOT NULL,
    realm TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, seed INTEGER NOT NULL, created TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), settings TEXT NOT NULL, problem TEXT NOT NULL,
    campaign_file TEXT NOT NULL, campaign_hash TEXT NOT NULL, lab_file TEXT NOT NULL, lab_hash TEXT NOT NULL,
    bench TEXT NOT NULL, environment TEXT NOT NULL, recommendation TEXT);
CREATE TABLE devices (
    campaign TEXT NOT NULL REFERENCES campaigns(id), name TEXT NOT NULL, class TEXT NOT NULL, address TEXT NOT NULL,
    model TEXT NOT NULL, serial_number TEXT NOT NULL, realm TEXT NOT NULL, PRIMARY KEY (campaign, name));
CREATE TABLE trials (
    campaign TEXT NOT NULL REFERENCES campaigns(id), number INTEGER NOT NULL, state TEXT NOT NULL,
    "values" TEXT NOT NULL, engine TEXT NOT NULL, why TEXT NOT NULL, seed INTEGER NOT NULL, seen TEXT NOT NULL,
    pending TEXT NOT NULL, verdict TEXT, outcome TEXT, failure TEXT, realm TEXT NOT NULL, lane INTEGER,
    repeat_of INTEGER, timings TEXT, PRIMARY KEY (campaign, number));
CREATE TABLE transitions (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, state TEXT NOT NULL,
    lab_s REAL NOT NULL, date TEXT NOT NULL, detail TEXT);
CREATE INDEX transitions_by_trial ON transitions(campaign, trial);
CREATE TABLE replicates (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,
    outcome TEXT, PRIMARY KEY (campaign, trial, replicate, attempt));
CREATE TABLE samples (
    id TEXT PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, labware TEXT NOT NULL, place TEXT NOT NULL,
    well INTEGER NOT NULL, UNIQUE (lab, bench, labware, well));
CREATE TABLE trial_samples (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, sample TEXT NOT NULL,
    PRIMARY KEY (campaign, trial, replicate, sample));
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, campaign TEXT NOT NULL, lane INTEGER NOT NULL, plan_name TEXT NOT NULL, exit_status TEXT);
CREATE TABLE run_trials (
    run TEXT NOT NULL REFERENCES runs(uid), campaign TEXT NOT NULL, trial INTEGER NOT NULL,
    replicate INTEGER NOT NULL, PRIMARY KEY (run, campaign, trial, replicate));
CREATE TABLE intents (
    operation TEXT PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL,
    device TEXT NOT NULL, action TEXT NOT NULL, state TEXT NOT NULL, intended_lab_s REAL NOT NULL,
    settled_lab_s REAL, detail TEXT);
CREATE TABLE permits (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, content_hash TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), granted TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0,
    UNIQUE (campaign, trial, content_hash));
CREATE TABLE interventions (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER, principal INTEGER NOT NULL REFERENCES principals(id),
    cause TEXT NOT NULL, detail TEXT NOT NULL, lab_s REAL NOT NULL, date TEXT NOT NULL);
"""

_DOCUMENTS_1 = """
CREATE TABLE documents (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, lane INTEGER NOT NULL, trial INTEGER NOT NULL, run TEXT NOT NULL,
    name TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE movements (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, device TEXT NOT NULL, what TEXT NOT NULL,
    begun_lab_s REAL NOT NULL, ended_lab_s REAL NOT NULL, failure TEXT);
CREATE INDEX documents_by_trial ON documents(campaign, trial);
"""

_STATES_2 = """
CREATE TABLE leases (
    epoch INTEGER PRIMARY KEY, holder TEXT NOT NULL, begun TEXT NOT NULL);
CREATE TABLE phases (
    campaign TEXT NOT NULL, trial INTEGER NOT NULL, replicate INTEGER NOT NULL, attempt INTEGER NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, result TEXT, lab_s REAL NOT NULL,
    PRIMARY KEY (campaign, trial, replicate, attempt, name));
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, verb TEXT NOT NULL, arguments TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), date TEXT NOT NULL, answer TEXT, answered TEXT);
CREATE TABLE corrections (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, before TEXT, after TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), reason TEXT NOT NULL, date TEXT NOT NULL);
CREATE TABLE log (
    seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, leaf BLOB NOT NULL);
ALTER TABLE campaigns ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
ALTER TABLE trials ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1;
ALTER TABLE intents ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE intents ADD COLUMN counter INTEGER;
ALTER TABLE intents ADD COLUMN evidence TEXT;
ALTER TABLE intents ADD COLUMN settled_by INTEGER REFERENCES principals(id);
"""

_STATES_3 = """
CREATE INDEX trials_by_state ON trials(campaign, state, number);
CREATE INDEX intents_by_trial ON intents(campaign, trial);
CREATE INDEX run_trials_by_trial ON run_trials(campaign, trial);
"""

_STATES_4 = """
ALTER TABLE trials ADD COLUMN fault TEXT;
ALTER TABLE trials ADD COLUMN closes REAL;
ALTER TABLE intents ADD COLUMN used_ul REAL;
CREATE TABLE recoveries (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, failed INTEGER NOT NULL, sample TEXT REFERENCES samples(id),
    plan TEXT NOT NULL, state TEXT NOT NULL, trial INTEGER, attempt INTEGER, lab_s REAL NOT NULL);
CREATE TABLE trips (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, campaign TEXT NOT NULL, cause TEXT NOT NULL,
    lab_s REAL NOT NULL, date TEXT NOT NULL, reset_by INTEGER REFERENCES principals(id), reset_because TEXT,
    reset_date TEXT);
"""

_STATES_5_APPROVALS = """
ALTER TABLE campaigns ADD COLUMN envelope_hash TEXT;
ALTER TABLE campaigns ADD COLUMN envelope_version TEXT;
ALTER TABLE trials ADD COLUMN proposal TEXT;
ALTER TABLE trials ADD COLUMN asked_by INTEGER REFERENCES principals(id);
CREATE TABLE approvals (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER, content_hash TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), nonce TEXT NOT NULL UNIQUE, signed TEXT NOT NULL,
    date TEXT NOT NULL, used TEXT);
"""

_STATES_5_INTERLOCKS = """
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, campaign TEXT NOT NULL, what TEXT NOT NULL, rule TEXT NOT NULL,
    cause TEXT NOT NULL, head INTEGER REFERENCES alarms(id), lab_s REAL NOT NULL, date TEXT NOT NULL);
CREATE INDEX alarms_by_campaign ON alarms(campaign);
CREATE TABLE bypasses (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL, measure TEXT NOT NULL,
    requester INTEGER NOT NULL REFERENCES principals(id), since_s REAL NOT NULL, until_s REAL NOT NULL,
    request TEXT NOT NULL, approver INTEGER REFERENCES principals(id), approved_s REAL, approval TEXT,
    ended_s REAL, ended_by INTEGER REFERENCES principals(id));
CREATE TABLE proof_tests (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, lab_hash TEXT NOT NULL, principal INTEGER NOT NULL
    REFERENCES principals(id), date TEXT NOT NULL, passed INTEGER NOT NULL);
CREATE TABLE proof_paths (
    test INTEGER NOT NULL REFERENCES proof_tests(id), number INTEGER NOT NULL, rule TEXT NOT NULL,
    cause TEXT NOT NULL, passed INTEGER NOT NULL, latch_ms REAL, power_ms REAL, seen TEXT NOT NULL,
    PRIMARY KEY (test, number));
"""

_STATES_5_EXPLANATIONS = """
ALTER TABLE trials ADD COLUMN explanation TEXT;
"""

_STATES_5_HISTORIES = """
ALTER TABLE trials ADD COLUMN history TEXT NOT NULL DEFAULT '[]';
"""
"""The states that a trial has been in, which before this version were rows of a table of their own."""

_STATES_5_SAMPLES = """
ALTER TABLE samples ADD COLUMN barcode TEXT;
ALTER TABLE samples ADD COLUMN principal INTEGER REFERENCES principals(id);
ALTER TABLE samples ADD COLUMN date TEXT;
CREATE UNIQUE INDEX samples_by_barcode ON samples(lab, barcode);
CREATE TABLE sample_parents (
    sample TEXT NOT NULL REFERENCES samples(id), parent TEXT NOT NULL REFERENCES samples(id), volume_ul REAL NOT NULL,
    PRIMARY KEY (sample, parent));
CREATE INDEX sample_parents_by_parent ON sample_parents(parent);
CREATE INDEX trial_samples_by_sample ON trial_samples(sample);
"""

_STATES_5_PEOPLE = """
ALTER TABLE trials ADD COLUMN workflow TEXT;
CREATE TABLE questions (
    operation TEXT PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, device TEXT NOT NULL,
    question TEXT NOT NULL, state TEXT NOT NULL, asked TEXT NOT NULL, reply TEXT, failed TEXT, typed TEXT,
    principal INTEGER REFERENCES principals(id), signed TEXT, answered TEXT);
CREATE INDEX questions_by_trial ON questions(campaign, trial);
"""

_STATES_6_IMPORTS = """
ALTER TABLE trials ADD COLUMN source TEXT;
CREATE TABLE imports (
    campaign TEXT PRIMARY KEY REFERENCES campaigns(id), file TEXT NOT NULL, sha256 TEXT NOT NULL, sheet TEXT NOT NULL,
    columns TEXT NOT NULL, n_read INTEGER NOT NULL, n_refused INTEGER NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), date TEXT NOT NULL);
"""
"""The source of a trial that was imported: JSON of its row, and the barcode, labware and well that the table has."""
_STATES_6_CALIBRATIONS = """
CREATE TABLE calibrations (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, bench TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    instruments TEXT NOT NULL, declared TEXT NOT NULL, campaign TEXT NOT NULL REFERENCES campaigns(id),
    trial INTEGER NOT NULL, attempt INTEGER NOT NULL, replicate INTEGER NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), state TEXT NOT NULL, begun TEXT NOT NULL, ended TEXT,
    lab_s REAL, runs TEXT, "values" TEXT, failure TEXT, valid TEXT NOT NULL);
CREATE INDEX calibrations_by_name ON calibrations(lab, bench, name);
CREATE INDEX calibrations_by_trial ON calibrations(campaign, trial);
CREATE TABLE calibration_uses (
    calibration INTEGER NOT NULL REFERENCES calibrations(id), campaign TEXT NOT NULL, trial INTEGER NOT NULL,
    attempt INTEGER NOT NULL, run TEXT NOT NULL, measurements INTEGER NOT NULL,
    PRIMARY KEY (calibration, campaign, trial, attempt, run));
CREATE INDEX calibration_uses_by_trial ON calibration_uses(campaign, trial);
"""
_STATES_6_ASSETS = """
CREATE TABLE assets (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, resource TEXT NOT NULL, path TEXT NOT NULL,
    size INTEGER NOT NULL, sha256 TEXT NOT NULL, date TEXT NOT NULL);
CREATE INDEX assets_by_trial ON assets(campaign, trial);
"""
_STATES_6_ACCESSES = """
CREATE TABLE accesses (
    id INTEGER PRIMARY KEY, principal INTEGER NOT NULL REFERENCES principals(id), what TEXT NOT NULL,
    detail TEXT NOT NULL, date TEXT NOT NULL);
"""

_STATES_6_JUDGEMENTS = """
CREATE TABLE judgements (
    id INTEGER PRIMARY KEY, campaign TEXT NOT NULL, trial INTEGER NOT NULL, attempt INTEGER NOT NULL,
    passed INTEGER NOT NULL, raw TEXT NOT NULL, corrections TEXT NOT NULL, findings TEXT NOT NULL, lab_s REAL NOT NULL);
CREATE INDEX judgements_by_trial ON judgements(campaign, trial);
"""

_STATES_6_CONFORMANCE = """
CREATE TABLE conformance_tests (
    id INTEGER PRIMARY KEY, lab TEXT NOT NULL, lab_hash TEXT NOT NULL, device TEXT NOT NULL, class TEXT NOT NULL,
    address TEXT NOT NULL, model TEXT NOT NULL, serial_number TEXT NOT NULL, realm TEXT NOT NULL,
    software TEXT NOT NULL, source_hash TEXT NOT NULL, passed INTEGER NOT NULL, sha256 TEXT NOT NULL,
    principal INTEGER NOT NULL REFERENCES principals(id), date TEXT NOT NULL);
CREATE TABLE conformance_checks (
    test INTEGER NOT NULL REFERENCES conformance_tests(id), number INTEGER NOT NULL, name TEXT NOT NULL,
    verdict TEXT NOT NULL, seen TEXT NOT NULL, ms REAL, PRIMARY KEY (test, number));
"""

_STATES_5 = (
    _STATES_5_APPROVALS
    + _STATES_5_INTERLOCKS
    + _STATES_5_EXPLANATIONS
    + _STATES_5_HISTORIES
    + _STATES_5_SAMPLES
    + _STATES_5_PEOPLE
)
_STATES_6 = (
    _STATES_6_IMPORTS
    + _STATES_6_CALIBRATIONS
    + _STATES_6_ASSETS
    + _STATES_6_ACCESSES
    + _STATES_6_JUDGEMENTS
    + _STATES_6_CONFORMANCE
)

_SCRIPTS = {
    "states": (_STATES_1, _STATES_2, _STATES_3, _STATES_4, _STATES_5, _STATES_6),
    "documents": (_DOCUMENTS_1,),
}
_FIRST_LOGGED = 2
"""Version of the states that logs what is written."""
_FIRST_WITH_HISTORIES = 5
"""Version of the states that keeps the history of a trial in its row."""


def check_version(version: int, which: str, path: str) -> None:
    """Refuse a database of a newer version.

    Args:
        version: Version of its schema.
        which: ``states`` or ``documents``.
        path: Its path, for the message.

    Raises:
        StorageError: a newer version of autolab wrote it.
    """
    known = len(_SCRIPTS[which])
    if version > known:
        raise StorageError(
            f"{path}: written by a newer autolab (schema {version}, this one knows up to {known}): "
            "nothing was changed; use that autolab, or name another folder with --data"
        )


def is_older(version: int, which: str) -> bool:
    """Whether a database of this version needs `prepare` before it can be read."""
    return 0 < version < len(_SCRIPTS[which])


def prepare(connection: sqlite3.Connection, which: str, path: str) -> None:
    """Bring a database to the newest version of its schema.

    Args:
        connection: The open database.
        which: ``states`` or ``documents``.
        path: Its path, for the message.

    Raises:
        StorageError: a newer version of autolab wrote it.
    """
    scripts = _SCRIPTS[which]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    check_version(version, which, path)
    for number, script in enumerate(scripts[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};")
        if which == "states" and number == _FIRST_LOGGED:
            adopt(connection)
        if which == "states" and number == _FIRST_WITH_HISTORIES:
            fold_transitions(connection)
        connection.execute("COMMIT")
