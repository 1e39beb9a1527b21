"""What the commands around interlocks say."""

from __future__ import annotations

from autolab.compose.proofs import ProofPath
from autolab.compose.proving import ProofTest


def test_a_mistake_by_which_several_paths_fail_is_said_once():
    closed = "could not be exercised: arm: does not answer"
    paths = (
        ProofPath("far", "stage.position reads 151 mm", passed=False, seen=closed),
        ProofPath("far", "stage.position reads what is no value", passed=False, seen=closed),
        ProofPath("relay", "the controller is killed", passed=True, seen="latched"),
        ProofPath("empty", "arm does not answer", passed=False, seen="no trip within 9 s"),
    )
    assert ProofTest("bench", "hash", "ada", "2026-11-22T10:00:00", paths).said().splitlines() == [
        "bench: 3 of 4 paths failed; run nothing here:",
        "- 2 paths (far: stage.position reads 151 mm; far: stage.position reads what is no value): " + closed,
        "- empty: arm does not answer: no trip within 9 s",
    ]
