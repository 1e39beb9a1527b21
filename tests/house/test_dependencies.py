"""Each dependency is pinned, each pin fits its range, and no licence asks more than ours can give."""

from __future__ import annotations

import re
import sysconfig
import tomllib
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

KNOWN_COPYLEFT = {
    "moocore": "LGPL, which a library that is imported and not changed may carry; Ax brings it, by BoTorch's pymoo",
}


def _installed() -> list[Distribution]:
    """What is installed in this environment; setuptools, once imported, adds copies of its own to the search path."""
    return list(distributions(path=[sysconfig.get_paths()["purelib"]]))


def _project(repository: Path) -> dict[str, Any]:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _pins(repository: Path) -> dict[str, str]:
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def _requirements(repository: Path) -> list[Requirement]:
    project = _project(repository)
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


def test_each_dependency_is_pinned_inside_its_range(repository: Path) -> None:
    pins = _pins(repository)
    for requirement in _requirements(repository):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement.name} is not pinned in constraints.txt"
        assert requirement.specifier.contains(pin), f"{requirement} does not allow the pinned {pin}"


def test_what_is_installed_is_what_is_pinned(repository: Path) -> None:
    pins = _pins(repository)
    ours = {"autolab", "pip"}
    for distribution in _installed():
        name = canonicalize_name(distribution.name)
        if name in ours or name not in _needed():
            continue
        assert pins.get(name) == distribution.version.split("+")[0], f"{name} {distribution.version} is not the pin"


@cache
def _needed() -> frozenset[str]:
    """Names of all that ours needs, directly or not, in this environment."""
    by_name = {canonicalize_name(d.name): d for d in _installed()}
    waiting, seen = [("autolab", frozenset({"dev", "async", "parquet"}))], set[str]()
    done = set[tuple[str, frozenset[str]]]()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in done or name not in by_name:
            continue
        done.add((name, extras))
        seen.add(name)
        for text in by_name[name].requires or []:
            need = Requirement(text)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
                waiting.append((canonicalize_name(need.name), frozenset(need.extras)))
    return frozenset(seen)


def test_torch_is_pinned_without_a_build() -> None:
    """A build such as +cpu in the pin would keep everybody else from installing."""
    repository = Path(__file__).resolve().parents[2]
    assert _pins(repository)["torch"] == "2.13.0"


def test_no_dependency_has_a_licence_that_reaches_into_ours() -> None:
    found = set[str]()
    for distribution in _installed():
        name, words = canonicalize_name(distribution.name), distribution.metadata
        licences = [words.get("License-Expression") or "", (words.get("License") or "")[:80]]
        licences += [item for item in words.get_all("Classifier") or [] if item.startswith("License")]
        if name in _needed() and re.search(r"\b[AL]?GPL|Affero|General Public", " ".join(licences)):
            found.add(name)
    assert found <= set(KNOWN_COPYLEFT), f"copyleft among the dependencies: {sorted(found - set(KNOWN_COPYLEFT))}"


@pytest.mark.parametrize("name", ["nvidia", "cuda", "triton"])
def test_no_accelerator_library_is_pinned(name: str, repository: Path) -> None:
    assert not [pin for pin in _pins(repository) if name in pin]
