"""What is asked of a journal.

The queries stand here as text, because they are part of the evidence: each record names the one that it came from.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["QUERIES"]

QUERIES: Mapping[str, str] = {
    "trials": (
        'SELECT campaign, number, state, engine, realm, fault, repeat_of, "values", outcome, '
        "seen <> '[]' AS is_informed, verdict IS NOT NULL AS is_judged, EXISTS (SELECT 1 FROM trial_samples s "
        "WHERE s.campaign = t.campaign AND s.trial = t.number) AS has_sample, EXISTS (SELECT 1 FROM run_trials r "
        "WHERE r.campaign = t.campaign AND r.trial = t.number) AS has_run, EXISTS (SELECT 1 FROM permits p "
        "WHERE p.campaign = t.campaign AND p.trial = t.number AND used = 1) AS has_permit, "
        "json_extract(timings, '$.proposer_s') AS proposer_s, "
        "json_extract(proposal, '$.plan_hash') AS plan_hash, history FROM trials t ORDER BY campaign, number"
    ),
    "interventions": (
        "SELECT i.campaign, i.trial, p.name, p.kind, i.cause, i.detail, i.lab_s, i.date FROM interventions i "
        "JOIN principals p ON p.id = i.principal ORDER BY i.id"
    ),
    "commands": (
        "SELECT i.campaign, i.trial, COUNT(*) AS n, SUM(CASE WHEN i.state <> 'void' THEN COALESCE(i.used_ul, "
        "json_extract(i.action, '$.volume_ul')) END) AS used_ul FROM intents i GROUP BY i.campaign, i.trial"
    ),
    "materials": (
        "SELECT campaign, json_extract(action, '$.material') AS material, SUM(COALESCE(used_ul, "
        "json_extract(action, '$.volume_ul'))) AS used_ul FROM intents WHERE state <> 'void' "
        "AND json_extract(action, '$.volume_ul') IS NOT NULL GROUP BY campaign, material"
    ),
    "settled": (
        "SELECT i.campaign, i.trial, p.name, p.kind, i.settled_lab_s AS lab_s FROM intents i "
        "JOIN principals p ON p.id = i.settled_by ORDER BY i.rowid"
    ),
    "replicates": (
        "SELECT campaign, trial, replicate, outcome FROM replicates WHERE (campaign, trial) IN (SELECT campaign, trial "
        "FROM replicates WHERE outcome IS NOT NULL GROUP BY campaign, trial HAVING COUNT(DISTINCT replicate) > 1) "
        "AND outcome IS NOT NULL ORDER BY campaign, trial, replicate, attempt"
    ),
    "trips": (
        "SELECT t.lab, t.campaign, t.cause, t.lab_s, t.date, p.name, p.kind, t.reset_date FROM trips t "
        "LEFT JOIN principals p ON p.id = t.reset_by ORDER BY t.id"
    ),
    "bypasses": "SELECT lab, rule, since_s, until_s, approver, ended_s FROM bypasses ORDER BY id",
    "proof tests": (
        "SELECT t.id, t.lab, t.lab_hash, p.name, t.date, t.passed FROM proof_tests t "
        "JOIN principals p ON p.id = t.principal ORDER BY t.id"
    ),
    "proof paths": "SELECT test, rule, cause, passed, latch_ms, power_ms FROM proof_paths ORDER BY test, number",
    "approvals": "SELECT campaign, trial FROM approvals WHERE used IS NOT NULL ORDER BY id",
    "needing approval": (
        "SELECT t.campaign, t.number FROM trials t WHERE json_extract(t.verdict, '$.decision') = 'needs approval' "
        "ORDER BY t.campaign, t.number"
    ),
    "hold requests": "SELECT campaign, verb, date FROM requests WHERE verb IN ('pause', 'stop') ORDER BY id",
    "corrections": "SELECT campaign, trial FROM corrections ORDER BY id",
    "calibrations": "SELECT DISTINCT campaign, trial FROM calibration_uses ORDER BY campaign, trial",
    "devices": "SELECT * FROM devices ORDER BY rowid",
}
"""Each query by the name of what it reads."""
