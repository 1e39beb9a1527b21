"""The seven packages come from this repository and start light; `make check` sees that imports go down only."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("autolab", "devices", "plans", "optimizer", "simulators", "safety", "facility_review")
HEAVY = ("torch", "botorch", "gpytorch", "ax", "ophyd", "ophyd_async", "bluesky", "epics", "numpy", "scipy", "plotly")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_ours_and_not_a_namesake(name: str, repository: Path) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert Path(str(spec.origin)).resolve() == repository / name / "__init__.py"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_says_that_it_is_typed(name: str, repository: Path) -> None:
    assert (repository / name / "py.typed").exists()


def test_importing_the_packages_loads_nothing_heavy(repository: Path) -> None:
    code = f"import sys, {', '.join(PACKAGES)}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_autolab_itself_exports_its_version_and_nothing_else() -> None:
    import autolab

    assert autolab.__all__ == ["__version__"]
