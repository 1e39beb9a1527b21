"""The pytest plugin: it costs nothing before it is used, and golden campaigns tell in what another one differs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from autolab.testing.golden import compare, differences

pytest_plugins = ["pytester"]
PLUGIN = "autolab.testing.plugin"
GOLDEN = {"seed": 1, "trials": {"1": {"values": {"cyan": 12.5, "solvent": "water"}, "failure": None}}}
HEAVY = ("numpy", "bluesky", "ophyd", "torch", "pydantic", "pint", "sqlite_utils", "epics", "zmq", "yaml")


def test_the_plugin_is_named_by_the_package(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {PLUGIN: PLUGIN}


def test_loading_the_plugin_imports_nothing_but_pytest() -> None:
    code = f"import pytest, sys; before = set(sys.modules); import {PLUGIN}; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name for name in loaded if name.startswith("autolab")} == {"autolab", "autolab.testing", PLUGIN}
    assert not {name.partition(".")[0] for name in loaded} & set(HEAVY)


def test_each_field_that_differs_is_one_line() -> None:
    other = {"seed": 1, "trials": {"1": {"values": {"cyan": 13.0, "oil": 1.0}, "failure": "hot"}, "2": {}}}
    assert list(differences(GOLDEN, other, 1e-9, 0.0)) == [
        "trials.1.values.cyan: golden 12.5, now 13 (off by +0.5)",
        'trials.1.values.solvent: golden "water", and now it is missing',
        "trials.1.values.oil: now 1.0, and the golden one has none",
        'trials.1.failure: golden null, now "hot"',
        "trials.2: now {}, and the golden one has none",
    ]


def test_numbers_are_the_same_within_the_tolerance_that_is_asked_for() -> None:
    assert not list(differences({"a": 1.0}, {"a": 1.0 + 1e-7}, 1e-6, 0.0))
    assert list(differences({"a": 1.0}, {"a": 1.0 + 1e-5}, 1e-6, 0.0))
    assert list(differences({"a": 1}, {"a": True}, 1.0, 1.0)) == ["a: golden 1, now true"]


def test_a_golden_file_that_is_broken_or_missing_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "golden.json"
    assert compare(GOLDEN, file, update=False) == f"{file}: there is no golden campaign yet"
    file.write_text("{")
    assert "it is no JSON" in str(compare(GOLDEN, file, update=False))
    assert compare(GOLDEN, file, update=True) is None
    assert compare(GOLDEN, file, update=False) is None


def test_a_test_fails_with_the_differences_and_what_to_do(pytester: pytest.Pytester) -> None:
    test = pytester.makepyfile(
        """
        from types import SimpleNamespace

        def test_it(autolab_golden):
            autolab_golden(SimpleNamespace(golden={"seed": 1, "best": 2.5}), "golden/one.json")
        """
    )
    run = ("-p", PLUGIN, "-p", "no:cacheprovider")
    first = pytester.runpytest_inprocess(*run)
    first.stdout.fnmatch_lines(["*there is no golden campaign yet", "*--autolab-update-golden*"])
    assert pytester.runpytest_inprocess(*run, "--autolab-update-golden").ret == 0
    assert pytester.runpytest_inprocess(*run).ret == 0
    golden = test.parent / "golden" / "one.json"
    golden.write_text(golden.read_text().replace("2.5", "2.75"))
    last = pytester.runpytest_inprocess(*run)
    assert last.ret == 1
    last.stdout.fnmatch_lines(
        [
            "*one.json: the campaign differs in 1 place from the golden one:",
            "*best: golden 2.75, now 2.5 (off by -0.25)",
        ]
    )
