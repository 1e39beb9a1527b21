"""What a plan is made of: any change of its own file, or of the lab owner's packages, makes another plan."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest

from autolab.compose.sources import sources_hash
from plans.colour import mix_and_measure


def test_a_change_of_any_file_of_the_owners_packages_makes_another_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "ownplans" / "deep").mkdir(parents=True)
    helper = tmp_path / "ownplans" / "deep" / "helper.py"
    for file in (tmp_path / "ownplans" / "__init__.py", helper):
        file.write_text("x = 1\n")
    (tmp_path / "ownmodule.py").write_text("y = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    alone = sources_hash([mix_and_measure], ())
    before = sources_hash([mix_and_measure], ("ownplans", "ownmodule"))
    assert before == sources_hash([mix_and_measure], ("ownmodule", "ownplans")) != alone
    for file in (helper, tmp_path / "ownmodule.py"):
        text = file.read_text()
        file.write_text("x = 2\n")
        assert sources_hash([mix_and_measure], ("ownplans", "ownmodule")) != before
        file.write_text(text)
    assert sources_hash([mix_and_measure], ("ownplans", "ownmodule")) == before


def test_a_plan_without_a_file_of_its_own_has_a_hash_too():
    assert sources_hash([functools.partial(mix_and_measure)], ()) != sources_hash([mix_and_measure], ())
    assert sources_hash([sys.exit], ()) != sources_hash([len], ())
